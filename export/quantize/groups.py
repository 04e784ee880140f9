"""Tensors that must share one form: operators that only move or compare numbers, and both ends of a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.quantize import carried
from export.quantize import operators as rules
from export.quantize.carried import Carried
from export.quantize.flat import Flat
from export.quantize.forms import Form, Range, form_of

_Key = tuple[int, int]  # a tensor at a width


class Groups:
    """Which form each computed tensor has at each width, decided for all of a graph before any of it is rewritten.

    Attributes:
        shared: by operator, the inputs that share its output's form.
        apart: (operator, input) that could not: it is brought to that form by an operator of its own.
    """

    def __init__(self, flat: Flat, widths: Sequence[int], ranges: Mapping[int, Range]) -> None:
        self._flat, self._ranges = flat, ranges
        self._operators = list(zip(flat.operators(), widths, strict=True))
        self._parent: dict[_Key, _Key] = {}
        self._fixed: dict[_Key, Form] = {}
        self._members: dict[_Key, list[_Key]] = {}
        self.shared: dict[int, set[int]] = {}
        self.apart: set[tuple[int, int]] = set()
        for index, (operator, width) in enumerate(self._operators):
            if width:
                self._tie(index, operator, width)

    def form(self, tensor: int, width: int) -> Form:
        """Of a tensor at this width: what its group settled on."""
        root = self._find((tensor, width))
        if root in self._fixed:
            return self._fixed[root]
        ranges = [self._ranges[t] for t, _ in self._members.get(root, [root]) if t in self._ranges]
        ranges += self._constants(root, width)
        low = min((r[0] for r in ranges), default=0.0)
        high = max((r[1] for r in ranges), default=0.0)
        self._fixed[root] = form_of((low, high), width)
        return self._fixed[root]

    def join(self, one: _Key, other: _Key) -> bool:
        """Unite two groups; False when both are bound to different forms."""
        one, other = self._find(one), self._find(other)
        if one == other:
            return True
        bound = [self._fixed[key] for key in (one, other) if key in self._fixed]
        if len(bound) == 2 and bound[0] != bound[1]:
            return False
        self._parent[other] = one
        self._members[one] = self._members.pop(one, [one]) + self._members.pop(other, [other])
        if bound:
            self._fixed[one] = bound[0]
        return True

    def carry(self, state: Carried) -> None:
        """Both ends of a state in one form, which a 16-bit one holds with room to spare."""
        one, other = (state.input, state.width), (state.output, state.width)
        # A kernel may have bound the output to a form of its own (TANH): the state takes it over.
        if state.width == 16 and self._find(other) not in self._fixed:
            spans = [self._ranges[t] for t in (state.input, state.output) if t in self._ranges]
            top = carried.HEADROOM * max(abs(side) for span in spans for side in span)
            self._fixed[self._find(other)] = form_of((-top, top), 16)
        self.join(other, one)

    def _find(self, key: _Key) -> _Key:
        root = key
        while self._parent.setdefault(root, root) != root:
            root = self._parent[root]
        self._parent[key] = root
        return root

    def _tie(self, index: int, operator: Any, width: int) -> None:
        kind = self._flat.name(operator)
        if kind in rules.FIXED:
            fixed = rules.FIXED[kind].int8 if width == 8 else rules.FIXED[kind].int16
            assert fixed
            self._fixed[self._find((int(operator.outputs[0]), width))] = Form(width, *fixed)
        elif kind in rules.SAME:
            outputs = [int(t) for t in operator.outputs]
            for output in outputs[1:]:
                self.join((outputs[0], width), (output, width))
            inputs = self._computed(operator, kind)
            self.shared[index] = {position for position, _ in inputs}
            for position, tensor in inputs:
                fixed_source = self._find((tensor, width)) in self._fixed
                # A tensor with a form of its own, beside others: it is brought to theirs, not they to its.
                if (len(inputs) > 1 and fixed_source) or not self.join((tensor, width), (outputs[0], width)):
                    self.apart.add((index, position))

    def _computed(self, operator: Any, kind: str) -> list[tuple[int, int]]:
        """(position, tensor) of the computed inputs that share the output's form."""
        found = [(p, t) for p, t in _tied(operator, kind) if self._flat.is_float(t)]
        return [(p, t) for p, t in found if self._flat.constant(t) is None]

    def _constants(self, root: _Key, width: int) -> list[Range]:
        """Ranges of the constants that operators of one form hold beside it."""
        found = []
        for operator, wide in self._operators:
            kind = self._flat.name(operator)
            if wide != width or kind not in rules.SAME or self._find((int(operator.outputs[0]), width)) != root:
                continue
            for _, tensor in _tied(operator, kind):
                value = self._flat.constant(tensor)
                if value is not None and value.dtype == np.float32:
                    found.append((float(value.min()), float(value.max())))
        return found


def _tied(operator: Any, kind: str) -> list[tuple[int, int]]:
    """(position, tensor) of the inputs whose form a kind's rule ties to its output's."""
    positions = rules.SAME[kind]
    everything = list(enumerate(map(int, operator.inputs)))
    return everything if positions is None else [everything[p] for p in positions if p < len(everything)]
