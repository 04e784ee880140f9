"""A functional model as the list of its calls, in the order in which they are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class Call:
    """One use of a layer.

    Attributes:
        name: the layer's; a layer that is used again has its use behind it, "dense (2)".
        layer: the layer or operation itself.
        inputs: names of the calls whose outputs it takes.
        taken: these outputs, symbolic.
        outputs: its symbolic outputs.
    """

    name: str
    layer: Any
    inputs: tuple[str, ...]
    taken: tuple[Any, ...]
    outputs: tuple[Any, ...]

    @property
    def kind(self) -> str:
        """The class of the layer."""
        return type(self.layer).__name__

    @property
    def parameters(self) -> int:
        """Numbers in its weights, trainable or not, without the states of random generators."""
        weights = getattr(self.layer, "weights", ())  # an operation such as `x + y` has none
        return sum(int(np.prod(weight.shape)) for weight in weights)


def functional(model: keras.Model) -> keras.Model:
    """The same layers and weights as a functional model, whose calls are known.

    Raises:
        ValueError: a model whose class computes its outputs in code, or one without an input shape.
    """
    if not getattr(model, "inputs", None) or not (isinstance(model, keras.Sequential) or _known(model)):
        raise ValueError(f"the calls of a {type(model).__name__} are not known: they are not a graph of layers")
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs, model.outputs, name=model.name)
    return model


def calls(model: keras.Model) -> list[Call]:
    """Every call, inputs first; a model inside the model is one call.

    Raises:
        ValueError: see `functional`.
    """
    model = functional(model)
    by_depth: Mapping[int, Sequence[Any]] = model._nodes_by_depth
    made: dict[int, str] = {}
    used: dict[str, int] = {}
    found = []
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            layer = node.operation
            used[layer.name] = used.get(layer.name, 0) + 1
            name = layer.name if used[layer.name] == 1 else f"{layer.name} ({used[layer.name]})"
            taken = () if node.is_input else tuple(node.arguments.keras_tensors)
            outputs = tuple(node.output_tensors)
            made.update({id(t): name for t in outputs})
            sources = tuple(dict.fromkeys(made[id(t)] for t in taken))
            found.append(Call(name, layer, sources, taken, outputs))
    return found


def _known(model: keras.Model) -> bool:
    return bool(getattr(model, "_nodes_by_depth", None))
