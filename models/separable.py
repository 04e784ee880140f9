"""One small network in four forms of convolution, to compare what each costs and what it learns."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from models.layers import GroupedConv2D

VARIANTS = ("ordinary", "depthwise", "spatial", "grouped")

_GROUPS = 4


def build_separable(*, variant: str = "ordinary", classes: int = 10) -> keras.Model:
    """Three blocks of 3x3 convolutions, each in the form that `variant` names.

    Args:
        variant: "ordinary", k x k kernels over all maps; "depthwise", k x k over each map alone, then 1 x 1 over all
            (Sifre 2014; Chollet 2017, "Xception"); "spatial", k x 1 kernels that keep the number of maps, then 1 x k
            (Szegedy et al. 2016, "Rethinking the Inception architecture", section 3.2); "grouped", four convolutions
            side by side over a quarter of the maps each (Krizhevsky et al. 2012).
        classes: number of classes.

    Returns:
        Functional model. Input "image" (batch, 32, 32, 3), float32 in [-1, 1]; output "logits" (batch, classes).
        Parameters and multiply-accumulates at 10 classes: "ordinary" 99,450 and 3,650,816; "depthwise" 14,442 and
        569,600; "spatial" 51,066 and 1,881,344; "grouped" 26,874 and 996,608.

    Raises:
        ValueError: an unknown variant, or fewer than two classes.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_separable: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if classes < 2:
        raise ValueError(f"build_separable: classes must be 2 or more. Received: {classes}")
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="stem")(image)  # (batch, 16, 16, 16)
    x = _squash(x, "stem")
    x = _block(x, variant, 32, "block1")  # (batch, 8, 8, 32)
    x = _block(x, variant, 64, "block2")  # (batch, 4, 4, 64)
    x = _block(x, variant, 128, "block3")  # (batch, 2, 2, 128)
    x = layers.GlobalAveragePooling2D(name="average")(x)  # (batch, 128)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name=f"separable_{variant}")


def _block(x: Any, variant: str, maps: int, name: str) -> Any:
    """The convolution in its form, normalization, ReLU, and the largest of 2x2."""
    how: dict[str, Any] = {"padding": "same", "use_bias": False}
    if variant == "ordinary":
        x = layers.Conv2D(maps, 3, **how, name=f"{name}_conv")(x)
    elif variant == "depthwise":
        x = layers.SeparableConv2D(maps, 3, **how, name=f"{name}_conv")(x)
    elif variant == "spatial":
        x = layers.Conv2D(x.shape[-1], (3, 1), **how, name=f"{name}_column")(x)
        x = layers.Conv2D(maps, (1, 3), **how, name=f"{name}_row")(x)
    else:
        x = GroupedConv2D(maps, 3, **how, groups=_GROUPS, name=f"{name}_conv")(x)
    return layers.MaxPooling2D(2, name=f"{name}_pool")(_squash(x, name))


def _squash(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
