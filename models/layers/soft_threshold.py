"""Shrinkage, the step that makes codes sparse."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class SoftThreshold(keras.layers.Layer):
    """sign(x) max(|x| - θ, 0) with a trained θ for each unit, (batch, units) (Gregor and LeCun 2010, "Learning fast
    approximations of sparse coding", h_θ).

    Args:
        initial: θ before training.
    """

    def __init__(self, initial: float = 0.1, **options: Any) -> None:
        super().__init__(**options)
        self.initial = initial

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        initial = keras.initializers.Constant(self.initial)
        self.threshold = self.add_weight(name="threshold", shape=(input_shape[-1],), initializer=initial)

    def call(self, inputs: Any) -> Any:
        # Two rectifiers, which every format and precision has.
        return ops.relu(inputs - self.threshold) - ops.relu(-inputs - self.threshold)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable(package="edgeproof")
class LassoCost(keras.layers.Layer):
    """½‖x - r‖² + sparsity Σ|z| of a sample x, its reconstruction r and its code z, (batch, 1).

    Args:
        sparsity: weight of the second term.
    """

    def __init__(self, sparsity: float, **options: Any) -> None:
        super().__init__(**options)
        self.sparsity = sparsity

    def call(self, inputs: list[Any]) -> Any:
        x, back, code = inputs
        error = ops.sum(ops.square(x - back), axis=-1, keepdims=True)
        # Rectifiers again: no kernel takes an absolute value in 16 bits.
        size = ops.relu(code) + ops.relu(-code)
        return 0.5 * error + self.sparsity * ops.sum(size, axis=-1, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sparsity": self.sparsity}
