"""The threshold of the first artificial neurons."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_STEEP = 4096.0  # twice over a millionth becomes more than 6; a float16 still holds it


@keras.saving.register_keras_serializable(package="edgeproof")
class Step(keras.layers.Layer):
    """1 where the input is above zero, else 0 (McCulloch and Pitts 1943; Rosenblatt 1958); any shape, the same out.

    Written as two clipped ramps, which every format has in integers too, where it has no comparison: inputs between 0
    and 4e-7, less than float32 keeps of a sum of ordinary terms, give a value in between.

    In training the gradient passes as if the layer were not there. Under a loss whose gradient is output minus target
    that is the perceptron's learning rule.
    """

    straight_through = True  # what training calls its gradient is not its derivative

    def call(self, inputs: Any, training: bool = False) -> Any:
        ramp = ops.relu6(inputs * _STEEP)
        step = ops.relu6(ramp * _STEEP) * (1.0 / 6.0)
        return inputs + ops.stop_gradient(step - inputs) if training else step

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape
