"""Fully connected networks, from one hidden layer to as many as are asked for."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "softmax")
INITIALISATIONS = ("zeros", "large", "xavier", "he")


def build_mlp(
    *,
    hidden: tuple[int, ...] = (256, 128),
    activation: str = "relu",
    initialisation: str = "he",
    l2: float = 0.0,
    dropout: float = 0.2,
    batch_norm: bool = False,
    classes: int = 10,
) -> keras.Model:
    """A multilayer perceptron (Rumelhart, Hinton, Williams 1986, "Learning representations by back-propagating
    errors").

    Args:
        hidden: units of each hidden layer; () leaves softmax regression.
        activation: of the hidden layers: "sigmoid", "tanh", "relu", "leaky_relu" (slope 0.2 below zero), "softmax".
        initialisation: of the weights: "zeros" (all units of a layer stay equal), "large" (N(0, 100)), "xavier", "he".
        l2: penalty on the squared weights, added to the loss.
        dropout: share of each hidden layer's outputs that a training step leaves out.
        batch_norm: normalize before each activation.
        classes: number of classes.

    Returns:
        Functional model. Input "image" (batch, 28, 28, 1), float32 in [0, 1]; output "logits" (batch, classes).

    Raises:
        ValueError: an unknown activation or initialisation, a layer without units, or numbers out of range.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"build_mlp: activation must be one of {', '.join(ACTIVATIONS)}. Received: {activation!r}")
    if initialisation not in INITIALISATIONS:
        known = ", ".join(INITIALISATIONS)
        raise ValueError(f"build_mlp: initialisation must be one of {known}. Received: {initialisation!r}")
    if any(units < 1 for units in hidden) or classes < 2 or l2 < 0 or not 0 <= dropout < 1:
        rule = "layers must have units, classes be 2 or more, l2 0 or more, dropout below 1"
        received = f"hidden={hidden}, classes={classes}, l2={l2}, dropout={dropout}"
        raise ValueError(f"build_mlp: {rule}. Received: {received}")

    def dense(units: int, name: str) -> layers.Dense:
        penalty = keras.regularizers.L2(l2) if l2 else None
        return layers.Dense(units, kernel_initializer=_weights(initialisation), kernel_regularizer=penalty, name=name)

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (batch, 784)
    for i, units in enumerate(hidden, start=1):
        x = dense(units, name=f"dense{i}")(x)
        if batch_norm:
            x = layers.BatchNormalization(name=f"norm{i}")(x)
        x = layers.Activation(activation, name=f"{activation}{i}")(x)  # (batch, units)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout{i}")(x)
    logits = dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name="mlp")


def _weights(initialisation: str) -> keras.initializers.Initializer:
    """Of a layer with n inputs and m outputs; a new one each time, as Keras asks."""
    makers: dict[str, Callable[[], keras.initializers.Initializer]] = {
        "zeros": keras.initializers.Zeros,
        "large": lambda: keras.initializers.RandomNormal(stddev=10.0),  # saturates whatever squashes
        "xavier": keras.initializers.GlorotUniform,  # variance 2 / (n + m); Glorot and Bengio 2010, equation 16
        "he": keras.initializers.HeNormal,  # variance 2 / n; He et al. 2015, equation 10
    }
    return makers[initialisation]()
