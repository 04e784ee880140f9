"""Local response normalization, in operators that every format has in integers too."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class LocalResponseNormalization(keras.layers.Layer):
    """b_i = a_i / (k + alpha sum_j a_j^2)^beta, over the n maps j about map i at the same place (Krizhevsky, Sutskever,
    Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 3.3).

    (batch, height, width, maps), the same out. As in the paper and in TensorFlow, alpha is not divided by n. The sum
    is a 1x1 convolution with ones in a band; x^-3/4 is r / sqrt(x r) with r = 1 / sqrt(x), as
    TensorFlow Lite has no square root of integers but its inverse.

    Args:
        depth: n, an odd number of maps.
        bias: k.
        alpha: of the squares.
        beta: the exponent; 0.75 alone.

    Raises:
        ValueError: an even or negative depth, a bias that is not positive, or another exponent.
    """

    def __init__(
        self, *, depth: int = 5, bias: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **options: Any
    ) -> None:
        super().__init__(**options)
        if depth < 1 or depth % 2 == 0 or bias <= 0 or alpha < 0 or beta != 0.75:
            rule = "depth must be odd, bias above 0, alpha 0 or more, beta 0.75"
            received = f"depth={depth}, bias={bias}, alpha={alpha}, beta={beta}"
            raise ValueError(f"LocalResponseNormalization: {rule}. Received: {received}")
        self.depth, self.bias, self.alpha, self.beta = depth, bias, alpha, beta

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        maps = np.arange(int(input_shape[-1] or 0))
        band = np.abs(maps[:, None] - maps) <= self.depth // 2
        self._band = (self.alpha * band).astype(np.float32)[None, None]

    def call(self, inputs: Any) -> Any:
        band = ops.cast(self._band, self.compute_dtype)
        total = ops.conv(ops.square(inputs), band, padding="valid", data_format="channels_last") + self.bias
        root = ops.rsqrt(total)
        return inputs * (root * ops.rsqrt(total * root))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"depth": self.depth, "bias": self.bias, "alpha": self.alpha, "beta": self.beta}
        return {**super().get_config(), **own}
