"""Loops as a device wants them: what a step writes into a sequence, written in place.

TensorFlow's converter cuts the sequence in two and puts it together again around the new item, at every step, with
tensors whose size changes as the loop goes; microcontrollers have none of those.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from export.loops.parts import join, split, sweep
from export.quantize.flat import Flat


def tidy(data: bytes) -> bytes:
    """The same flatbuffer; one without loops is returned as it is."""
    if Flat(data).single:
        return data
    parts = split(data)
    return join([parts[0], *map(_tidied, parts[1:])])


def _tidied(part: bytes) -> bytes:
    flat = Flat(part)
    made_by = {int(t): op for op in flat.operators() for t in op.outputs}
    operators: list[Any] = []
    for operator in flat.operators():
        start = _written(flat, operator, made_by)
        operators += [operator] if start is None else _in_place(flat, operator, made_by, start)
    flat.graph.operators = operators
    sweep(flat)
    return flat.packed()


def _written(flat: Flat, operator: Any, made_by: dict[int, Any]) -> int | None:
    """The tensor (1,) of the place that a concatenation (before, item, after) writes to; None: it is another."""
    inputs = [int(t) for t in operator.inputs]
    if flat.name(operator) != "CONCATENATION" or len(inputs) != 3 or operator.builtinOptions.axis != 0:
        return None
    before, after = made_by.get(inputs[0]), made_by.get(inputs[2])
    if before is None or after is None or {flat.name(before), flat.name(after)} != {"SLICE"}:
        return None
    whole = int(before.inputs[0])
    if whole != int(after.inputs[0]) or flat.shape(whole) != flat.shape(int(operator.outputs[0])):
        return None
    begin, size = flat.constant(int(before.inputs[1])), made_by.get(int(before.inputs[2]))
    if begin is None or begin.any() or size is None or flat.name(size) != "CONCATENATION":
        return None
    place = int(size.inputs[0])
    return place if flat.shape(place) == (1,) and flat.shape(inputs[1])[:1] == (1,) else None


def _in_place(flat: Flat, operator: Any, made_by: dict[int, Any], place: int) -> list[Any]:
    inputs = [int(t) for t in operator.inputs]
    whole = int(made_by[inputs[0]].inputs[0])
    rank = len(flat.shape(whole))
    zeros = flat.add_tensor("zeros", (rank - 1,), np.int32, np.zeros(rank - 1, np.int32))
    start = flat.add_tensor("start", (rank,), np.int32)
    return [
        flat.make("CONCATENATION", [place, zeros], [start], options=flat.options("ConcatenationOptions")),
        flat.make(
            "DYNAMIC_UPDATE_SLICE",
            [whole, inputs[1], start],
            [int(t) for t in operator.outputs],
            options=flat.options("DynamicUpdateSliceOptions"),
        ),
    ]
