"""Running averages of a step, in whole numbers: a sum that nothing is lost from, and a count.

No 8- or 16-bit state can hold an average over thousands of steps: what a step adds is less than the state's own step.
So the integers of the averaged tensor are summed as int32 and divided by how many they are, rounded to nearest. The
average has the form of what is averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.quantize.flat import CODES, Flat

_WHOLE = next(code for kind, code in CODES.items() if kind == np.dtype(np.int32))


@dataclass(frozen=True)
class Average:
    """A running average in the float graph, by index of tensors; `operators` are those that are replaced."""

    data: int
    total: tuple[int, int]
    count: tuple[int, int]
    mean: int
    operators: tuple[int, int, int]  # of the sum, the count and the quotient


def find(flat: Flat, states: Mapping[str, str]) -> list[Average]:
    """The quotients of two states, of which one adds a tensor and the other the number 1."""
    if not states:
        return []
    signature = flat.model.signatureDefs[0]
    into, out = (
        {e.name.decode() if isinstance(e.name, bytes) else e.name: int(e.tensorIndex) for e in ends}
        for ends in (signature.inputs, signature.outputs)
    )
    state_of = {out[after]: into[before] for before, after in states.items()}
    operators = list(flat.operators())
    maker = {int(t): i for i, operator in enumerate(operators) for t in operator.outputs}
    found = []
    for index, operator in enumerate(operators):
        ends = [int(t) for t in operator.inputs]
        if flat.name(operator) != "DIV" or not all(end in state_of and end in maker for end in ends):
            continue
        total, count = ends
        added = _other(operators[maker[total]], state_of[total])
        one = flat.constant(_other(operators[maker[count]], state_of[count]))
        kinds = {flat.name(operators[maker[end]]) for end in ends}
        if kinds == {"ADD"} and one is not None and np.array_equal(one.reshape(-1), [1.0]):
            found.append(
                Average(
                    added,
                    (state_of[total], total),
                    (state_of[count], count),
                    int(operator.outputs[0]),
                    (maker[total], maker[count], index),
                )
            )
    return found


def _other(operator: Any, tensor: int) -> int:
    ends = [int(t) for t in operator.inputs]
    return ends[0] if ends[-1] == tensor else ends[-1]


def whole(flat: Flat, average: Average) -> None:
    """Make the states tensors of whole numbers."""
    for tensor in (*average.total, *average.count):
        entry = flat.graph.tensors[tensor]
        entry.type, entry.quantization = _WHOLE, None


def emit(flat: Flat, average: Average, data: int, place: int) -> list[Any]:
    """The integer operators for one of the three; `data` is the averaged tensor in its form, `place` which of them."""
    label, shape = flat.label(average.mean), flat.shape(average.mean)

    def made(name: str, inputs: list[int], kind: str, to: int | None = None, version: int = 1) -> tuple[Any, int]:
        sides = np.broadcast_shapes(*(flat.shape(t) for t in inputs))
        output = flat.add_tensor(label, sides, np.int32) if to is None else to
        return flat.make(name, inputs, [output], version, flat.options(kind)), output

    if place == 0:
        wide, whole = made("CAST", [data], "CastOptions")
        return [wide, made("ADD", [average.total[0], whole], "AddOptions", average.total[1])[0]]
    if place == 1:
        one = flat.add_tensor(label, (), np.int32, np.array(1, np.int32))
        return [made("ADD", [average.count[0], one], "AddOptions", average.count[1])[0]]
    # floor((2 sum + n) / 2 n) is sum / n, rounded to nearest.
    twice, doubled = made("ADD", [average.total[1], average.total[1]], "AddOptions")
    centre, numerator = made("ADD", [doubled, average.count[1]], "AddOptions")
    pair, denominator = made("ADD", [average.count[1], average.count[1]], "AddOptions")
    divide, quotient = made("FLOOR_DIV", [numerator, denominator], "FloorDivOptions", version=2)
    narrow = flat.make("CAST", [quotient], [average.mean], 1, flat.options("CastOptions"))
    assert flat.shape(quotient) == shape
    return [twice, centre, pair, divide, narrow]
