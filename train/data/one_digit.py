"""The embedded digits as a set for anomaly detection: one digit is normal, the other nine are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, digits

NORMAL = 0


def load(directory: Path | None = None) -> Dataset:
    """The splits of `train.data.digits`, labelled 1 where the digit is not a zero; only the training split's zeros are
    trained on, its other digits serve to calibrate ranges.

    Raw samples are (64,) float32, the pixels from 0 to 1.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    whole = digits.load(directory)

    def turned(split: Split, kinds: tuple[int, ...] = (0, 1)) -> Split:
        assert split.labels is not None
        other = (split.labels != NORMAL).astype(np.int64)
        chosen = np.flatnonzero(np.isin(other, kinds))
        pixels = split.samples["image"][chosen].reshape(len(chosen), -1) / np.float32(255)
        return Split({"features": pixels.astype(np.float32)}, other[chosen])

    return Dataset(
        name="embedded",
        title=f"{whole.title}; zeros are normal, and all that is trained on, the other digits are anomalies",
        licence=whole.licence,
        synthetic=False,
        train=turned(whole.train, (0,)),
        validation=turned(whole.validation),
        test=turned(whole.test),
        strange=turned(whole.train, (1,)),
    )
