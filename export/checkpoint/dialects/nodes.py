"""Calls between layers: the nested lists of Keras 1 and 2 in, the arguments of Keras 3 out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_CONSTANT = "_CONSTANT_VALUE"
_RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional")


@dataclass(frozen=True)
class Ref:
    """A tensor: the `tensor`-th output of the `call`-th call of a layer."""

    layer: str
    call: int
    tensor: int


@dataclass
class Call:
    """One call of a layer: positional arguments and others, tensors in them as `Ref`."""

    args: list[Any]
    kwargs: dict[str, Any]


def parse(data: Any, known: set[str], kind: str) -> Call:
    """An element of `inbound_nodes`.

    Args:
        data: nested lists whose leaves are [layer, call, tensor] or [layer, call, tensor, keyword arguments].
        known: the model's layers.
        kind: the class called.
    """
    kwargs: dict[str, Any] = {}

    def leaf(node: list[Any]) -> Any:
        if len(node) == 4:
            kwargs.update({name: revive(value, known) for name, value in node[3].items()})
        return node[2] if node[0] == _CONSTANT else Ref(*node[:3])

    first = _map(data, lambda node: _is_leaf(node, known), leaf)
    if kind not in ("TFOpLambda", "SlicingOpLambda"):
        kwargs = {name: value for name, value in kwargs.items() if value is not None and name != "name"}
        if isinstance(first, list) and len(first) == 1:
            first = first[0]
        if kind in _RECURRENT and isinstance(first, list):
            kwargs["initial_state"] = first[1:]
            first = first[0]
    return Call([first], kwargs)


def revive(value: Any, known: set[str]) -> Any:
    """A keyword argument, with the tensors in it as `Ref`."""
    return _map(value, lambda node: _is_leaf(node, known) and len(node) == 3, lambda node: Ref(*node[:3]))


def replaced(value: Any, act: Callable[[Ref], Any]) -> Any:
    """The same structure with every `Ref` replaced."""
    if isinstance(value, Ref):
        return act(value)
    if isinstance(value, list):
        return [replaced(item, act) for item in value]
    if isinstance(value, dict):
        return {key: replaced(item, act) for key, item in value.items()}
    return value


def refs(call: Call) -> list[Ref]:
    """Every tensor that a call takes, in order."""
    found: list[Ref] = []
    replaced([call.args, call.kwargs], found.append)
    return found


def spell(call: Call) -> dict[str, Any]:
    """A call as Keras 3 stores it."""
    return {"args": replaced(call.args, _tensor), "kwargs": replaced(call.kwargs, _tensor)}


def _tensor(ref: Ref) -> dict[str, Any]:
    # Only the history is read when the model is rebuilt; the shape is that of the layer's own output.
    history = [ref.layer, ref.call, ref.tensor]
    return {
        "class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": "float32", "keras_history": history},
    }  # fmt: skip


def _is_leaf(node: Any, known: set[str]) -> bool:
    return (
        isinstance(node, list)
        and len(node) in (3, 4)
        and isinstance(node[0], str)
        and (node[0] == _CONSTANT or (node[0] in known and isinstance(node[1], int) and isinstance(node[2], int)))
        and (len(node) == 3 or isinstance(node[3], dict))
    )


def _map(value: Any, leaf: Callable[[Any], bool], act: Callable[[Any], Any]) -> Any:
    if leaf(value):
        return act(value)
    if isinstance(value, list):
        return [_map(item, leaf, act) for item in value]
    if isinstance(value, dict):
        return {key: _map(item, leaf, act) for key, item in value.items()}
    return value
