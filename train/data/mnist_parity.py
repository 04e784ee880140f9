"""MNIST as even and odd digits."""

from __future__ import annotations

from pathlib import Path

from train.data import Dataset, mnist, parity


def load(directory: Path | None = None) -> Dataset:
    """See `train.data.mnist`; labels 0 even, 1 odd."""
    return parity.of(mnist.load(directory))
