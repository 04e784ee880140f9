"""A part of a checkpoint's model as a model: the layers between tensors that have names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from edgeproof.errors import Refused, nearest


def part(model: keras.Model, inputs: Sequence[str], outputs: Sequence[str]) -> keras.Model:
    """The model from some of its tensors to others, with its own layers and weights.

    A tensor is called as the model's input is, or as the layer that gives it.

    Raises:
        Refused: no tensor of that name, or outputs that take more than these inputs.
    """
    named = _named(model)
    for name in (*inputs, *outputs):
        if name not in named:
            raise Refused(
                "checkpoint: the ends of a graph must be inputs of the model or layers with one output.",
                received=name,
                fix=nearest(name, named),
            )
    values: dict[int, Any] = {}
    ends = []
    for name in inputs:
        tensor = named[name]
        end = keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        values[id(tensor)] = end
        ends.append(end)
    wanted = {id(named[name]) for name in outputs}
    for node in calls(model):
        taken, given = node.arguments.keras_tensors, node.output_tensors
        if any(id(t) not in values for t in taken) or all(id(t) in values for t in given):
            continue
        arguments, keywords = node.arguments.fill_in(values)
        found = keras.tree.flatten(node.operation(*arguments, **keywords))
        values.update({id(tensor): value for tensor, value in zip(given, found, strict=True)})
    if not wanted <= values.keys():
        lost = [name for name in outputs if id(named[name]) not in values]
        raise Refused(
            "checkpoint: a graph's outputs must follow from its inputs.",
            received=f"{', '.join(lost)} from {', '.join(inputs)}",
            fix="name more inputs, or others",
        )
    return keras.Model(ends, [values[id(named[name])] for name in outputs], name=model.name)


def fed(model: keras.Model, tensors: Sequence[Any]) -> Any:
    """A model's inputs, in their order, in the structure that it takes them in: Keras takes another, and warns."""
    return keras.tree.pack_sequence_as(model.input, list(tensors))


def calls(model: keras.Model) -> list[Any]:
    """The calls of a functional model's layers in the order of computation; a layer that is called twice has two."""
    by_depth = model._nodes_by_depth
    return [
        node
        for depth in sorted(by_depth, reverse=True)
        for node in by_depth[depth]
        if not isinstance(node.operation, keras.layers.InputLayer)
    ]


def _named(model: keras.Model) -> dict[str, Any]:
    found = {tensor.name: tensor for tensor in model.inputs}
    for node in calls(model):
        if len(node.output_tensors) == 1:
            found.setdefault(node.operation.name, node.output_tensors[0])
    return found
