"""A dense layer that is read in both directions."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class TiedDense(keras.layers.Layer):
    """Forth x W + b, and back h Wᵀ + a with the same W: the tied weights of autoencoders, the one matrix of a
    restricted Boltzmann machine.

    `layer(x)` takes (batch, features) to (batch, units), `layer(h, back=True)` the other way. What it is called on
    first is what features are. Activations are layers of their own.

    Args:
        units: width of the output forth.
        kernel_initializer: of W.
    """

    def __init__(self, units: int, *, kernel_initializer: Any = "glorot_uniform", **options: Any) -> None:
        super().__init__(**options)
        if units < 1:
            raise ValueError(f"{type(self).__name__}: units must be 1 or more. Received: {units}")
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        features = input_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(features, self.units), initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.back_bias = self.add_weight(name="back_bias", shape=(features,), initializer="zeros")

    def call(self, inputs: Any, back: bool = False) -> Any:
        if back:
            return ops.matmul(inputs, ops.transpose(self.kernel)) + self.back_bias
        return ops.matmul(inputs, self.kernel) + self.bias

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "units": self.units, "kernel_initializer": initializer}
