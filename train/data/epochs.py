"""A long recording cut into windows about events: what a filter needs lies on either side of what the network sees."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from train.data import Split


def cut(signals: np.ndarray, starts: Iterable[int], *, seen: int, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of a recording (time, columns) that begin `margin` before each start and end as much after `seen`.

    Returns:
        (n, margin + seen + margin, columns) float32, and which of the starts they are of: those whose window lies whole
        in the recording, (n,).
    """
    begins = np.array([int(start) - margin for start in starts], np.int64).reshape(-1)
    whole = seen + 2 * margin
    kept = np.flatnonzero((begins >= 0) & (begins + whole <= len(signals)))
    windows = [signals[begins[i] : begins[i] + whole] for i in kept]
    shape = (len(kept), whole, signals.shape[1])
    return np.array(windows, np.float32).reshape(shape), kept


def joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> Split:
    """Windows and labels of several recordings as one split; without recordings an empty one."""
    if not parts:
        return Split({"series": np.zeros((0, 1, 1), np.float32)}, np.zeros(0, np.int64))
    series = np.concatenate([windows for windows, _ in parts])
    return Split({"series": series}, np.concatenate([labels for _, labels in parts]).astype(np.int64))
