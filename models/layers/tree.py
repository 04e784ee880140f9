"""What networks over trees are made of: picking nodes by number, and the tensor that joins two of them."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class Column(keras.layers.Layer):
    """One column of rows of numbers, from one row on: (batch, rows, columns) -> (batch, rows - first).

    Args:
        column: which.
        first: the row that it begins at.
    """

    def __init__(self, column: int, first: int = 0, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.column, self.first = column, first

    def call(self, inputs: Any) -> Any:
        return inputs[:, self.first :, self.column]

    def compute_output_spec(self, inputs: Any) -> Any:
        shape = (inputs.shape[0], inputs.shape[1] - self.first)
        return keras.KerasTensor(shape, inputs.dtype)  # numbers of nodes and words stay whole

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "column": self.column, "first": self.first}


@keras.saving.register_keras_serializable(package="edgeproof")
class Pick(keras.layers.Layer):
    """Of each sample's vectors those with these numbers: [(batch, n, width), (batch, k)] -> (batch, k, width)."""

    def call(self, inputs: Any) -> Any:
        vectors, numbers = inputs
        return tf.gather(vectors, numbers, batch_dims=1)

    def compute_output_shape(self, shapes: Any) -> Any:
        (batch, _, width), (_, k) = shapes
        return (batch, k, width)


@keras.saving.register_keras_serializable(package="edgeproof")
class NeuralTensor(keras.layers.Layer):
    """Joins two vectors: [a;b]ᵀ V [a;b] + W [a;b] + c (Socher et al. 2013, section 4.3, without its tanh).

    Two inputs (batch, n, width) -> (batch, n, width); V is width matrices of 2 width by 2 width. Written as a product
    with a matrix, one with its argument and a sum, which every format has in integers.
    """

    def build(self, shapes: Any) -> None:
        self.width = int(shapes[0][-1])
        both = 2 * self.width
        # Socher begins near the mean of both parts; the tensor is small beside that.
        self.tensor = self.add_weight(
            shape=(both, self.width * both),
            initializer=keras.initializers.RandomNormal(stddev=0.5 / both),
            name="tensor",
        )
        self.matrix = self.add_weight(shape=(both, self.width), initializer="glorot_uniform", name="matrix")
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        pair = ops.concatenate(inputs, axis=-1)  # (batch, n, 2 width)
        n, both = int(pair.shape[1]), 2 * self.width
        turned = ops.reshape(ops.matmul(pair, self.tensor), (-1, n, self.width, both))
        product = ops.sum(turned * ops.reshape(pair, (-1, n, 1, both)), axis=-1)  # (batch, n, width)
        return product + ops.matmul(pair, self.matrix) + self.bias

    def compute_output_shape(self, shapes: Any) -> Any:
        return tuple(shapes[0])
