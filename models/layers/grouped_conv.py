"""A grouped convolution that trains on a processor as fast as it runs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="edgeproof")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, its weights and values; in training, a convolution for each group.

    TensorFlow has no gradient of a grouped convolution on processors, so that Keras has XLA compile one, which takes
    ten times as long there as the ordinary convolution of as many maps, where it should take a fraction of that.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.groups == 1:
            return super().call(inputs)
        parts = zip(ops.split(inputs, self.groups, -1), ops.split(self.kernel, self.groups, -1), strict=True)
        x = ops.concatenate([self.convolution_op(part, kernel) for part, kernel in parts], axis=-1)
        return self.activation(x + self.bias if self.use_bias else x)
