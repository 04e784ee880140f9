"""Cat or not, by fully connected layers: none hidden, one, or several."""

from __future__ import annotations

import keras
from keras import layers

from models.two_classes import sides

VARIANTS = ("logistic", "shallow", "deep")


def build_cat(*, variant: str = "deep", hidden: tuple[int, ...] = (64, 32, 16)) -> keras.Model:
    """A neuron that says cat or not, over a picture or over what hidden layers make of it.

    Args:
        variant: "logistic", the neuron alone, which is logistic regression (Cox 1958): 12,289 parameters; "shallow",
            with the first hidden layer: 786,561; "deep", with all of them: 789,121.
        hidden: units of each hidden layer.

    Returns:
        Functional model. Input "image" (batch, 64, 64, 3), float32 in [-1, 1]; output "logits" (batch, 2), half of the
        neuron's logit away from zero each.

    Raises:
        ValueError: an unknown variant, no hidden layer, or one without units.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_cat: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if not hidden or min(hidden) < 1:
        raise ValueError(f"build_cat: hidden must name a layer, each with units. Received: {hidden}")
    used = {"logistic": (), "shallow": hidden[:1], "deep": hidden}[variant]
    image = keras.Input((64, 64, 3), name="image")
    x = layers.Flatten(name="flatten")(image)  # (batch, 12288)
    for i, units in enumerate(used, start=1):
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=f"dense{i}")(x)
    x = layers.Dense(1, name="neuron")(x)  # (batch, 1)
    return keras.Model(image, sides(x), name=f"cat_{variant}")
