"""Bias correction: the mean shift that quantized weights cause, taken out of the bias.

Nagel et al., 2019, "Data-free quantization through weight equalization and bias correction", section 4.2, with the
means of the inputs from calibration samples: E[(Ŵ - W) x] = (Ŵ - W) E[x].
"""

from __future__ import annotations

import numpy as np


def shift(error: np.ndarray, mean: np.ndarray, kind: str) -> np.ndarray:
    """Mean error of an operator's sums, (channels,).

    Args:
        error: of the weight, in the operator's own layout.
        mean: (c,) of its input's channels.
        kind: of the operator.

    Returns:
        Zeros where the input's channels can't be told apart, or where not every output sees the whole kernel.
    """
    mean = np.atleast_1d(mean)
    if kind == "DEPTHWISE_CONV_2D":  # (1, h, w, channels · multiplier)
        sums = error.sum(axis=(0, 1, 2))
        return sums * np.repeat(mean, sums.size // mean.size)
    channels, depth = error.shape[0], error.shape[-1]
    sums = error.reshape(channels, -1, depth).sum(axis=1)
    groups = mean.size // depth
    if kind == "TRANSPOSE_CONV" or mean.size % depth or channels % groups:
        return np.zeros(channels)
    each = sums.reshape(groups, -1, depth)
    return np.einsum("gcd,gd->gc", each, mean.reshape(groups, depth)).reshape(-1)
