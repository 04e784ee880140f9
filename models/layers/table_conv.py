"""Convolution in which a table says which input maps each output map sees."""

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="edgeproof")
class TableConv2D(keras.layers.Layer):
    """Valid convolution over a connection table, as LeNet-5's C3 (LeCun et al. 1998, table I).

    Only connections that exist have weights: `kernel` is (side, side, connections), ordered as the table's
    ones are in reading order. At every step it is laid out as an ordinary kernel with zeros elsewhere, which
    converters fold into a constant.

    Args:
        table: rows are input maps, columns output maps; 1 where connected.
        kernel_size: side of the square kernel.
        kernel_initializer: for the connected weights. None: uniform in ±2.4/F, F the inputs of each unit
            (the paper, section III.A). One F, the largest, serves all maps here.

    (batch, height, width, inputs) -> (batch, height - side + 1, width - side + 1, outputs).

    Raises:
        ValueError: the table is not a matrix of zeros and ones, or does not fit the input.
    """

    def __init__(self, table: Any, kernel_size: int, *, kernel_initializer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = np.array(table)
        if self.table.ndim != 2 or not np.isin(self.table, (0, 1)).all() or not self.table.any():
            raise ValueError(
                f"TableConv2D: the table must be a matrix of zeros and ones with a one. Received: {table!r}"
            )
        self.kernel_size = int(kernel_size)
        fan_in = self.kernel_size**2 * int(self.table.sum(axis=0).max())
        self.kernel_initializer = keras.initializers.get(
            kernel_initializer or keras.initializers.RandomUniform(-2.4 / fan_in, 2.4 / fan_in)
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        inputs, outputs = self.table.shape
        if input_shape[-1] != inputs:
            raise ValueError(
                f"TableConv2D: the table has {inputs} rows, one an input map. Received: input shape {input_shape}"
            )
        connections = np.flatnonzero(self.table)
        placement = np.zeros((len(connections), inputs * outputs), "float32")
        placement[np.arange(len(connections)), connections] = 1
        self._placement = placement
        side = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel", shape=(side, side, len(connections)), initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(name="bias", shape=(outputs,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        side = self.kernel_size
        rows = keras.ops.reshape(self.kernel, (side * side, self._placement.shape[0]))
        kernel = keras.ops.matmul(rows, keras.ops.cast(self._placement, self.compute_dtype))
        kernel = keras.ops.reshape(kernel, (side, side, *self.table.shape))
        return keras.ops.conv(inputs, kernel, padding="valid", data_format="channels_last") + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, _ = input_shape
        lost = self.kernel_size - 1
        return (batch, height and height - lost, width and width - lost, self.table.shape[1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "table": self.table.tolist(),
            "kernel_size": self.kernel_size,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
