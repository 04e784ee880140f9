"""EEGNet, and the Deep ConvNet that it is held against: convolutions over time, then over electrodes."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers
from keras.constraints import MaxNorm

VARIANTS = ("eegnet", "deep")

_MAPS, _DEPTH = 8, 2  # F1 and D of EEGNet-8,2
_DEEP = (25, 50, 100, 200)
_DEEP_KERNEL = 5  # of the authors of EEGNet for signals of 128 Hz; Schirrmeister et al. have 10 at 250 Hz


def build_eegnet(
    *, variant: str = "eegnet", length: int = 128, channels: int = 4, kernel: int = 64, dropout: float = 0.25
) -> keras.Model:
    """A network over a stretch of EEG, with one logit.

    Args:
        variant: "eegnet", EEGNet-8,2 (Lawhern et al. 2018, "EEGNet: a compact convolutional neural network for
            EEG-based brain-computer interfaces", table 2); "deep", the Deep ConvNet (Schirrmeister et al. 2017, "Deep
            learning with convolutional neural networks for EEG decoding and visualization", figure 1) with the kernels
            and pools of Lawhern et al., table 3.
        length: time steps.
        channels: electrodes.
        kernel: time steps of EEGNet's first kernels, half a second; the deep network has its own.
        dropout: share of values that each training step drops behind every block.

    Returns:
        Functional model. Input "series" (batch, length, channels) float32, output "logit" (batch, 1). 1,313 parameters
        at 128 time steps of 4 electrodes, the moving statistics among them, the deep network 136,201.

    Raises:
        ValueError: an unknown variant, or fewer time steps than the pools take.
    """
    least = 32 if variant == "eegnet" else 76
    if variant not in VARIANTS:
        raise ValueError(f"build_eegnet: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if length < least or channels < 1 or kernel < 1:
        raise ValueError(
            f"build_eegnet: length must be {least} or more, channels and kernel 1 or more. "
            f"Received: {length}, {channels}, {kernel}"
        )
    series = keras.Input((length, channels), name="series")
    x = layers.Reshape((length, channels, 1), name="plane")(series)  # (batch, length, channels, 1)
    x = _eegnet(x, channels, kernel, dropout) if variant == "eegnet" else _deep(x, channels, dropout)
    x = layers.Flatten(name="flat")(x)
    bound = 0.25 if variant == "eegnet" else 0.5
    logit = layers.Dense(1, kernel_constraint=MaxNorm(bound), name="logit")(x)  # (batch, 1)
    return keras.Model(series, logit, name=variant)


def _eegnet(x: Any, channels: int, kernel: int, dropout: float) -> Any:
    """Filters over time, one over electrodes for each of two of them, then a separable convolution."""
    maps = _MAPS * _DEPTH
    x = layers.Conv2D(_MAPS, (kernel, 1), padding="same", use_bias=False, name="time")(x)  # (batch, length, C, 8)
    x = layers.BatchNormalization(name="time_norm")(x)
    space = layers.DepthwiseConv2D(
        (1, channels), depth_multiplier=_DEPTH, use_bias=False, depthwise_constraint=MaxNorm(1.0, (0, 1)), name="space"
    )
    x = space(x)  # (batch, length, 1, 16)
    x = layers.Activation("elu", name="space_elu")(layers.BatchNormalization(name="space_norm")(x))
    x = layers.AveragePooling2D((4, 1), name="space_pool")(x)  # (batch, length / 4, 1, 16)
    x = layers.Dropout(dropout, name="space_dropout")(x)
    x = layers.SeparableConv2D(maps, (16, 1), padding="same", use_bias=False, name="shape")(x)
    x = layers.Activation("elu", name="shape_elu")(layers.BatchNormalization(name="shape_norm")(x))
    x = layers.AveragePooling2D((8, 1), name="shape_pool")(x)  # (batch, length / 32, 1, 16)
    return layers.Dropout(dropout, name="shape_dropout")(x)


def _deep(x: Any, channels: int, dropout: float) -> Any:
    """Four blocks of convolution over time and the largest of two; the first has electrodes in between."""
    bound = MaxNorm(2.0, (0, 1, 2))
    for index, maps in enumerate(_DEEP):
        name = f"block{index + 1}"
        x = layers.Conv2D(maps, (_DEEP_KERNEL, 1), kernel_constraint=bound, use_bias=index == 0, name=f"{name}_time")(x)
        if index == 0:
            x = layers.Conv2D(maps, (1, channels), kernel_constraint=bound, use_bias=False, name="space")(x)
        x = layers.Activation("elu", name=f"{name}_elu")(layers.BatchNormalization(name=f"{name}_norm")(x))
        x = layers.MaxPooling2D((2, 1), name=f"{name}_pool")(x)  # time: 128, 62, 29, 12, 4
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return x
