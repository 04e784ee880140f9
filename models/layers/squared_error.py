"""How far one tensor is from another, as a layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class SquaredError(keras.layers.Layer):
    """Mean squared difference of two tensors (batch, ...) of one shape: (batch, 1)."""

    def call(self, inputs: list[Any]) -> Any:
        first, second = inputs
        width = 1
        for side in first.shape[1:]:
            width *= side
        difference = ops.reshape(first - second, (-1, width))
        return ops.mean(ops.square(difference), axis=-1, keepdims=True)
