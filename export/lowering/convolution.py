"""Grouped convolutions without XLA.

Keras compiles them with XLA, as TensorFlow's CPU kernels once could not run them, and a compiled function is a call
that neither tf2onnx nor a frozen graph's reader can follow: https://github.com/onnx/tensorflow-onnx/issues/2099.

Convolutions over three axes are convolutions over two, of the planes that a window spans, side by side as channels:
TensorFlow Lite's CONV_3D is float alone, and no accelerator's.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from export.lowering import GROUPED, PLANES, Replaced


def _conv(original: Any) -> Any:
    def conv(
        inputs: Any,
        kernel: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
    ) -> Any:
        def plain(x: Any, w: Any) -> Any:
            return original(x, w, strides, padding, data_format, dilation_rate)

        groups = inputs.shape[-1] // kernel.shape[-2]

        def planes(x: Any, w: Any) -> Any:
            return _planes(x, tf.convert_to_tensor(w), _three(strides), padding, _three(dilation_rate))

        if data_format == "channels_first" or (len(kernel.shape) == 5 and None in inputs.shape[1:]):
            return plain(inputs, kernel)
        one = planes if len(kernel.shape) == 5 and PLANES.get() else plain
        if groups == 1:
            return one(inputs, kernel)
        if len(kernel.shape) == 4 and GROUPED.get():
            padded = padding.upper() if isinstance(padding, str) else padding
            return tf.nn.conv2d(inputs, tf.convert_to_tensor(kernel), strides, padded, dilations=dilation_rate)
        # No converter takes 1-D and 3-D groups: a convolution each.
        x, w = tf.split(inputs, groups, axis=-1), tf.split(tf.convert_to_tensor(kernel), groups, axis=-1)
        return tf.concat([one(a, b) for a, b in zip(x, w, strict=True)], axis=-1)

    return conv


def _three(value: Any) -> tuple[int, ...]:
    return (value,) * 3 if isinstance(value, int) else tuple(value)


def _planes(x: Any, w: Any, strides: tuple[int, ...], padding: str, dilation: tuple[int, ...]) -> Any:
    """3-D convolution of (batch, depth, height, width, channels) by 2-D ones."""
    depth, (count, rows, columns, channels) = x.shape[1], w.shape[:4]
    reach = (count - 1) * dilation[0] + 1
    if padding == "same":
        out = -(-depth // strides[0])
        missing = max((out - 1) * strides[0] + reach - depth, 0)
        x = tf.pad(x, [(0, 0), (missing // 2, missing - missing // 2), (0, 0), (0, 0), (0, 0)]) if missing else x
    else:
        out = (depth - reach) // strides[0] + 1
    last = (out - 1) * strides[0] + 1
    spans = [x[:, i : i + last : strides[0]] for i in range(0, count * dilation[0], dilation[0])]
    stacked = tf.reshape(tf.concat(spans, -1), (-1, *x.shape[2:4], count * channels))
    kernel = tf.reshape(tf.transpose(w, (1, 2, 0, 3, 4)), (rows, columns, count * channels, w.shape[4]))
    y = tf.nn.conv2d(stacked, kernel, strides[1:], padding.upper(), dilations=dilation[1:])
    return tf.reshape(y, (-1, out, *y.shape[1:]))


REPLACED: Replaced = {("keras.src.backend.tensorflow.nn", "conv"): _conv}
