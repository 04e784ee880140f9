"""States of a step: an input and an output that must mean the same by their integers, and what lies between them.

Products with weights are taken in 8 bits and all other arithmetic between a state and its next value in 16, as in
TensorFlow Lite's own integer LSTM: there an error does not pass but is carried into every later step. A state that
only products with weights and moves of data read is stored in 8 bits, which are all that those would take of it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from export.quantize import operators as rules
from export.quantize.flat import Flat

HEADROOM = 4.0  # of a 16-bit state over what calibration saw: a longer sequence may go further, and two bits are cheap


@dataclass(frozen=True)
class Carried:
    """A state: its ends as tensors, the name of the output, and the width that it is stored in."""

    input: int
    output: int
    name: str
    width: int


def widths(
    flat: Flat, states: Mapping[str, str], plain: Sequence[int], counted: Container[int] = ()
) -> tuple[list[int], list[Carried]]:
    """The width of activations in each operator, and the states.

    Args:
        flat: the float graph.
        states: input -> output, by the signature's names.
        plain: the widths without states.
        counted: inputs whose states are whole numbers already (`average`).
    """
    if not states:
        return list(plain), []
    signature = flat.model.signatureDefs[0]
    inputs = {_text(end.name): int(end.tensorIndex) for end in signature.inputs}
    outputs = {_text(end.name): int(end.tensorIndex) for end in signature.outputs}
    pairs = [(inputs[one], outputs[other], other) for one, other in states.items() if inputs[one] not in counted]
    found = _widened(flat, pairs, plain)
    entries = []
    for before, after, name in pairs:
        wide = any(
            width == 16 and before in map(int, operator.inputs) and flat.name(operator) not in rules.WEIGHTED
            for operator, width in zip(flat.operators(), found, strict=True)
        )
        entries.append(Carried(before, after, name, 16 if wide else max((w for w in plain if w), default=8)))
    return found, entries


def _widened(flat: Flat, pairs: Sequence[tuple[int, int, str]], plain: Sequence[int]) -> list[int]:
    operators = list(flat.operators())
    after = {before for before, _, _ in pairs}  # what depends on a state
    for operator in operators:
        if after.intersection(map(int, operator.inputs)):
            after.update(map(int, operator.outputs))
    before = {end for _, end, _ in pairs}  # what a new state depends on
    for operator in reversed(operators):
        if before.intersection(map(int, operator.outputs)):
            before.update(map(int, operator.inputs))
    found: list[int] = []
    wide: set[int] = set()
    for operator, width in zip(operators, plain, strict=True):
        kind = flat.name(operator)
        inside = after.intersection(map(int, operator.inputs)) and before.intersection(map(int, operator.outputs))
        moved = kind in rules.SAME and not wide.intersection(map(int, operator.inputs))
        if width == 8 and inside and not moved and kind not in rules.WEIGHTED and rules.quantizable(kind, 16):
            width = 16
        if width == 16:
            wide.update(map(int, operator.outputs))
        found.append(width)
    return found


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
