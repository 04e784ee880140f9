"""Activations, as layers and as functions."""

from __future__ import annotations

import keras
from keras import layers as L

from export.conformance.cases import Case

_ROWS = ((6, 8),)
_FUNCTIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink",
    "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh",
    "tanh_shrink", "threshold",
)  # fmt: skip


def _function(name: str) -> Case:
    # A Dense before it: as a rule an activation follows one, and quantizers fuse or split the two.
    data = "even" if name == "exponential" else "wide"
    activation = keras.layers.Activation(name) if name != "threshold" else None
    if activation is None:
        # Its arguments have no defaults; the layer that takes them is ReLU with a threshold.
        return Case("activations", name, L.ReLU(threshold=0.5), _ROWS, data)
    return Case("activations", name, activation, _ROWS, data)


CASES = [
    *(_function(name) for name in _FUNCTIONS),
    Case("Activation", "gelu after Dense", lambda x: L.Activation("gelu")(L.Dense(128)(x)), _ROWS),
    Case("Activation", "silu after Conv1D", lambda x: L.Activation("silu")(L.Conv1D(48, 3)(x)), _ROWS),
    Case("Activation", "gelu by tanh", lambda x: keras.ops.gelu(L.Dense(128)(x), approximate=True), _ROWS),
    Case("ReLU", "", L.ReLU(), _ROWS),
    Case("ReLU", "max 6", L.ReLU(max_value=6), _ROWS, "wide"),
    Case("ReLU", "slope 0.1", L.ReLU(negative_slope=0.1), _ROWS),
    Case("LeakyReLU", "", L.LeakyReLU(), _ROWS),
    Case("PReLU", "", L.PReLU(), _ROWS),
    Case("PReLU", "shared over a plane", L.PReLU(shared_axes=[1, 2]), ((6, 5, 4),)),
    Case("ELU", "", L.ELU(), _ROWS),
    Case("ELU", "alpha 0.5", L.ELU(alpha=0.5), _ROWS),
    Case("Softmax", "", L.Softmax(), _ROWS),
    Case("Softmax", "axis 1", L.Softmax(axis=1), _ROWS),
    Case("Softmax", "axes 1 and 2", L.Softmax(axis=(1, 2)), _ROWS),
]
