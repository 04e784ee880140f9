"""Pooling over all of time: a running value, which after the last step is the whole sequence's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from export.streaming.cells import add
from export.streaming.walk import Frames, Rule, Walk, refuse

LOWEST = float(np.finfo(np.float32).min)


def _maximum(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    entry = _time(walk, layer, given)
    top = ops.max(entry.value, axis=1) if entry.frames > 1 else ops.squeeze(entry.value, 1)
    state, name = walk.state(f"{layer.name}.max", top, LOWEST, entry.delay)
    top = ops.maximum(state, top)
    walk.keep(name, top)
    return Frames(_kept(layer, top), 0, entry.delay)


def _average(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    entry = _time(walk, layer, given)
    # Every step has as many frames, so the mean of their means is the mean of all.
    total = ops.mean(entry.value, axis=1) if entry.frames > 1 else ops.squeeze(entry.value, 1)
    state, name = walk.state(f"{layer.name}.sum", total, delay=entry.delay)
    seen, count = walk.state(f"{layer.name}.count", total, delay=entry.delay, shape=(1,))
    total, seen = add(state, total), ops.add(seen, 1.0)
    walk.keep(name, total)
    walk.keep(count, seen)
    rank = len(total.shape)
    return Frames(
        _kept(layer, ops.divide(total, ops.reshape(seen, (-1, *[1] * (rank - 1))) if rank > 2 else seen)),
        0,
        entry.delay,
    )


def _time(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    if layer.data_format != "channels_last":
        raise refuse(layer, "its last axis is time", "data_format='channels_last'")
    walk.complete(layer, given[0])
    return given[0]


def _kept(layer: Any, value: Any) -> Any:
    return ops.expand_dims(value, 1) if layer.keepdims else value


RULES: dict[str, Rule] = {"GlobalMaxPooling1D": _maximum, "GlobalAveragePooling1D": _average}
