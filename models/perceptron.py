"""One neuron: with a step as in 1958, with a logistic curve, and with weights that a person chose."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from models.layers import Step
from models.two_classes import sides

VARIANTS = ("step", "logistic")

# Half the distance between the two logits of a neuron that is always sure: the cross-entropy's gradient is then
# -1 or 1 where it is wrong, and e^-20 where it is right.
_SURE = 10.0


def build_perceptron(*, variant: str = "step") -> keras.Model:
    """One neuron over a picture (Rosenblatt 1958, "The perceptron: a probabilistic model for information storage and
    organization in the brain").

    Args:
        variant: "step", a threshold, trained by the perceptron's rule; "logistic", the same neuron with a logistic
            curve, which is logistic regression (Cox 1958).

    Returns:
        Functional model of 785 parameters. Input "image" (batch, 28, 28, 1), float32 in [0, 1]; output "logits"
        (batch, 2), half of the neuron's logit away from zero each: its softmax is the logistic curve. With "step" the
        logit is -20 or 20.

    Raises:
        ValueError: an unknown variant.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_perceptron: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (batch, 784)
    x = layers.Dense(1, kernel_initializer="zeros", name="neuron")(x)  # (batch, 1)
    if variant == "step":
        x = Step(name="step")(x)
        x = layers.Rescaling(4 * _SURE, -2 * _SURE, name="sure")(x)
    return keras.Model(image, sides(x), name=f"perceptron_{variant}")


def build_decision(*, weights: tuple[float, ...] = (6.0, 2.0, 2.0), threshold: float = 5.0) -> keras.Model:
    """A decision by weighing answers: yes where the weights of what is true come to the threshold or above it.

    The example of Nielsen 2015, "Neural networks and deep learning", chapter 1: is the weather good, does a friend come
    along, is it near the station? With these weights the weather decides alone; with a threshold of 3 the other two
    together can as well.

    Args:
        weights: of the answers; nothing is trained.
        threshold: what their sum must reach.

    Returns:
        Functional model. Input "answers" (batch, len(weights)), 0 for no and 1 for yes; output "decision" (batch, 1), 0
        or 1.

    Raises:
        ValueError: no weights.
    """
    if not weights:
        raise ValueError(f"build_decision: weights must name one at least. Received: {weights}")
    answers = keras.Input((len(weights),), name="answers")
    neuron = layers.Dense(1, name="neuron", trainable=False)
    x = neuron(answers)
    # A step is 1 above zero. Halfway to the next sum below the threshold, "reached" is "above".
    sums = {float(np.dot(weights, row)) for row in np.ndindex(*(2,) * len(weights))}
    below = max((s for s in sums if s < threshold), default=threshold - 1.0)
    neuron.set_weights([np.array(weights, np.float32)[:, None], np.array([-(threshold + below) / 2], np.float32)])
    return keras.Model(answers, Step(name="decision")(x), name="decision")
