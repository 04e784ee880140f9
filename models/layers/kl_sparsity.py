"""A penalty on units that are on too often."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class KLSparsity(keras.layers.Layer):
    """Passes on what it is given, (batch, units) in [0, 1], and adds weight Σ KL(rate || mean over the batch) to the
    loss (Ng 2011, "Sparse autoencoder", section 3).

    Args:
        rate: the mean that units are held at.
        weight: of the penalty.
    """

    def __init__(self, rate: float, weight: float, **options: Any) -> None:
        super().__init__(**options)
        if not 0 < rate < 1 or weight < 0:
            raise ValueError(f"KLSparsity: rate must be in (0, 1), weight 0 or more. Received: {rate}, {weight}")
        self.rate, self.weight = rate, weight

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            mean = ops.clip(ops.mean(inputs, axis=0), 1e-6, 1 - 1e-6)
            each = self.rate * ops.log(self.rate / mean) + (1 - self.rate) * ops.log((1 - self.rate) / (1 - mean))
            self.add_loss(self.weight * ops.sum(each))
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "weight": self.weight}
