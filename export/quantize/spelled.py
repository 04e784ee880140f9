"""Operators that have no 16-bit kernel, written in some that have."""

from __future__ import annotations

from collections.abc import Sequence
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
        if width == 16 and flat.name(operator) == "HARD_SWISH":
            operators += _hard_swish(flat, operator, found)
        else:
            operators.append(operator)
    flat.graph.operators = operators
    return found


def _hard_swish(flat: Flat, operator: Any, found: dict[int, Range]) -> list[Any]:
    """x · relu6(x + 3) / 6 (Howard et al., 2019, "Searching for MobileNetV3", section 5.2)."""
    x, out = int(operator.inputs[0]), int(operator.outputs[0])
    label, shape = flat.label(out), flat.shape(out)

    def tensor(value: float | None = None, span: Range = (0.0, 0.0)) -> int:
        if value is not None:
            return flat.add_tensor(label, (), np.float32, np.array(value, np.float32))
        made = flat.add_tensor(label, shape, np.float32)
        found[made] = span
        return made

    name, options = flat.options("AddOptions")
    options.fusedActivationFunction = _RELU6
    gate, share = tensor(span=(0.0, 6.0)), tensor(span=(0.0, 1.0))
    return [
        flat.make("ADD", [x, tensor(3.0)], [gate], options=(name, options)),
        flat.make("MUL", [gate, tensor(1 / 6)], [share], options=flat.options("MulOptions")),
        flat.make("MUL", [x, share], [out], options=flat.options("MulOptions")),
    ]
