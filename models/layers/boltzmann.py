"""The layer of a restricted Boltzmann machine."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from models.layers.tied_dense import TiedDense


@keras.saving.register_keras_serializable(package="edgeproof")
class Boltzmann(TiedDense):
    """A restricted Boltzmann machine's weights, read in both directions, and the free energy of a visible vector.

    `layer(v, energy=True)` takes (batch, features) to (batch, 1): for Bernoulli visible units -a·v - Σ log(1 +
    exp(v W + b)), for Gaussian ones of variance 1 ½‖v - a‖² - Σ log(1 + exp(v W + b)). Hinton 2010, "A practical guide
    to training restricted Boltzmann machines", sections 13.2 and 16.1.

    Args:
        units: hidden units.
        gaussian: visible units are Gaussian, not Bernoulli.
    """

    def __init__(self, units: int, *, gaussian: bool = False, **options: Any) -> None:
        # Section 8: from a zero-mean normal distribution of standard deviation 0.01.
        super().__init__(units, **{"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01), **options})
        self.gaussian = gaussian

    def call(self, inputs: Any, back: bool = False, energy: bool = False) -> Any:
        if not energy:
            return super().call(inputs, back=back)
        hidden = ops.sum(ops.softplus(super().call(inputs)), axis=-1, keepdims=True)
        if self.gaussian:
            return 0.5 * ops.sum(ops.square(inputs - self.back_bias), axis=-1, keepdims=True) - hidden
        return -ops.matmul(inputs, ops.expand_dims(self.back_bias, -1)) - hidden

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gaussian": self.gaussian}
