"""Operations on batches of series, numbers by time step and column, (n, time, columns), in numpy."""

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


def band_pass(series: np.ndarray, *, rate: float, low: float, high: float, seconds: float = 1.0) -> np.ndarray:
    """Frequencies from `low` to `high` in Hz, by a windowed sinc (Hamming) as long as `seconds`: float32.

    Only what the whole filter has seen is given, taps - 1 time steps fewer than came in: nothing is made up at the
    ends, and the middle of the filter lies on the time step that it is given for, so that nothing is delayed. The
    filter's flanks are some 3.3 / `seconds` Hz wide.

    Raises:
        Refused: a series shorter than the filter.
    """
    kernel = band(rate, low, high, seconds)
    taps, time = len(kernel), series.shape[1]
    if time < taps:
        raise Refused(
            f"series: a filter of {taps} time steps needs a series as long.",
            received=f"{time} time steps",
            fix="pass a longer series",
        )
    size = 1 << (time - 1).bit_length()  # circular; what wraps round lies in the steps that are cut off
    spectrum = np.fft.rfft(np.asarray(series, np.float64), size, axis=1) * np.fft.rfft(kernel, size)[:, None]
    return np.asarray(np.fft.irfft(spectrum, size, axis=1)[:, taps - 1 : time], np.float32)


def band(rate: float, low: float, high: float, seconds: float) -> np.ndarray:
    """The filter of `band_pass`, (taps,), an odd number: the difference of two ideal low passes, under a window."""
    if not 0 <= low < high <= rate / 2:
        raise ValueError(f"0 <= low < high <= rate / 2. Received: {low}, {high}, {rate}")
    half = round(rate * seconds / 2)
    at = np.arange(-half, half + 1)
    ideal = sum(sign * 2 * f / rate * np.sinc(2 * f / rate * at) for sign, f in ((1, high), (-1, low)))
    return np.asarray(ideal * np.hamming(2 * half + 1))


def decimate(series: np.ndarray, *, factor: int) -> np.ndarray:
    """Every so manyth time step, from the first on; what came before must have left no frequency that this folds."""
    return np.asarray(series[:, ::factor], np.float32)


def centre(series: np.ndarray) -> np.ndarray:
    """Each column of each series without its mean over time; float32."""
    values = np.asarray(series, np.float64)
    return np.asarray(values - values.mean(axis=1, keepdims=True), np.float32)


def clip(series: np.ndarray, *, low: float, high: float) -> np.ndarray:
    """Values below `low` and above `high` as these; float32. What is rare and large would widen a step of 8 bits."""
    return np.asarray(np.clip(series, low, high), np.float32)
