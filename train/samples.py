"""The samples file that training leaves for export: what to calibrate with, what to be judged on."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from edgeproof import atomic
from edgeproof.samples import Samples
from train.data import Dataset, Split, stratified

CALIBRATION = 200


def write(dataset: Dataset, out: Path, training: int = 0) -> None:
    """Write samples.npz, and sample.png where samples are pictures, into `out`.

    Args:
        training: so many labelled samples of the training split go along, for export to fine-tune with.
    """
    samples_of(dataset, training).write(out / "samples.npz")
    _picture(dataset, out / "sample.png")


def samples_of(dataset: Dataset, training: int = 0) -> Samples:
    """Raw samples: the whole test split to evaluate on, and some of the training split to calibrate and train with."""
    chosen = _some(dataset.train, training) if training else None
    labels = dataset.train.labels
    return Samples(
        training={} if chosen is None else {name: array[chosen] for name, array in dataset.train.samples.items()},
        training_labels=None if chosen is None or labels is None else labels[chosen],
        evaluation=dataset.test.samples,
        calibration=calibration_of(dataset),
        labels=dataset.test.labels,
        manifest={
            "data": dataset.name,
            "title": dataset.title,
            "synthetic": dataset.synthetic,
            "licence": dataset.licence,
            "evaluation": "test split",
            "calibration": "training split",
            "data_sha256": dataset.sha256(),
        },
    )


def calibration_of(dataset: Dataset) -> dict[str, np.ndarray]:
    """Samples of the training split, in the classes' proportions, and as many strange ones where the data set has
    them; never of the others."""
    splits = [dataset.train, *([dataset.strange] if dataset.strange else [])]
    chosen = [_some(split, CALIBRATION // len(splits)) for split in splits]
    return {
        name: np.concatenate([split.samples[name][rows] for split, rows in zip(splits, chosen, strict=True)])
        for name in dataset.train.samples
    }


def _some(split: Split, count: int) -> np.ndarray:
    """Indices of so many samples of a split, or of all there are."""
    if split.labels is None or len(split) <= count:
        return np.arange(min(count, len(split)))
    return stratified(split.labels, (count,), seed=0)[0]


def _picture(dataset: Dataset, path: Path) -> None:
    """The first test sample as a file such as a user would have."""
    first = next(iter(dataset.test.samples.values()))[0]
    if first.dtype == np.uint8 and first.ndim in (2, 3):
        from PIL import Image

        body = io.BytesIO()
        Image.fromarray(first).save(body, "PNG")
        atomic.write_bytes(path, body.getvalue())
