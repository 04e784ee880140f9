"""Output units that measure the distance to a fixed code, as in LeNet-5."""

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="edgeproof")
class EuclideanRBF(keras.layers.Layer):
    """Minus the squared Euclidean distance to each class's code (LeCun et al. 1998, equation 7).

    The paper's penalty is y_i = Σ_j (x_j - w_ij)², smallest wins; this layer gives -y_i, largest wins, so that
    what reads logits reads it too. It is computed as 2x·w_i - ‖w_i‖² - ‖x‖²: two dense products and a
    subtraction, which every converter keeps whole and quantizes, where the literal form leaves a float `NEG`.

    Args:
        units: number of classes.
        codes: (units, dim) initial codes; None (as when a checkpoint is loaded) starts from zeros. The codes
            are a weight that is not trained.

    (batch, dim) -> (batch, units), at most 0.
    """

    def __init__(self, units: int, codes: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = int(units)
        self._codes = None if codes is None else np.asarray(codes, "float32")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (self.units, input_shape[-1])
        if self._codes is not None and self._codes.shape != shape:
            raise ValueError(f"EuclideanRBF: codes must have shape {shape}. Received: {self._codes.shape}")
        self.codes = self.add_weight(name="codes", shape=shape, initializer="zeros", trainable=False)
        if self._codes is not None:
            self.codes.assign(self._codes)

    def call(self, inputs: Any) -> Any:
        ops = keras.ops
        codes = ops.transpose(self.codes)
        cross = ops.matmul(inputs, 2.0 * codes) - ops.sum(codes * codes, axis=0)
        # A product with ones, not a reduction, and as wide as the output, not broadcast: the same sum in operators
        # that every target has, in int8 too.
        ones = np.ones((self.codes.shape[1], self.units), "float32")
        return cross - ops.matmul(inputs * inputs, ops.cast(ones, self.compute_dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
