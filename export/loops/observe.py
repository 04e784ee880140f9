"""What the tensors of a loop hold, step by step: its body run alone, on the samples' own entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from export.arrays import Arrays
from export.loops.parts import join
from export.quantize.flat import Flat
from export.quantize.forms import Range
from export.quantize.ranges import Watched

_STEPS = 4000  # in all: ranges settle long before
_FEWEST = 16  # samples, however long they are


@dataclass
class Loop:
    """One WHILE of the main graph.

    Attributes:
        operator: its place in the main graph.
        condition, body: numbers of its graphs.
        entries: per sample, its inputs.
        ranges: of the body's float tensors.
    """

    operator: int
    condition: int
    body: int
    entries: list[list[np.ndarray]] = field(default_factory=list)
    ranges: dict[int, Range] = field(default_factory=dict)


def loops(main: bytes) -> list[Loop]:
    """The loops of a graph."""
    flat = Flat(main)
    return [
        Loop(i, operator.builtinOptions.condSubgraphIndex, operator.builtinOptions.bodySubgraphIndex)
        for i, operator in enumerate(flat.operators())
        if flat.name(operator) == "WHILE"
    ]


def observe(parts: Sequence[bytes], found: Sequence[Loop], samples: Arrays) -> dict[int, Range]:
    """Fill the loops' ranges by stepping them through samples (n, ...), and give those of the main graph."""
    flat, run = Flat(parts[0]), Watched(join(parts))
    operators = list(flat.operators())
    # A loop's output that nothing takes has no memory to look at.
    used = {int(t) for op in operators for t in op.inputs} | {int(t) for t in (*flat.graph.inputs, *flat.graph.outputs)}
    wanted = [t for t in sorted(used) if flat.is_float(t) and flat.constant(t) is None]
    main: dict[int, Range] = {}
    n = len(next(iter(samples.values())))
    for i in range(n):
        run.invoke({name: values[i : i + 1] for name, values in samples.items()})
        for tensor in wanted:
            _widen(main, tensor, run.value(tensor))
        for loop in found:
            loop.entries.append([_value(flat, run, int(t)) for t in operators[loop.operator].inputs])
    for loop in found:
        _step(loop, parts[loop.condition], parts[loop.body])
    return main


def _widen(ranges: dict[int, Range], tensor: int, values: np.ndarray) -> None:
    low, high = ranges.get(tensor, (0.0, 0.0))
    ranges[tensor] = min(low, float(values.min())), max(high, float(values.max()))


def _value(flat: Flat, run: Watched, tensor: int) -> np.ndarray:
    constant = flat.constant(tensor)
    return np.array(run.value(tensor)) if constant is None else np.asarray(constant)


def _step(loop: Loop, condition: bytes, body: bytes) -> None:
    stop, go, flat = Watched(condition), Watched(body), Flat(body)
    names = [flat.label(int(t)) for t in flat.graph.inputs]
    stops = [Flat(condition).label(int(t)) for t in Flat(condition).graph.inputs]
    answer = int(Flat(condition).graph.outputs[0])
    outputs = [int(t) for t in flat.graph.outputs]
    watched = {int(t) for op in flat.operators() for t in op.outputs} | {int(t) for t in flat.graph.inputs}
    floats = sorted(t for t in watched if flat.is_float(t))
    steps = 0
    for number, entry in enumerate(loop.entries):
        if number >= _FEWEST and steps >= _STEPS:
            break
        state = list(entry)
        while True:
            stop.invoke(dict(zip(stops, state, strict=True)))
            if not stop.value(answer).item():
                break
            go.invoke(dict(zip(names, state, strict=True)))
            for tensor in floats:
                _widen(loop.ranges, tensor, go.value(tensor))
            state = [np.array(go.value(t)) for t in outputs]
            steps += 1
    for before, after in zip(map(int, flat.graph.inputs), outputs, strict=True):
        if flat.is_float(before):  # what a step hands on and what the next one takes are one thing
            both = [loop.ranges.get(t, (0.0, 0.0)) for t in (before, after)]
            loop.ranges[before] = loop.ranges[after] = min(b[0] for b in both), max(b[1] for b in both)
