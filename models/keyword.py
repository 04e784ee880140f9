"""Networks that tell which word a second of sound holds, small enough for a microcontroller."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

VARIANTS = ("ds_cnn", "stream")

FRAMES, BANDS = 98, 40


def build_keyword(*, variant: str = "ds_cnn", width: int = 48, classes: int = 10) -> keras.Model:
    """Depthwise-separable convolutions over mel bands.

    Args:
        variant: "ds_cnn", over time and frequency (Zhang, Suda, Lai, Chandra 2017, "Hello Edge: keyword spotting on
            microcontrollers", section 4.4); "stream", over time alone, each frame seen once, so that a stream can be
            followed frame by frame (after Rybakov et al. 2020, "Streaming keyword spotting on mobile devices").
        width: maps of each convolution.
        classes: number of classes.

    Returns:
        Functional model. Input "features" (batch, 98, 40), logarithms of mel bands of about unit size; output
        "logits" (batch, classes). Parameters at the defaults: "ds_cnn" 15,082; "stream" 17,386.

    Raises:
        ValueError: an unknown variant, or fewer than two classes.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_keyword: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if classes < 2:
        raise ValueError(f"build_keyword: classes must be 2 or more. Received: {classes}")
    features = keras.Input((FRAMES, BANDS), name="features")
    x = _pictures(features, width) if variant == "ds_cnn" else _frames(features, width)  # (batch, width)
    x = layers.Dropout(0.2, name="dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(features, logits, name=f"keyword_{variant}")


def _pictures(features: Any, width: int) -> Any:
    x = layers.Reshape((FRAMES, BANDS, 1), name="picture")(features)  # (batch, 98, 40, 1)
    x = layers.Conv2D(width, (10, 4), strides=(4, 2), padding="same", use_bias=False, name="conv")(x)
    x = _squash(x, "conv")  # (batch, 25, 20, width)
    for i in range(4):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"block{i + 1}_depth")(x)
        x = _squash(x, f"block{i + 1}_depth")
        x = layers.Conv2D(width, 1, use_bias=False, name=f"block{i + 1}_point")(x)
        x = _squash(x, f"block{i + 1}_point")
    return layers.GlobalAveragePooling2D(name="average")(x)


def _frames(features: Any, width: int) -> Any:
    x = layers.Conv1D(width, 3, use_bias=False, name="conv")(features)  # (batch, 96, width)
    x = _squash(x, "conv")
    for i in range(4):
        how: dict[str, Any] = {"dilation_rate": 2**i, "use_bias": False}
        x = layers.SeparableConv1D(width, 5, **how, name=f"block{i + 1}")(x)
        x = _squash(x, f"block{i + 1}")
    return layers.GlobalAveragePooling1D(name="average")(x)


def _squash(x: Any, name: str) -> Any:
    # Some hundred steps are all that a small set gives: averages over ten of them follow, over a hundred they lag.
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
