"""Pooling over three axes as pooling over two and one: TensorFlow Lite has no 3-D pooling.

A maximum over a box is the maximum over its rows' maxima. So is a mean, as all rows of a box have as many elements, at
the border too, where padding is not counted. Asked for in
https://github.com/tensorflow/tensorflow/issues/57607, offered in https://github.com/tensorflow/tensorflow/pull/53206.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from export.lowering import NN, Replaced


def _split(pool: Callable[[Any, int], Any], x: Any) -> Any:
    """Apply `pool(x, rank)` to the planes of (batch, depth, height, width, channels), then along depth."""
    _, depth, height, width, channels = x.shape
    planes = pool(tf.reshape(x, (-1, height, width, channels)), 2)
    _, height, width, _ = planes.shape
    lines = pool(tf.reshape(planes, (-1, depth, height * width, channels)), 1)
    return tf.reshape(lines, (-1, lines.shape[1], height, width, channels))


def _windowed(original: Any) -> Any:
    def pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None) -> Any:
        if len(inputs.shape) != 5 or data_format == "channels_first" or None in inputs.shape[1:]:
            return original(inputs, pool_size, strides, padding, data_format)
        size = (pool_size,) * 3 if isinstance(pool_size, int) else tuple(pool_size)
        step = size if strides is None else (strides,) * 3 if isinstance(strides, int) else tuple(strides)
        axes = {2: (size[1:], step[1:]), 1: ((size[0], 1), (step[0], 1))}
        return _split(lambda x, rank: original(x, *axes[rank], padding, "channels_last"), inputs)

    return pool


def _adaptive(original: Any) -> Any:
    def pool(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
        if len(inputs.shape) != 5 or data_format == "channels_first" or None in inputs.shape[1:]:
            return original(inputs, output_size, data_format)
        size = (output_size,) * 3 if isinstance(output_size, int) else tuple(output_size)

        def stage(x: Any, rank: int) -> Any:
            return original(x, size[1:] if rank == 2 else (size[0], x.shape[2]), "channels_last")

        return _split(stage, inputs)

    return pool


REPLACED: Replaced = {
    (NN, "max_pool"): _windowed,
    (NN, "average_pool"): _windowed,
    (NN, "adaptive_max_pool"): _adaptive,
    (NN, "adaptive_average_pool"): _adaptive,
}
