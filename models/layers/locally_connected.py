"""A convolution without weight sharing, which Keras 3 no longer has."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class LocallyConnected2D(keras.layers.Layer):
    """As a convolution, but each place has a kernel and a bias of its own (LeCun 1989, "Generalization and network
    design strategies", Net-3).

    (batch, height, width, channels) -> (batch, rows, columns, filters), no padding. In operators that every format
    has: shifted slices side by side, and one matrix a place.

    Args:
        filters: outputs a place.
        kernel_size: side of the square that a place sees.
        strides: distance between neighbouring squares.
    """

    def __init__(self, filters: int, kernel_size: int, *, strides: int = 1, **options: Any) -> None:
        super().__init__(**options)
        if min(filters, kernel_size, strides) < 1:
            received = f"filters={filters}, kernel_size={kernel_size}, strides={strides}"
            raise ValueError(f"LocallyConnected2D: all three must be 1 or more. Received: {received}")
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        rows, columns = self._places(input_shape)
        if rows < 1 or columns < 1:
            raise ValueError(f"LocallyConnected2D: inputs must have a size that a kernel fits. Received: {input_shape}")
        fan_in = self.kernel_size**2 * int(input_shape[-1] or 0)
        # The matrices of all places in one: a fan-in computed from its shape would count the places too.
        scale = keras.initializers.RandomNormal(stddev=(2.0 / fan_in) ** 0.5)
        self.kernel = self.add_weight(name="kernel", shape=(rows * columns, fan_in, self.filters), initializer=scale)
        self.bias = self.add_weight(name="bias", shape=(rows, columns, self.filters), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        rows, columns = self._places(inputs.shape)
        step = self.strides
        seen = [
            inputs[:, i : i + (rows - 1) * step + 1 : step, j : j + (columns - 1) * step + 1 : step]
            for i in range(self.kernel_size)
            for j in range(self.kernel_size)
        ]
        x = ops.concatenate(seen, axis=-1)  # (batch, rows, columns, fan_in)
        x = ops.reshape(x, (-1, rows * columns, 1, x.shape[-1]))
        x = ops.matmul(x, self.kernel)  # (batch, places, 1, filters)
        return ops.reshape(x, (-1, rows, columns, self.filters)) + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], *self._places(input_shape), self.filters)

    def _places(self, shape: tuple[int | None, ...]) -> tuple[int, int]:
        """Rows and columns of squares; 0 where a side is not known."""
        rows, columns = (max(0, ((side or 0) - self.kernel_size) // self.strides + 1) for side in shape[1:3])
        return rows, columns

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides}
        return {**super().get_config(), **own}
