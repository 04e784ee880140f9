"""Layers that treat every time step alike, and so are their own step; and those that never can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from export.streaming.walk import Frames, Rule, Walk, refuse


def _each(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    (entry,) = given
    return entry.but(walk.call(layer, entry.value))


def _along(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    """Layers with an axis, or axes, which must not be that of time."""
    axis = getattr(layer, "axis", -1)
    rank = len(given[0].value.shape)
    if any(a % rank == 1 for a in (axis if isinstance(axis, (list, tuple)) else [axis])):
        raise refuse(layer, "it works along the axis of time", "let it work along the features (axis=-1)")
    return _each(walk, layer, given)


def _prelu(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    if layer.alpha.shape[0] != 1:
        raise refuse(layer, "it has a slope for every time step", "share them over time: shared_axes=[1]")
    return _each(walk, layer, given)


def _merge(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    _same_time(layer, [entry for entry in given if not entry.constant])
    if type(layer).__name__ == "Concatenate" and layer.axis % len(given[0].value.shape) == 1:
        raise refuse(layer, "it joins one sequence to the end of another", "join the features (axis=-1)")
    first = next(entry for entry in given if not entry.constant)
    rank = len(first.value.shape)
    if any(entry.constant and len(entry.value.shape) == rank and entry.value.shape[1] != 1 for entry in given):
        raise refuse(layer, "it joins a sequence with one that is there as a whole", "one frame of it, for all steps")
    return first.but(walk.call(layer, [entry.value for entry in given]))


def _same_time(layer: Any, given: Sequence[Frames]) -> None:
    if len({(entry.frames, entry.delay) for entry in given}) > 1:
        raise refuse(
            layer,
            "it joins tensors that run at different times: "
            + ", ".join(f"{e.frames} frames a step, {e.delay} steps late" for e in given),
            "give both branches the same strides and causal padding",
        )


def _einsum(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    data, kernel = layer.equation.split("->")[0].split(",")
    time = "." if data.startswith("...") else data[1]
    if time != "." and (time in kernel or layer.equation.split("->")[1][1:2] != time):
        raise refuse(layer, "its equation mixes time steps", "write it as an equation over features")
    entry = given[0]
    shape = layer.partial_output_shape
    if time != "." and len(shape) == len(layer.equation.split("->")[1]) - 1:
        shape = (entry.frames, *shape[1:])
    return entry.but(walk.call(layer, entry.value, output_shape=shape))


def _refused(why: str, fix: str) -> Rule:
    def rule(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
        raise refuse(layer, why, fix)

    return rule


_TIME_GOES = "it lays time out as features"
_ONE = "take the last step (return_sequences=False) or a global pooling layer, or export the whole model"

RULES: dict[str, Rule] = {
    **dict.fromkeys(
        [
            "Activation", "ActivityRegularization", "AlphaDropout", "Dense", "Dropout", "ELU", "Embedding",
            "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU", "ReLU", "Rescaling", "SpatialDropout1D",
            "SpatialDropout2D", "SpatialDropout3D", "TimeDistributed",
        ],
        _each,
    ),
    **dict.fromkeys(
        ["BatchNormalization", "LayerNormalization", "Normalization", "RMSNormalization", "Softmax",
         "UnitNormalization"],
        _along,
    ),
    **dict.fromkeys(["Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"], _merge),
    "PReLU": _prelu,
    "EinsumDense": _einsum,
    **dict.fromkeys(
        ["GroupQueryAttention", "GroupedQueryAttention"],
        _refused("it looks at the whole sequence", "MultiHeadAttention, or export the whole model"),
    ),
    "Bidirectional": _refused("it also runs from the end of the sequence to its beginning", "use the forward layer "
                              "alone, or export the whole model"),
    "GroupNormalization": _refused("its mean and variance are taken over time too", "use LayerNormalization"),
    **dict.fromkeys(["Flatten", "Reshape", "Permute"], _refused(_TIME_GOES, _ONE)),
    "RepeatVector": _refused("it starts a sequence where another ends", "export the two parts as two models"),
    "Masking": _refused("it lets the sequence itself say which steps count", "leave it out, and feed the stream "
                        "only the steps that count"),
    "UpSampling1D": _refused("it repeats steps", "repeat them outside the model, or export the whole model"),
}  # fmt: skip
