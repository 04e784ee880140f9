"""Residual networks for small pictures."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

SHORTCUTS = ("A", "B")


def build_resnet(*, depth: int = 20, width: int = 16, shortcut: str = "A", classes: int = 10) -> keras.Model:
    """The residual network for CIFAR (He et al. 2016, "Deep residual learning for image recognition", section 4.2).

    A 3x3 convolution, then three stages of n blocks of two, 6n + 2 layers with weights in all; between stages the
    picture halves and the maps double.

    Args:
        depth: 6n + 2 layers: 20, 32, 44, 56, 110 in the paper.
        width: maps of the first stage: 16 in the paper.
        shortcut: where the maps double: "A", every other pixel, zeros for the maps that are new, as in the paper's
            section 4.2; "B", a 1x1 convolution with stride 2.
        classes: number of classes.

    Returns:
        Functional model, with 20 layers, shortcut A and 10 classes of 269,722 trainable parameters (the paper's 0.27
        million). Input "image" (batch, 32, 32, 3), float32; output "logits" (batch, classes).

    Raises:
        ValueError: a depth that is not 6n + 2, an unknown shortcut, no maps, or fewer than two classes.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"build_resnet: depth must be 6n + 2, from 8. Received: {depth}")
    if shortcut not in SHORTCUTS:
        raise ValueError(f"build_resnet: shortcut must be one of {', '.join(SHORTCUTS)}. Received: {shortcut!r}")
    if width < 1 or classes < 2:
        raise ValueError(f"build_resnet: width must be 1 or more, classes 2. Received: {width}, {classes}")
    image = keras.Input((32, 32, 3), name="image")
    x = _convolution(image, width, 3, 1, "stem")  # (batch, 32, 32, width)
    x = layers.ReLU(name="stem_relu")(x)
    for stage in range(3):  # (batch, 32, 32, width), (batch, 16, 16, 2 width), (batch, 8, 8, 4 width)
        for block in range((depth - 2) // 6):
            stride = 2 if stage and not block else 1
            x = _block(x, width * 2**stage, stride, shortcut, f"stage{stage + 1}_block{block + 1}")
    x = layers.GlobalAveragePooling2D(name="average")(x)  # (batch, 4 width)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name=f"resnet{depth}")


def _block(x: Any, maps: int, stride: int, shortcut: str, name: str) -> Any:
    """Two convolutions, and what went in added to what they make of it, before the last ReLU (figure 2)."""
    residual = _convolution(x, maps, 3, stride, f"{name}_conv1")
    residual = layers.ReLU(name=f"{name}_relu1")(residual)
    residual = _convolution(residual, maps, 3, 1, f"{name}_conv2")
    if stride > 1 and shortcut == "B":
        x = _convolution(x, maps, 1, stride, f"{name}_shortcut")
    elif stride > 1:
        x = layers.MaxPooling2D(1, strides=stride, name=f"{name}_every_other")(x)
        # Told that channels come first, it pads the last axis, which is ours of channels.
        x = layers.ZeroPadding2D(((0, 0), (0, maps - x.shape[-1])), data_format="channels_first", name=f"{name}_zeros")(
            x
        )
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, residual]))


def _convolution(x: Any, maps: int, size: int, stride: int, name: str) -> Any:
    """Without bias, as the normalization after it has one; He initialisation (2015)."""
    how: dict[str, Any] = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    x = layers.Conv2D(maps, size, strides=stride, **how, name=name)(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
