"""The restricted Boltzmann machine."""

from __future__ import annotations

import keras
from keras import layers

from models.layers import Boltzmann

VISIBLE = ("bernoulli", "gaussian")


def build_rbm(*, hidden: int = 128, visible: str = "bernoulli") -> keras.Model:
    """A restricted Boltzmann machine over pictures of 28x28 (Smolensky 1986; Hinton 2002, "Training products of experts
    by minimizing contrastive divergence").

    Units at rest are given by their means, so that the deployed graphs are functions.

    Args:
        hidden: hidden units, Bernoulli.
        visible: "bernoulli", for pixels in [0, 1], or "gaussian" of variance 1, for pixels of mean 0.

    Returns:
        Functional model of 784 hidden + hidden + 784 parameters. Input "image" (batch, 28, 28, 1), float32; outputs
        "reconstruction", the mean of the visible units given the mean of the hidden ones, (batch, 28, 28, 1), and
        "energy", the free energy, (batch, 1). Layer "hidden" has the means of the hidden units, (batch, hidden).

    Raises:
        ValueError: no hidden unit, or another kind of visible units.
    """
    if visible not in VISIBLE:
        raise ValueError(f"build_rbm: visible must be one of {', '.join(VISIBLE)}. Received: {visible!r}")
    if hidden < 1:
        raise ValueError(f"build_rbm: hidden must be 1 or more. Received: {hidden}")
    machine = Boltzmann(hidden, gaussian=visible == "gaussian", name="machine")
    means = "linear" if visible == "gaussian" else "sigmoid"

    image = keras.Input((28, 28, 1), name="image")
    v = layers.Flatten(name="flatten")(image)  # (batch, 784)
    h = layers.Activation("sigmoid", name="hidden")(machine(v))  # (batch, hidden)
    x = layers.Activation(means, name="visible")(machine(h, back=True))  # (batch, 784)
    reconstruction = layers.Reshape((28, 28, 1), name="reconstruction")(x)
    energy = layers.Identity(name="energy")(machine(v, energy=True))  # (batch, 1)
    return keras.Model(image, [reconstruction, energy], name="rbm")
