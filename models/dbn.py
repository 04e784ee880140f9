"""The network that a deep belief network or a stack of autoencoders becomes."""

from __future__ import annotations

import keras
from keras import layers


def build_dbn(*, hidden: tuple[int, ...] = (500, 500, 2000), classes: int = 10) -> keras.Model:
    """Sigmoid layers that can each be taught alone, and a linear classifier on top (Hinton, Osindero, Teh 2006, "A fast
    learning algorithm for deep belief nets", whose widths are the default).

    Args:
        hidden: units of each hidden layer.
        classes: number of classes.

    Returns:
        Functional model. Input "image" (batch, 28, 28, 1), float32 in [0, 1]; output "logits" (batch, classes). Layers
        "dense1", "dense2", ... are linear, each with a sigmoid behind it; layer "code" is the last of these.

    Raises:
        ValueError: no hidden layer, one without units, or fewer than two classes.
    """
    if not hidden or min(hidden) < 1 or classes < 2:
        rule = "layers must have units, one layer at least, classes be 2 or more"
        raise ValueError(f"build_dbn: {rule}. Received: hidden={hidden}, classes={classes}")
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (batch, 784)
    for i, units in enumerate(hidden, start=1):
        # Xavier's variance, times 16 for a sigmoid, whose slope at rest is a quarter (Glorot and Bengio 2010).
        scale = keras.initializers.VarianceScaling(16.0, "fan_avg", "uniform")
        x = layers.Dense(units, kernel_initializer=scale, name=f"dense{i}")(x)
        x = layers.Activation("sigmoid", name=f"sigmoid{i}")(x)  # (batch, units)
    x = layers.Identity(name="code")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(image, logits, name="dbn")
