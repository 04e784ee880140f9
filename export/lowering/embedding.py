"""Embedding as one lookup.

Keras takes row -1 for the last, as numpy does, by a comparison and a choice, which TensorFlow Lite for Microcontrollers
has no operator for and quantizers leave in another precision. An Embedding's indices are counted from 0: what is below
is an error of the caller's, as in TensorFlow's own lookup.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from export.lowering import Replaced


def _call(original: Any) -> Any:
    def call(self: Any, inputs: Any) -> Any:
        indices = tf.convert_to_tensor(inputs)
        if indices.dtype not in (tf.int32, tf.int64):
            indices = tf.cast(indices, tf.int32)
        return tf.cast(tf.gather(tf.convert_to_tensor(self.embeddings), indices), self.compute_dtype)

    return call


REPLACED: Replaced = {("keras.src.layers.core.embedding:Embedding", "call"): _call}
