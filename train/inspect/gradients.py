"""Derivatives of a network's scores, of which saliency, Grad-CAM and maximisation are made."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def of_score(model: keras.Model, scores: Any, sample: list[np.ndarray], index: int, at: Any) -> tuple[np.ndarray, ...]:
    """A symbolic tensor's value for one sample, and the derivative of one class's score with respect to it.

    Args:
        scores: symbolic, (batch, classes).
        sample: input tensors, (1, ...) each.
        index: the class.
        at: a symbolic tensor of the model, an input or a layer's output.

    Returns:
        Both in the tensor's shape, without the batch; the derivative is 0 where the score does not depend on it.
    """
    reach = keras.Model(model.inputs, [at, scores])
    tensors = [tf.constant(value) for value in sample]
    given = [i for i, tensor in enumerate(model.inputs) if tensor is at]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([t for t in tensors if t.dtype.is_floating])
        value, found = reach(tensors, training=False)
        score = found[0, index]
    source = tensors[given[0]] if given else value
    gradient = tape.gradient(score, source, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return value.numpy()[0], gradient.numpy()[0]
