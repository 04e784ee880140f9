"""Convolution and pooling over time: a ring keeps the frames that the next window still needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from keras import ops

from export.streaming.walk import Frames, Rule, Walk, even, refuse


def _window(walk: Walk, layer: Any, given: Sequence[Frames], length: int, stride: int) -> Frames:
    """The layer itself, without padding, on the frames in the ring and those of this step.

    A causal layer's ring is `length - 1` long and stands for the zeros before the sequence. Without padding the
    ring holds whole steps, so that outputs come whole steps late and windows start where the whole model's do.
    """
    (entry,) = given
    frames = even(entry.frames, stride)
    causal = getattr(layer, "padding", "valid") == "causal"
    late = 0 if causal else max(0, math.ceil((length - stride) / entry.frames))
    kept = length - 1 if causal else late * entry.frames
    value = entry.value
    if kept:
        shape = (kept, *value.shape[2:])
        ring, name = walk.state(f"{layer.name}.past", value, delay=entry.delay, shape=shape)
        value = ops.concatenate([ring, value], axis=1)
        walk.keep(name, value[:, -kept:])
    needed = length + stride * (frames - 1)
    if value.shape[1] > needed:
        value = value[:, :needed]
    changes = {"padding": "valid"} if hasattr(layer, "padding") else {}
    return Frames(walk.call(layer, value, **changes), frames, entry.delay + late)


def _one(value: Any) -> int:
    return int(value[0] if isinstance(value, (list, tuple)) else value)


def _channels_last(layer: Any) -> None:
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise refuse(layer, "its last axis is time", "data_format='channels_last'")


def _convolution(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    _channels_last(layer)
    length = (_one(layer.kernel_size) - 1) * _one(layer.dilation_rate) + 1
    _past_only(layer, length, _one(layer.strides))
    return _window(walk, layer, given, length, _one(layer.strides))


def _pooling(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    _channels_last(layer)
    _past_only(layer, _one(layer.pool_size), _one(layer.strides))
    return _window(walk, layer, given, _one(layer.pool_size), _one(layer.strides))


def _past_only(layer: Any, length: int, stride: int) -> None:
    if layer.padding == "same" and (length, stride) != (1, 1):
        raise refuse(layer, "padding='same' looks ahead", "padding='causal' for convolutions, 'valid' for pooling")


def _cropping(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    """Frames cut off at the start come before the first that counts; those cut off at the end are never sent."""
    (entry,) = given
    start, end = layer.cropping
    if start % entry.frames or end % entry.frames:
        raise refuse(layer, "it cuts within a step", f"cut multiples of {entry.frames} frames")
    value = entry.value
    if end:
        ring, name = walk.state(f"{layer.name}.past", value, delay=entry.delay, shape=(end, *value.shape[2:]))
        joined = ops.concatenate([ring, value], axis=1)
        walk.keep(name, joined[:, -end:])
        value = joined[:, : entry.frames]
    return Frames(value, entry.frames, entry.delay + (start + end) // entry.frames)


RULES: dict[str, Rule] = {
    **dict.fromkeys(["Conv1D", "Convolution1D", "DepthwiseConv1D", "SeparableConv1D"], _convolution),
    **dict.fromkeys(["AveragePooling1D", "MaxPooling1D"], _pooling),
    "Cropping1D": _cropping,
}
