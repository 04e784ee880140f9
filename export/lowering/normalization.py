"""Layer normalization as (x - mean) / deviation, scaled and shifted.

Keras computes x / deviation + (shift - mean / deviation), whose negation TensorFlow Lite keeps in floats when it
quantizes, without a word: it has no integer NEG (https://github.com/tensorflow/tensorflow/pull/35461). And the two
terms are larger than their sum, which costs 8-bit numbers their accuracy.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from export.lowering import Replaced


def _layer_normalization(original: Any) -> Any:
    def normalize(
        x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: Any = None, rms_scaling: bool = False
    ) -> Any:
        if rms_scaling or epsilon is None or x.dtype != "float32":
            return original(x, gamma=gamma, beta=beta, axis=axis, epsilon=epsilon, rms_scaling=rms_scaling)
        rank = len(x.shape)
        axes = sorted(a % rank for a in ([axis] if isinstance(axis, int) else axis))
        shape = [x.shape[a] if a in axes else 1 for a in range(rank)]
        centred = x - tf.reduce_mean(x, axes, keepdims=True)
        deviation = tf.math.rsqrt(tf.reduce_mean(centred * centred, axes, keepdims=True) + epsilon)
        y = centred * deviation
        if gamma is not None:
            y = y * tf.reshape(tf.convert_to_tensor(gamma), shape)
        return y if beta is None else y + tf.reshape(tf.convert_to_tensor(beta), shape)

    return normalize


def _normalize(original: Any) -> Any:
    def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: Any = None) -> Any:
        x = tf.convert_to_tensor(x)
        if order != 2 or x.dtype != tf.float32:
            return original(x, axis=axis, order=order, epsilon=epsilon)
        # The bound before the root, where it is small: min(1 / sqrt(s), 1 / e) hands quantizers a range up to 1 / e.
        least = (keras.config.epsilon() if epsilon is None else epsilon) ** 2
        return x * tf.math.rsqrt(tf.maximum(tf.reduce_sum(x * x, axis, keepdims=True), least))

    return normalize


REPLACED: Replaced = {
    ("keras.src.ops.nn", "_layer_normalization"): _layer_normalization,
    ("keras.src.ops.nn", "_normalize"): _normalize,
}
