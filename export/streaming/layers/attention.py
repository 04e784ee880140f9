"""Attention: to what is the same in every step, or, causal, to the steps before, whose keys and values are kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from export.streaming import places
from export.streaming.cells import add, dense
from export.streaming.walk import Frames, Rule, Walk, refuse

# What a place without a step is below the others before the softmax: nothing of it is left, and scores of some tens
# keep thousandths in 16 bits beside it.
_BELOW = 100.0
_WHOLE = "it looks at the whole sequence"
_CAUSAL = "use_causal_mask=True, causal recurrent or convolution layers, or export the whole model"


def _to_constants(walk: Walk, layer: Any, given: Sequence[Frames], *, joined: bool) -> Frames:
    query, *memory = given
    if not query.frames or not all(entry.constant for entry in memory):
        raise refuse(layer, _WHOLE, _CAUSAL)
    _only(walk, layer, ())
    tensors = [entry.value for entry in given]
    return query.but(walk.call(layer, tensors) if joined else walk.call(layer, *tensors))


def _alone(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    """Layers called on one list: query, value and perhaps key."""
    return _to_constants(walk, layer, given, joined=True)


def _heads(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    first = given[0]
    if any(entry.value is not first.value for entry in given):
        return _to_constants(walk, layer, given, joined=False)
    if not walk.keywords.get("use_causal_mask"):
        raise refuse(layer, _WHOLE, _CAUSAL)
    _only(walk, layer, ("use_causal_mask",))
    if len(first.value.shape) != 3:
        raise refuse(layer, "it works along several axes", "one axis of time and one of features")
    return _cached(walk, layer, first)


def _only(walk: Walk, layer: Any, known: Sequence[str]) -> None:
    """Refuse what a call says that the step would pass over."""
    said = [
        key for key, value in walk.keywords.items() if key not in known and value is not None and value is not False
    ]
    if said:
        raise refuse(layer, f"it is called with {', '.join(said)}", "leave it out, or export the whole model")


def _cached(walk: Walk, layer: Any, entry: Frames) -> Frames:
    """Vaswani et al. 2017, section 3.2.2: this step's query on the keys of all steps so far.

    Keys and values (batch, heads, time, width) are states that move by one a step; the last step is last.
    """
    _, after = places.of(walk, layer, entry)
    heads, width, deep = layer.num_heads, layer.key_dim, layer.value_dim
    scale = 1.0 / math.sqrt(width)
    query = _product(walk, layer, "query", entry.value, heads, scale)
    keys, values = (_kept(walk, layer, name, entry, heads) for name in ("key", "value"))
    scores = ops.matmul(query, ops.swapaxes(keys, -1, -2))  # (batch, heads, 1, time)
    absent = ops.multiply(ops.subtract(after, 1.0), _BELOW)
    scores = add(scores, ops.reshape(absent, (-1, 1, 1, entry.time)))
    seen = ops.matmul(ops.softmax(scores), values)  # (batch, heads, 1, width of values)
    kernel, *bias = (np.asarray(weight) for weight in layer._output_dense.get_weights())
    out = _layer(walk, layer, "output", kernel.reshape(heads * deep, -1), bias[0] if bias else None)
    return entry.but(out(ops.reshape(seen, (-1, 1, heads * deep))))


def _product(walk: Walk, layer: Any, part: str, value: Any, heads: int, scale: float = 1.0) -> Any:
    """Queries, keys or values of this step: (batch, 1, features) -> (batch, heads, 1, width)."""
    kernel, *bias = (np.asarray(weight) * scale for weight in getattr(layer, f"_{part}_dense").get_weights())
    width = kernel.shape[-1]
    made = _layer(walk, layer, part, kernel.reshape(len(kernel), -1), bias[0].reshape(-1) if bias else None)
    return ops.reshape(made(value), (-1, heads, 1, width))


def _kept(walk: Walk, layer: Any, part: str, entry: Frames, heads: int) -> Any:
    """Keys or values of the steps so far, this one last."""
    own = _product(walk, layer, part, entry.value, heads)
    past, name = walk.state(f"{layer.name}.{part}", own, shape=(heads, entry.time, own.shape[-1]))
    found = ops.concatenate([past[:, :, 1:], own], axis=2)
    walk.keep(name, found)
    return found


def _layer(walk: Walk, layer: Any, part: str, kernel: np.ndarray, bias: np.ndarray | None) -> Any:
    """One for each part of a layer, however often that is called."""
    made = walk.cells.setdefault(id(layer), {})
    if part not in made:
        made[part] = dense(f"{layer.name}.{part}_product", kernel, bias)
    return made[part]


def _positions(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    """A vector of each place's own, picked by what this step has added to those behind."""
    (entry,) = given
    before, after = places.of(walk, layer, entry)
    vectors = np.asarray(layer.vectors)[::-1]  # the first step's one is last
    own = _layer(walk, layer, "place", vectors, None)(ops.subtract(after, before))
    return entry.but(add(entry.value, ops.expand_dims(own, 1)))


RULES: dict[str, Rule] = {
    **dict.fromkeys(["Attention", "AdditiveAttention"], _alone),
    "MultiHeadAttention": _heads,
    "Positions": _positions,
}
