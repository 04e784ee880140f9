"""The samples file that training leaves for export: what to calibrate with, what to be judged on."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np

from edgeproof import atomic
from edgeproof.samples import Samples
from train.data import Dataset, Split, stratified

CALIBRATION = 200


def write(dataset: Dataset, out: Path, training: int = 0) -> None:
    """Write samples.npz, and sample.png, .wav, .txt, .csv or .mid where samples are pictures, sounds, texts, series or
    scores, into `out`.

    Args:
        training: so many labelled samples of the training split go along, for export to fine-tune with.
    """
    samples_of(dataset, training).write(out / "samples.npz")
    _first(dataset, out)


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
    if len(split) <= count:
        return np.arange(len(split))
    if split.labels is None:
        return np.arange(count)
    if split.labels.ndim > 1:  # no class a sample: from all over the split, whose samples may overlap their neighbours
        return np.linspace(0, len(split) - 1, count).astype(np.int64)
    return stratified(split.labels, (count,), seed=0)[0]


def _first(dataset: Dataset, out: Path) -> None:
    """The first test sample as a file such as a user would have."""
    first, body = next(iter(dataset.test.samples.values()))[0], io.BytesIO()
    if dataset.columns:
        rows = [",".join(dataset.columns), *(",".join(map(repr, row)) for row in first.tolist())]
        atomic.write_text(out / "sample.csv", "\n".join(rows) + "\n")
    elif first.dtype == np.int8 and first.ndim == 2:
        from edgeproof.frontend import midi

        atomic.write_bytes(out / "sample.mid", midi.written(midi.Score(first, dataset.rate)))
    elif dataset.rate:
        with wave.open(body, "wb") as file:
            file.setparams((1, 2, dataset.rate, 0, "NONE", ""))
            file.writeframes(first.astype("<i2").tobytes())
        atomic.write_bytes(out / "sample.wav", body.getvalue())
    elif first.dtype.kind == "U":
        atomic.write_text(out / "sample.txt", f"{first}\n")
    elif first.dtype == np.uint8 and first.ndim in (2, 3):
        from PIL import Image

        Image.fromarray(first).save(body, "PNG")
        atomic.write_bytes(out / "sample.png", body.getvalue())
