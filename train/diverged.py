"""Where a run went wrong: the first tensor that is not finite, by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from train import walk


def culprit(
    model: keras.Model, inputs: Any, gradients: Sequence[Any] | None = None, *, training: bool = False
) -> str | None:
    """The first tensor that holds NaN or infinity, in words: `output of layer "c1": 3 of 512 values are NaN`.

    Looked at in the order in which one spoils the next: the batch itself, the weights, the outputs of the layers from
    the inputs on, the gradients by variable. The model is left as it was.

    Args:
        model: functional or Sequential.
        inputs: one batch, by input name, or in the model's own structure.
        gradients: as `tape.gradient` gives them for `model.trainable_variables`; None, or with None in it, where a
            variable has none.
        training: compute the outputs as in a training step.

    Returns:
        None if all are finite.
    """
    model = walk.functional(model)
    fed = inputs if isinstance(inputs, dict) else dict(zip(_names(model), keras.tree.flatten(inputs), strict=True))
    for name, value in fed.items():
        if told := _wild(value):
            return f'input "{name}": {told}'
    for variable in model.variables:
        if told := _wild(variable):
            return f'weight "{variable.path}": {told}'
    if where := _outputs(model, [fed[name] for name in _names(model)], training):
        return where
    for variable, gradient in zip(model.trainable_variables, gradients or (), strict=bool(gradients)):
        if gradient is not None and (told := _wild(gradient)):
            return f'gradient of "{variable.path}": {told}'
    return None


def _outputs(model: keras.Model, inputs: list[Any], training: bool) -> str | None:
    found = [call for call in walk.calls(model) if not isinstance(call.layer, keras.layers.InputLayer)]
    reach = keras.Model(model.inputs, [list(call.outputs) for call in found])
    states = [variable.numpy() for variable in model.non_trainable_variables]
    try:
        values = reach(inputs, training=training)
    finally:
        # A step in training mode moves the statistics of BatchNormalization and the seeds of Dropout.
        for variable, state in zip(model.non_trainable_variables, states, strict=True):
            variable.assign(state)
    for call, tensors in zip(found, values, strict=True):
        for tensor in keras.tree.flatten(tensors):
            if told := _wild(tensor):
                return f'output of layer "{call.name}": {told}'
    return None


def _wild(value: Any) -> str:
    """How much of a tensor is not finite, or ""."""
    if isinstance(value, tf.IndexedSlices):  # the gradient of an embedding: only the rows that were looked up
        value = value.values
    array = value.numpy() if hasattr(value, "numpy") else np.asarray(value)
    if array.dtype.kind not in "fc":
        if array.dtype.kind in "biuSUO":
            return ""
        array = array.astype(np.float32)  # bfloat16, which numpy knows as raw bytes
    nans, infinities = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    parts = [f"{count} of {array.size} values are {what}" for count, what in ((nans, "NaN"), (infinities, "infinite"))]
    return ", ".join(part for part, count in zip(parts, (nans, infinities), strict=True) if count)


def _names(model: keras.Model) -> list[str]:
    return [tensor.name for tensor in model.inputs]
