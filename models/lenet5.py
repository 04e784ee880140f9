"""LeNet-5: the network of 1998 as published, and the two forms in which it is usually taught."""

import keras
from keras import layers

from models.layers import EuclideanRBF, ScaledTanh, Subsampling, TableConv2D, bitmap_codes

VARIANTS = ("1998", "sigmoid", "relu")

# LeCun et al. 1998, table I: rows are the maps of S2, columns the maps of C3; 60 connections.
C3_TABLE = (
    (1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1),
    (1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1),
    (1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1),
    (0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1),
    (0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 1),
    (0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1),
)


def build_lenet5(*, variant: str = "relu", classes: int = 10) -> keras.Model:
    """LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", II.B).

    Args:
        variant: "1998" as published (60,000 trainable parameters: trainable subsampling, C3's table, scaled
            tanh, Euclidean RBF outputs against fixed 7x12 bitmaps); "sigmoid" (61,706: dense C3, average
            pooling, sigmoid, linear output); "relu" (61,706: the same with ReLU and max pooling).
        classes: number of classes; "1998" has bitmaps for the ten digits only.

    Returns:
        Functional model. Input "image" (batch, side, side, 1), float32: side 28 and values in [0, 1], or for
        "1998" side 32 and ground -0.1, ink 1.175. Output "logits" (batch, classes); for "1998" these are
        minus the squared distances to the codes.

    Raises:
        ValueError: an unknown variant, fewer than two classes, or classes other than 10 with "1998".
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_lenet5: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if classes < 2 or (variant == "1998" and classes != 10):
        raise ValueError(f"build_lenet5: classes must be 2 or more, and 10 with variant 1998. Received: {classes}")
    return _published() if variant == "1998" else _taught(variant, classes)


def _published() -> keras.Model:
    image = keras.Input((32, 32, 1), name="image")
    x = layers.Conv2D(6, 5, kernel_initializer=_uniform(25), name="c1")(image)  # (batch, 28, 28, 6)
    x = ScaledTanh(name="c1_squash")(x)
    x = Subsampling(name="s2")(x)  # (batch, 14, 14, 6)
    x = ScaledTanh(name="s2_squash")(x)
    x = TableConv2D(C3_TABLE, 5, name="c3")(x)  # (batch, 10, 10, 16)
    x = ScaledTanh(name="c3_squash")(x)
    x = Subsampling(name="s4")(x)  # (batch, 5, 5, 16)
    x = ScaledTanh(name="s4_squash")(x)
    x = layers.Conv2D(120, 5, kernel_initializer=_uniform(400), name="c5")(x)  # (batch, 1, 1, 120)
    x = ScaledTanh(name="c5_squash")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(84, kernel_initializer=_uniform(120), name="f6")(x)  # (batch, 84)
    x = ScaledTanh(name="f6_squash")(x)
    logits = EuclideanRBF(10, bitmap_codes(), name="logits")(x)  # (batch, 10)
    return keras.Model(image, logits, name="lenet5_1998")


def _taught(variant: str, classes: int) -> keras.Model:
    modern = variant == "relu"
    pool = layers.MaxPooling2D if modern else layers.AveragePooling2D
    # Sigmoids shrink what passes; Glorot keeps the first epochs from standing still. ReLU wants He (2015).
    init = "he_normal" if modern else "glorot_uniform"

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(6, 5, padding="same", activation=variant, kernel_initializer=init, name="c1")(image)
    x = pool(2, name="s2")(x)  # (batch, 14, 14, 6)
    x = layers.Conv2D(16, 5, activation=variant, kernel_initializer=init, name="c3")(x)  # (batch, 10, 10, 16)
    x = pool(2, name="s4")(x)  # (batch, 5, 5, 16)
    x = layers.Flatten(name="flatten")(x)  # (batch, 400)
    x = layers.Dense(120, activation=variant, kernel_initializer=init, name="c5")(x)
    x = layers.Dense(84, activation=variant, kernel_initializer=init, name="f6")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name=f"lenet5_{variant}")


def _uniform(fan_in: int) -> keras.initializers.Initializer:
    """Uniform in ±2.4 / fan-in (the paper, section III.A)."""
    return keras.initializers.RandomUniform(-2.4 / fan_in, 2.4 / fan_in)
