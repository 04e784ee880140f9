"""Operators that have no 16-bit kernel, written in some that have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from export.quantize.flat import Flat
from export.quantize.forms import Range

_RELU6 = 3  # of fused activations


def spell(flat: Flat, widths: Sequence[int]) -> dict[int, Range]:
    """Replace those that are to have 16-bit activations.

    Args:
        flat: float graph, changed.
        widths: of activations, by operator.

    Returns:
        Ranges of the tensors that this adds, by index; {} when there was nothing to replace.
    """
    found: dict[int, Range] = {}
    operators: list[Any] = []
    for operator, width in zip(flat.operators(), widths, strict=True):
        write = _SPELLED.get(flat.name(operator)) if width == 16 else None
        operators += write(_Writer(flat, operator, found)) if write else [operator]
    flat.graph.operators = operators
    return found


class _Writer:
    """Operators of one input and one output, in the place of one that has the same."""

    def __init__(self, flat: Flat, operator: Any, found: dict[int, Range]) -> None:
        self._flat, self._found = flat, found
        self.x, self.out = int(operator.inputs[0]), int(operator.outputs[0])

    def constant(self, value: float) -> int:
        return self._flat.add_tensor(self._flat.label(self.out), (), np.float32, np.array(value, np.float32))

    def tensor(self, span: Range) -> int:
        """A tensor of the output's shape that is held in this range, and cut off beyond it."""
        made = self._flat.add_tensor(self._flat.label(self.out), self._flat.shape(self.out), np.float32)
        self._found[made] = span
        return made

    def mul(self, one: int, other: int, out: int) -> Any:
        return self._flat.make("MUL", [one, other], [out], options=self._flat.options("MulOptions"))

    def add(self, one: int, other: int, out: int, activation: int = 0) -> Any:
        name, options = self._flat.options("AddOptions")
        options.fusedActivationFunction = activation
        return self._flat.make("ADD", [one, other], [out], options=(name, options))

    def logistic(self, one: int, out: int) -> Any:
        return self._flat.make("LOGISTIC", [one], [out])


def _hard_swish(write: _Writer) -> list[Any]:
    """x · relu6(x + 3) / 6 (Howard et al., 2019, "Searching for MobileNetV3", section 5.2)."""
    gate, share = write.tensor((0.0, 6.0)), write.tensor((0.0, 1.0))
    return [
        write.add(write.x, write.constant(3.0), gate, _RELU6),
        write.mul(gate, write.constant(1 / 6), share),
        write.mul(write.x, share, write.out),
    ]


def _gelu(write: _Writer) -> list[Any]:
    """x · sigmoid(2u), u = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel 2016, "Gaussian error linear units", section
    2), which is nowhere further than 4.8e-4 from the exact form.

    Where |x| is above 5.7 the sigmoid is 0 or 1 to sixteen bits: nothing between needs to tell larger ones apart.
    """
    slope = 2 * math.sqrt(2 / math.pi)
    square, part, factor = write.tensor((0.0, 32.0)), write.tensor((0.0, 2.5)), write.tensor((0.0, 4.0))
    twice, share = write.tensor((-16.0, 16.0)), write.tensor((0.0, 1.0))
    return [
        write.mul(write.x, write.x, square),
        write.mul(square, write.constant(0.044715 * slope), part),
        write.add(part, write.constant(slope), factor),
        write.mul(write.x, factor, twice),
        write.logistic(twice, share),
        write.mul(write.x, share, write.out),
    ]


_SPELLED: dict[str, Callable[[_Writer], list[Any]]] = {"GELU": _gelu, "HARD_SWISH": _hard_swish}
