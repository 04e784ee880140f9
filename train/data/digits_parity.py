"""The embedded digits as even and odd ones."""

from __future__ import annotations

from pathlib import Path

from train.data import Dataset, digits, parity


def load(directory: Path | None = None) -> Dataset:
    """See `train.data.digits`; labels 0 even, 1 odd."""
    return parity.of(digits.load(directory))
