"""The 6c-2s-12c-2s network: the small convolutional network of the classic toolboxes."""

from __future__ import annotations

import keras
from keras import layers

ACTIVATIONS = ("sigmoid", "tanh", "relu")


def build_cnn_6c_12c(*, activation: str = "sigmoid", classes: int = 10) -> keras.Model:
    """Two convolutions of 5x5, each followed by 2x2 mean pooling (Palm 2012, after LeCun et al. 1998).

    Args:
        activation: of the convolutions: "sigmoid" as in the toolbox, "tanh" or "relu".
        classes: number of classes.

    Returns:
        Functional model of 3,898 parameters at 10 classes. Input "image" (batch, 28, 28, 1), float32 in [0, 1];
        output "logits" (batch, classes).

    Raises:
        ValueError: an unknown activation, or fewer than two classes.
    """
    if activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"build_cnn_6c_12c: activation must be one of {known}. Received: {activation!r}")
    if classes < 2:
        raise ValueError(f"build_cnn_6c_12c: classes must be 2 or more. Received: {classes}")
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(6, 5, activation=activation, name="c1")(image)  # (batch, 24, 24, 6)
    x = layers.AveragePooling2D(2, name="s2")(x)  # (batch, 12, 12, 6)
    x = layers.Conv2D(12, 5, activation=activation, name="c3")(x)  # (batch, 8, 8, 12)
    x = layers.AveragePooling2D(2, name="s4")(x)  # (batch, 4, 4, 12)
    x = layers.Flatten(name="flatten")(x)  # (batch, 192)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name="cnn_6c_12c")
