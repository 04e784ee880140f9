"""Grouped convolutions without XLA.

Keras compiles them with XLA, as TensorFlow's CPU kernels once could not run them, and a compiled function is a call
that neither tf2onnx nor a frozen graph's reader can follow: https://github.com/onnx/tensorflow-onnx/issues/2099.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from export.lowering import GROUPED, Replaced


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
        if groups == 1 or data_format == "channels_first":
            return plain(inputs, kernel)
        if len(kernel.shape) == 4 and GROUPED.get():
            padded = padding.upper() if isinstance(padding, str) else padding
            return tf.nn.conv2d(inputs, tf.convert_to_tensor(kernel), strides, padded, dilations=dilation_rate)
        # No converter takes 1-D and 3-D groups: a convolution each.
        x, w = tf.split(inputs, groups, axis=-1), tf.split(tf.convert_to_tensor(kernel), groups, axis=-1)
        return tf.concat([plain(a, b) for a, b in zip(x, w, strict=True)], axis=-1)

    return conv


REPLACED: Replaced = {("keras.src.backend.tensorflow.nn", "conv"): _conv}
