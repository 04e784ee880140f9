"""How numbers are stored as integers: scales, zero points, and the integers themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]
INT: dict[int, type[np.signedinteger]] = {8: np.int8, 16: np.int16}
_LOWEST, _LEVELS = -128, 255
_SMALLEST = 1e-9  # of a scale: below, requantization multipliers run out of bits


@dataclass(frozen=True)
class Form:
    """How a tensor is stored: width 0 is float."""

    width: int
    scale: float = 0.0
    zero: int = 0


FLOAT = Form(0)


def form_of(span: Range, width: int) -> Form:
    """The form that holds a range: symmetric at 16 bits, with zero exact at 8."""
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    if width == 16:
        return Form(16, _float32(max(-low, high, _SMALLEST * 32767) / 32767))
    scale = _float32(max((high - low) / _LEVELS, _SMALLEST))
    return Form(8, scale, int(np.clip(round(_LOWEST - low / scale), -128, 127)))


def stored(value: np.ndarray, form: Form) -> np.ndarray:
    """Values as the integers of a form."""
    limits = np.iinfo(INT[form.width])
    numbers = np.round(value / form.scale) + form.zero
    return np.clip(numbers, limits.min, limits.max).astype(INT[form.width])


def weight_scales(weight: np.ndarray, axis: int | None) -> np.ndarray:
    """(channels,) scales of a symmetric int8 weight, (1,) for axis None; a channel of zeros takes the others' mean."""
    if axis is None:
        largest = np.abs(weight).max(keepdims=True).reshape(1)
    else:
        largest = np.abs(weight).max(axis=tuple(a for a in range(weight.ndim) if a != axis))
    some = largest[largest > 0]
    return np.where(largest > 0, largest, some.mean() if some.size else 1.0).astype(np.float32) / np.float32(127)


def span_of(value: np.ndarray) -> Range:
    return (float(value.min()), float(value.max())) if value.size else (0.0, 0.0)


def _float32(value: float) -> float:
    return float(np.float32(value))
