"""The Helmholtz machine."""

from __future__ import annotations

import keras
from keras import layers

from models.layers import DescriptionLength


def build_helmholtz(*, hidden: tuple[int, ...] = (200, 50)) -> keras.Model:
    """A Helmholtz machine over pictures of 28x28: a network that recognizes, and one that generates (Hinton, Dayan,
    Frey, Neal 1995, "The wake-sleep algorithm for unsupervised neural networks").

    Units at rest are given by their means, so that the deployed graphs are functions.

    Args:
        hidden: units of each layer, from the picture up.

    Returns:
        Functional model. Input "image" (batch, 28, 28, 1), float32 in [0, 1]; outputs "reconstruction", from the top
        layer's means down again, the same shape, and "cost", nats to describe the picture (`DescriptionLength`),
        (batch, 1). Layer "code" is the top layer, (batch, hidden[-1]). Recognition layers are called "recognize1", ...,
        generative ones "generate1", ..., numbered from the picture up.

    Raises:
        ValueError: no layer, or one without units.
    """
    if not hidden or min(hidden) < 1:
        raise ValueError(f"build_helmholtz: hidden must be 1 or more each, one at least. Received: {hidden}")
    sizes = (784, *hidden)
    generate = [layers.Dense(units, name=f"generate{i}") for i, units in enumerate(sizes[:-1], start=1)]

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (batch, 784)
    states = [x]
    for i, units in enumerate(hidden, start=1):
        x = layers.Activation("sigmoid", name=f"recognized{i}")(layers.Dense(units, name=f"recognize{i}")(x))
        states.append(x)
    code = x = layers.Identity(name="code")(x)  # (batch, hidden[-1])
    for i in range(len(hidden), 0, -1):
        x = layers.Activation("sigmoid", name=f"generated{i}")(generate[i - 1](x))
    reconstruction = layers.Reshape((28, 28, 1), name="reconstruction")(x)

    states[-1] = code
    pairs = []
    for i, state in enumerate(states[:-1], start=1):
        pairs += [state, layers.Activation("sigmoid", name=f"expected{i}")(generate[i - 1](states[i]))]
    cost = DescriptionLength(name="cost")([*pairs, code])  # (batch, 1)
    return keras.Model(image, [reconstruction, cost], name="helmholtz")
