"""How many bits the activations of each operator get."""

from __future__ import annotations

from typing import Any

from export.quantize import operators as rules
from export.quantize.flat import Flat
from export.quantize.names import LayerNames
from export.quantize.plan import Plan

# Operators whose 16-bit kernels cost little beside what they would spoil; a convolution's is many times slower.
_CHEAP = frozenset({"ADD", "SUB", "MUL", "FULLY_CONNECTED"})


def widths(flat: Flat, plan: Plan, names: LayerNames) -> list[int]:
    """The width of activations in each operator, 0 for float."""
    kinds = [flat.name(operator) for operator in flat.operators()]
    owners = [names.owner(flat, operator) for operator in flat.operators()]
    # One over a root spans orders of magnitude, and what it multiplies nearly cancels: 8 bits lose it.
    normalizing = {owner for kind, owner in zip(kinds, owners, strict=True) if kind == "RSQRT" and owner}
    normalized = {
        int(tensor)
        for operator, owner in zip(flat.operators(), owners, strict=True)
        if owner in normalizing
        for tensor in operator.inputs
    }
    found = []
    for operator, kind, owner in zip(flat.operators(), kinds, owners, strict=True):
        # What is normalized is as a rule the sum of all layers before, in which each is small.
        read = kind in _CHEAP and int(operator.outputs[0]) in normalized
        wide = plan.width == 16 or owner in plan.wide or owner in normalizing or kind == "RSQRT" or read
        wanted = 16 if wide and rules.quantizable(kind, 16) else 8
        possible = rules.quantizable(kind, wanted) and owner not in plan.floats and _integer_ends(flat, operator, kind)
        found.append(wanted if possible else 0)
    return found


def _integer_ends(flat: Flat, operator: Any, kind: str) -> bool:
    """What the rules need of an operator's inputs: data that is float, weights and biases known."""
    if not all(flat.is_float(int(t)) for t in operator.outputs):
        return False
    if kind in rules.WEIGHTED:
        rule = rules.WEIGHTED[kind]
        inputs = [int(t) for t in operator.inputs]
        bias = inputs[rule.bias] if len(inputs) > rule.bias else -1
        weight_known = flat.constant(inputs[rule.weight]) is not None or kind == "FULLY_CONNECTED"
        return weight_known and (bias < 0 or flat.constant(bias) is not None)
    return True
