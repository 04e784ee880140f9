"""Small pictures side by side in one array."""

from __future__ import annotations

import math

import numpy as np


def grid(tiles: np.ndarray, columns: int | None = None, gap: int = 1, between: float = np.nan) -> np.ndarray:
    """Tiles (n, h, w) or (n, h, w, 3) in rows, row by row, `gap` pixels of `between` among them.

    Args:
        columns: tiles a row; None makes the whole nearly square.

    Returns:
        (rows * (h + gap) - gap, columns * (w + gap) - gap) or with 3 channels; places left over hold `between`.
    """
    n, height, width = tiles.shape[:3]
    columns = columns or math.ceil(math.sqrt(n * height / width))
    columns = max(1, min(columns, n))
    rows = -(-n // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *tiles.shape[3:])
    whole = np.full(shape, between, np.float64)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        whole[top : top + height, left : left + width] = tile
    return whole


def stretched(values: np.ndarray) -> np.ndarray:
    """Values from their least to their largest onto 0..1; all alike become 0."""
    low, high = float(values.min()), float(values.max())
    return np.zeros_like(values, np.float64) if high <= low else (values.astype(np.float64) - low) / (high - low)
