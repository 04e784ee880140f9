"""Pooling with a trainable coefficient and bias, as in LeNet-5's S2 and S4."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="edgeproof")
class Subsampling(keras.layers.Layer):
    """Sum of each 2x2 block, times a coefficient, plus a bias, one of each a map (LeCun et al. 1998, II.B).

    (batch, height, width, maps) -> (batch, height // 2, width // 2, maps); 2 trainable parameters a map.
    The paper's sigmoid or tanh that follows is a layer of its own.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        maps = input_shape[-1]
        # A quarter makes the sum an average, so that signals keep their scale through the untrained layer.
        self.coefficient = self.add_weight(
            name="coefficient", shape=(maps,), initializer=keras.initializers.Constant(0.25)
        )
        self.bias = self.add_weight(name="bias", shape=(maps,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        total = 4.0 * self.coefficient
        return keras.ops.average_pool(inputs, 2, 2, data_format="channels_last") * total + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, maps = input_shape
        return (batch, height and height // 2, width and width // 2, maps)
