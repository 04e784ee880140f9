"""Weights that repeat: what clustering makes, and what moving scale between channels would undo."""

from __future__ import annotations

from typing import Any

import numpy as np

_SHARE = 0.5  # distinct values a weight: trained weights hardly ever coincide, clustered ones nearly all do


def repeats(weight: np.ndarray) -> bool:
    """Whether a weight's values are mostly shared between its places, zeros apart."""
    some = weight[weight != 0]
    return bool(len(np.unique(some)) <= _SHARE * some.size)


def clustered(model: Any) -> bool:
    """Whether a Keras model has a kernel of few values; constants of small ones and what is all zero do not count."""
    kernels = [getattr(layer, "kernel", None) for layer in model._flatten_layers()]
    values = [np.asarray(kernel) for kernel in kernels if kernel is not None]
    return any(len(np.unique(value)) > 1 and repeats(value) for value in values)
