"""A long recording, answered window by window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.errors import Refused

if TYPE_CHECKING:
    from edgeproof.runner import Model, Prediction


def slide(recording: np.ndarray, length: int, hop: int) -> Iterator[tuple[int, np.ndarray]]:
    """Every window that lies whole in a recording (time, ...), `hop` time steps apart: its first time step, and it."""
    for begin in range(0, len(recording) - length + 1, hop):
        yield begin, recording[begin : begin + length]


def answers(model: Model, sample: Any, hop: float) -> Iterator[tuple[float, float, Prediction]]:
    """Begin and end of each window in seconds, and the answer for it.

    Args:
        model: of one input, a sound or series whose contract says how long a window is and at what rate.
        sample: as `Model.predict` takes one, but longer.
        hop: seconds from one window to the next.

    Raises:
        Refused: a model of other samples, a recording shorter than a window, or a hop of less than a time step.
    """
    how = model.frontend(model.inputs[0].name)
    rate, length = how.stated("rate"), how.stated("length")
    axes = {"series": 2, "sound": 1}.get(how.kind)
    if axes is None or len(model.inputs) != 1 or not rate or not length:
        raise Refused(
            "windows: the file must say how long a window is, and at what rate it was recorded.",
            received=f"an input of kind {how.kind}, rate {rate}, length {length}",
            fix="leave --windows out",
        )
    if not math.isfinite(hop) or round(hop * rate) < 1:
        raise Refused(
            f"windows: from one window to the next it must be a time step or more, 1/{rate:g} s.",
            received=f"{hop:g} s",
            fix="--windows 0.5",
        )
    recording = model.raw(sample, how)
    if recording.ndim != axes or len(recording) < length:
        raise Refused(
            f"windows: a recording must hold a window of {length} time steps.",
            received=f"an array of shape {recording.shape}",
            fix="pass a longer one",
        )
    for begin, window in slide(recording, length, round(hop * rate)):
        yield begin / rate, (begin + length) / rate, model.predict(window)
