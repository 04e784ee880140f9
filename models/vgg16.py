"""VGG16: thirteen convolutions of 3x3 in five blocks, and three dense layers."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers


@dataclass(frozen=True)
class _Size:
    """What differs between the sizes: the picture's side, and the widths."""

    side: int
    maps: tuple[int, int, int, int, int]
    units: int
    norm: bool


SIZES = {
    "full": _Size(side=224, maps=(64, 128, 256, 512, 512), units=4096, norm=False),
    "small": _Size(side=32, maps=(8, 16, 32, 64, 64), units=128, norm=True),
}

CONVOLUTIONS = (2, 2, 3, 3, 3)  # a block; configuration D of table 1


def build_vgg16(*, size: str = "small", top: bool = True, classes: int = 10) -> keras.Model:
    """VGG16 (Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition",
    configuration D).

    Layers have the names, weights and order of `keras.applications.VGG16`, so that its weights files fit: with
    `top=False`, or with 1,000 classes.

    Args:
        size: "full", as published: 138,357,544 parameters at 1,000 classes; "small", an eighth as wide, for pictures of
            32 pixels: 258,802 at 10 classes, four a map of batch normalization (Ioffe and Szegedy 2015) among them,
            without which thirteen layers do not begin to learn from a few thousand pictures.
        top: with the dense layers; False ends at the last block's maps.
        classes: number of classes.

    Returns:
        Functional model. Input "image" (batch, side, side, 3), float32, side 224 or 32; the weights of
        `keras.applications` want blue, green, red less their means there. Output "predictions" (batch, classes), as
        logits, or "block5_pool" (batch, side / 32, side / 32, maps).

    Raises:
        ValueError: an unknown size, or fewer than two classes.
    """
    if size not in SIZES:
        raise ValueError(f"build_vgg16: size must be one of {', '.join(SIZES)}. Received: {size!r}")
    if classes < 2:
        raise ValueError(f"build_vgg16: classes must be 2 or more. Received: {classes}")
    given = SIZES[size]

    image = keras.Input((given.side, given.side, 3), name="image")
    x = image
    for block, (maps, convolutions) in enumerate(zip(given.maps, CONVOLUTIONS, strict=True), start=1):
        for i in range(1, convolutions + 1):
            name = f"block{block}_conv{i}"
            x = layers.Conv2D(maps, 3, padding="same", kernel_initializer="he_normal", name=name)(x)
            if given.norm:
                x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)  # (batch, side / 2^block, side / 2^block, maps)
    if not top:
        return keras.Model(image, x, name=f"vgg16_{size}_notop")
    x = layers.Flatten(name="flatten")(x)  # (batch, 25088), small (batch, 64)
    for name in ("fc1", "fc2"):
        x = layers.Dense(given.units, activation="relu", kernel_initializer="he_normal", name=name)(x)
        x = layers.Dropout(0.5, name=f"{name}_dropout")(x)
    logits = layers.Dense(classes, name="predictions")(x)  # (batch, classes)
    return keras.Model(image, logits, name=f"vgg16_{size}")
