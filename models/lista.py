"""A learned encoder of sparse codes, and the dictionary that they are of."""

from __future__ import annotations

import keras
from keras import layers

from models.layers import LassoCost, SoftThreshold


def build_lista(*, features: int = 64, atoms: int = 128, unrolled: int = 3, sparsity: float = 0.3) -> keras.Model:
    """LISTA: a few steps of iterative shrinkage with trained matrices (Gregor, LeCun 2010, "Learning fast
    approximations of sparse coding", algorithm 3), and the dictionary that takes codes back.

    Args:
        features: of a sample.
        atoms: columns of the dictionary.
        unrolled: shrinkage steps after the first.
        sparsity: weight of Σ|code| against ½‖x - code D‖²; the first thresholds.

    Returns:
        Functional model. Input "patch" (batch, features), float32; outputs "reconstruction", the same shape, and
        "cost", the objective of sparse coding at the predicted code, (batch, 1). Layer "code" is (batch, atoms). Layer
        "reconstruction" is a Dense one whose kernel (atoms, features) is the dictionary.

    Raises:
        ValueError: a size below 1, or no sparsity.
    """
    if min(features, atoms) < 1 or unrolled < 0 or sparsity <= 0:
        received = f"features={features}, atoms={atoms}, unrolled={unrolled}, sparsity={sparsity}"
        raise ValueError(f"build_lista: sizes must be 1 or more, sparsity above 0. Received: {received}")
    patch = keras.Input((features,), name="patch")
    again = layers.Dense(atoms, use_bias=False, kernel_initializer="zeros", name="inhibit")
    seen = layers.Dense(atoms, use_bias=False, name="see")(patch)  # (batch, atoms)
    z = SoftThreshold(sparsity, name="shrink0")(seen)
    for i in range(1, unrolled + 1):
        z = layers.Add(name=f"add{i}")([seen, again(z)])
        z = SoftThreshold(sparsity, name=f"shrink{i}")(z)
    code = layers.Identity(name="code")(z)  # (batch, atoms)
    reconstruction = layers.Dense(features, use_bias=False, name="reconstruction")(code)  # (batch, features)
    cost = LassoCost(sparsity, name="cost")([patch, reconstruction, code])  # (batch, 1)
    return keras.Model(patch, [reconstruction, cost], name="lista")
