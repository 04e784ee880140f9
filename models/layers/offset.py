"""The fourth term of an analogy."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="edgeproof")
class Offset(keras.layers.Layer):
    """Vectors a, b, c of each sample to b - a + c (Mikolov, Yih, Zweig 2013, section 4): (batch, 3, width) -> (batch,
    width)."""

    def call(self, inputs: Any) -> Any:
        return inputs[:, 1] - inputs[:, 0] + inputs[:, 2]

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], shape[2])
