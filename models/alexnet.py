"""AlexNet: five convolutions in two halves, and three dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from models.layers import GroupedConv2D, LocalResponseNormalization


@dataclass(frozen=True)
class _Size:
    """What differs between the sizes: the picture's side, the first kernel and stride, and the widths."""

    side: int
    kernel: int
    stride: int
    maps: tuple[int, int, int, int, int]
    units: int


SIZES = {
    "full": _Size(side=227, kernel=11, stride=4, maps=(96, 256, 384, 384, 256), units=4096),
    "small": _Size(side=32, kernel=5, stride=1, maps=(32, 64, 96, 96, 64), units=256),
    "tiny": _Size(side=32, kernel=5, stride=1, maps=(8, 16, 16, 16, 16), units=32),
}


def build_alexnet(*, size: str = "small", classes: int = 10) -> keras.Model:
    """AlexNet (Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural networks").

    The second, fourth and fifth convolution see one half of the maps before them each, as the two processors of the
    paper did (figure 2); the third and the dense layers see all.

    Args:
        size: "full", as published: 60,965,224 parameters at 1,000 classes; "small", the same layers for pictures of 32
            pixels: 286,922 at 10 classes; "tiny", narrower ones, to see it run.
        classes: number of classes.

    Returns:
        Functional model. Input "image" (batch, side, side, 3), float32: side 227 (the paper says 224, which its
        strides do not fit), or 32; output "logits" (batch, classes).

    Raises:
        ValueError: an unknown size, or fewer than two classes.
    """
    if size not in SIZES:
        raise ValueError(f"build_alexnet: size must be one of {', '.join(SIZES)}. Received: {size!r}")
    if classes < 2:
        raise ValueError(f"build_alexnet: classes must be 2 or more. Received: {classes}")
    given = SIZES[size]
    m1, m2, m3, m4, m5 = given.maps

    image = keras.Input((given.side, given.side, 3), name="image")
    # Shapes for the full size, and for the small one.
    x = _convolution(image, m1, given.kernel, "conv1", strides=given.stride, padding="valid")  # 55 x 55, 28 x 28
    x = LocalResponseNormalization(name="norm1")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # 27 x 27, 13 x 13
    x = _convolution(x, m2, 5, "conv2", groups=2)
    x = LocalResponseNormalization(name="norm2")(x)
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)  # 13 x 13, 6 x 6
    x = _convolution(x, m3, 3, "conv3")
    x = _convolution(x, m4, 3, "conv4", groups=2)
    x = _convolution(x, m5, 3, "conv5", groups=2)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)  # 6 x 6, 2 x 2
    x = layers.Flatten(name="flatten")(x)  # (batch, 9216), (batch, 256)
    for name in ("fc6", "fc7"):
        x = layers.Dense(given.units, activation="relu", kernel_initializer="he_normal", name=name)(x)
        x = layers.Dropout(0.5, name=f"{name}_dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name=f"alexnet_{size}")


def _convolution(x: Any, maps: int, size: int, name: str, **how: Any) -> Any:
    """With ReLU. He's initialisation, which the paper's N(0, 0.01) came before, lets the first epochs move."""
    how = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal", **how}
    return GroupedConv2D(maps, size, **how, name=name)(x)
