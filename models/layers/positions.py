"""Where in a sequence something stands, as a layer."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="edgeproof")
class Positions(keras.layers.Layer):
    """Adds a vector of its own to each time step: (batch, time, width), the same (Gehring et al. 2017, section 3.1).

    Raises:
        ValueError: the number of time steps is not known.
    """

    def build(self, shape: Any) -> None:
        if None in shape[1:]:
            raise ValueError(f"Positions: time steps and width must be known. Received: {tuple(shape)}")
        self.vectors = self.add_weight(
            shape=tuple(shape[1:]), initializer=keras.initializers.RandomNormal(stddev=0.02), name="vectors"
        )

    def call(self, inputs: Any) -> Any:
        return inputs + self.vectors

    def compute_output_shape(self, shape: Any) -> Any:
        return shape
