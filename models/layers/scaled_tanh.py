"""The squashing function of LeCun et al. 1998."""

from typing import Any

import keras

AMPLITUDE = 1.7159
SLOPE = 2.0 / 3.0


@keras.saving.register_keras_serializable(package="edgeproof")
class ScaledTanh(keras.layers.Layer):
    """f(a) = 1.7159 tanh(2a/3), chosen so that f(1) = 1 and f(-1) = -1 (LeCun et al. 1998, appendix A).

    Any shape in, the same shape out.
    """

    def call(self, inputs: Any) -> Any:
        return AMPLITUDE * keras.ops.tanh(SLOPE * inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape
