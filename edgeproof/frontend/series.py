"""Operations on batches of series, numbers by time step and column, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeproof.errors import Refused


def columns(series: np.ndarray, *, names: Sequence[str], length: int) -> np.ndarray:
    """The last `length` time steps of series: (n, time, columns) -> (n, length, columns) float32.

    Args:
        names: of the columns, in order, by which a CSV file's are found.

    Raises:
        Refused: fewer time steps, or other columns.
    """
    if series.ndim != 3 or series.shape[2] != len(names) or series.shape[1] < length:
        raise Refused(
            f"series: a series must have {length} time steps or more, and the columns {', '.join(names)}.",
            received=f"an array of shape {series.shape[1:]}",
            fix=f"pass numbers of shape (time, {len(names)})",
        )
    return np.asarray(series[:, series.shape[1] - length :], np.float32)


def standardise(series: np.ndarray, *, mean: Sequence[float], deviation: Sequence[float]) -> np.ndarray:
    """(value - mean) / deviation along the last axis, a number of each for every column; float32."""
    centred = np.asarray(series, np.float64) - np.array(mean, np.float64)
    return np.asarray(centred / np.array(deviation, np.float64), np.float32)
