"""A float graph in the operators that have integer kernels, the function kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from export.quantize.flat import Flat


def prepare(data: bytes) -> bytes:
    """Rewrite operators without integer kernels: -x and x / constant as products, x² as x · x, (a - b)² as two.

    A graph with loops or branches is returned as it is.
    """
    flat = Flat(data)
    if not flat.single:
        return data
    operators: list[Any] = []
    for operator in flat.operators():
        rewrite = _REWRITES.get(flat.name(operator))
        float_ends = all(flat.is_float(int(t)) for t in operator.outputs)
        operators += (rewrite(flat, operator) if rewrite and float_ends else None) or [operator]
    flat.graph.operators = operators
    return flat.packed()


def _negate(flat: Flat, operator: Any) -> list[Any]:
    return [_times(flat, operator, np.float32(-1))]


def _divide(flat: Flat, operator: Any) -> list[Any] | None:
    divisor = flat.constant(int(operator.inputs[1]))
    if divisor is None or not np.all(divisor) or not np.isfinite(1 / divisor).all():
        return None
    product = _times(flat, operator, (1 / divisor).astype(np.float32))
    fused = operator.builtinOptions.fusedActivationFunction if operator.builtinOptions else 0
    product.builtinOptions.fusedActivationFunction = fused
    return [product]


def _times(flat: Flat, operator: Any, factor: Any) -> Any:
    factor = np.asarray(factor, np.float32)
    label = f"{flat.label(int(operator.outputs[0]))}/factor"
    constant = flat.add_tensor(label, factor.shape, np.float32, factor)
    ends = [int(operator.inputs[0]), constant], [int(operator.outputs[0])]
    return flat.make("MUL", *ends, options=flat.options("MulOptions"))


def _square(flat: Flat, operator: Any) -> list[Any]:
    x = int(operator.inputs[0])
    return [flat.make("MUL", [x, x], [int(operator.outputs[0])], options=flat.options("MulOptions"))]


def _squared_difference(flat: Flat, operator: Any) -> list[Any]:
    out = int(operator.outputs[0])
    difference = flat.add_tensor(f"{flat.label(out)}/difference", flat.shape(out), np.float32)
    options = flat.options("SubOptions")
    subtract = flat.make("SUB", [int(t) for t in operator.inputs], [difference], options=options)
    return [subtract, flat.make("MUL", [difference, difference], [out], options=flat.options("MulOptions"))]


def _sum(flat: Flat, operator: Any) -> list[Any]:
    """A mean times the number of terms: the reference kernels' integer sum of an inner axis gives other numbers."""
    x, out = int(operator.inputs[0]), int(operator.outputs[0])
    mean = flat.add_tensor(f"{flat.label(out)}/mean", flat.shape(out), np.float32)
    terms = math.prod(flat.shape(x)) // max(math.prod(flat.shape(out)), 1)
    options = "ReducerOptions", operator.builtinOptions
    averaged = flat.make("MEAN", [int(t) for t in operator.inputs], [mean], options=options)
    product = _times(flat, operator, np.float32(terms))
    product.inputs = np.asarray([mean, int(product.inputs[1])], np.int32)
    return [averaged, product]


_REWRITES = {
    "SUM": _sum,
    "NEG": _negate,
    "DIV": _divide,
    "SQUARE": _square,
    "SQUARED_DIFFERENCE": _squared_difference,
}
