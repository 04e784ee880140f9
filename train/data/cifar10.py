"""CIFAR-10 in its makers' binary version (Krizhevsky 2009, "Learning multiple layers of features from tiny images")."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof.decode.classes import check_labels
from edgeproof.errors import Refused
from train.data import Dataset, Split, stratified

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
VALIDATION = 5000
BATCHES = 5
RECORDS = 10_000  # a file
_SIDE = 32
_RECORD = 1 + 3 * _SIDE * _SIDE  # the label, then red, green and blue, each row by row
_FIX = 'pass the folder that "CIFAR-10 binary version (suitable for C programs)" unpacks to with --data-dir'


def load(directory: Path | None = None) -> Dataset:
    """45,000 / 5,000 / 10,000 photographs, (32, 32, 3) uint8: the makers' test set, 5,000 of the rest held out.

    Args:
        directory: holds data_batch_1.bin to data_batch_5.bin and test_batch.bin, or the folder
            cifar-10-batches-bin that does.

    Raises:
        Refused: no folder, a missing file, one of another size, or the pickled version, which is never opened.
    """
    if directory is None:
        raise Refused("cifar10: the makers' files must be given.", received="no --data-dir", fix=_FIX)
    folder = directory / "cifar-10-batches-bin"
    folder = folder if folder.is_dir() else directory
    parts = [_read(folder / f"data_batch_{i}.bin") for i in range(1, BATCHES + 1)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    test_images, test_labels = _read(folder / "test_batch.bin")
    validation, train = stratified(labels, (VALIDATION,), seed=2009)
    return Dataset(
        name="cifar10",
        title="CIFAR-10: 60,000 real photographs of ten kinds of things, 32x32 pixels",
        licence="none stated by its makers; it is a part of the Tiny Images, which were withdrawn",
        synthetic=False,
        train=Split({"image": images[train]}, labels[train]),
        validation=Split({"image": images[validation]}, labels[validation]),
        test=Split({"image": test_images}, test_labels),
        labels=LABELS,
    )


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if not path.is_file():
        received = str(path)
        pickled = [name for name in (path.stem, "batches.meta") if (path.parent / name).is_file()]
        if pickled:
            received = f"{path.parent / pickled[0]}, of the Python version: a pickle, which can run any code it holds"
        raise Refused(f"cifar10: {path.name} of the binary version must exist.", received=received, fix=_FIX)
    size = path.stat().st_size
    if size != RECORDS * _RECORD:
        raise Refused(
            f"cifar10: {path.name} must have {RECORDS:,} records of {_RECORD:,} bytes.",
            received=f"{size:,} bytes",
            fix="get the file again from where its makers publish it",
        )
    records = np.fromfile(path, np.uint8).reshape(RECORDS, _RECORD)
    images = records[:, 1:].reshape(RECORDS, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), check_labels(records[:, 0], (RECORDS,), 10, source=str(path))
