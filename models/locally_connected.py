"""Local connectivity with and without weight sharing, and none at all: three networks of equal width."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from models.layers import LocallyConnected2D

VARIANTS = ("local", "shared", "dense")


def build_locally_connected(*, variant: str = "local", classes: int = 10) -> keras.Model:
    """Two hidden layers of 1,152 and 400 units (after LeCun 1989, "Generalization and network design strategies").

    Args:
        variant: "local", each unit sees a square of 5x5 or 3x3 and has weights of its own (63,162 parameters at 10
            classes); "shared", the same with one kernel for all places, a convolution (5,386); "dense", each unit sees
            all (1,369,530).
        classes: number of classes.

    Returns:
        Functional model. Input "image" (batch, 28, 28, 1), float32 in [0, 1]; output "logits" (batch, classes).

    Raises:
        ValueError: an unknown variant, or fewer than two classes.
    """
    if variant not in VARIANTS:
        known = ", ".join(VARIANTS)
        raise ValueError(f"build_locally_connected: variant must be one of {known}. Received: {variant!r}")
    if classes < 2:
        raise ValueError(f"build_locally_connected: classes must be 2 or more. Received: {classes}")
    image = keras.Input((28, 28, 1), name="image")
    x = _hidden(variant, 8, 5, "h1")(image)  # (batch, 12, 12, 8)
    x = layers.ReLU(name="h1_relu")(x)
    x = _hidden(variant, 16, 3, "h2")(x)  # (batch, 5, 5, 16)
    x = layers.ReLU(name="h2_relu")(x)
    x = layers.Flatten(name="flatten")(x)  # (batch, 400)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name=f"locally_connected_{variant}")


def _hidden(variant: str, maps: int, size: int, name: str) -> Any:
    if variant == "local":
        return LocallyConnected2D(maps, size, strides=2, name=name)
    if variant == "shared":
        return layers.Conv2D(maps, size, strides=2, kernel_initializer="he_normal", name=name)
    return lambda x: _dense(x, maps, size, name)


def _dense(x: Any, maps: int, size: int, name: str) -> Any:
    side = (x.shape[1] - size) // 2 + 1
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(side * side * maps, kernel_initializer="he_normal", name=name)(x)
    return layers.Reshape((side, side, maps), name=f"{name}_maps")(x)
