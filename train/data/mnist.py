"""MNIST, in its makers' idx.gz files (LeCun, Cortes, Burges 1998)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof.decode.classes import check_labels
from edgeproof.errors import Refused
from train.data import Dataset, Split, download, idx, stratified

VALIDATION = 5000

# Hashes of the files as their makers published them; the hosts are mirrors of those.
HOSTS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
FILES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def load(directory: Path | None = None) -> Dataset:
    """55,000 / 5,000 / 10,000 raw samples, (28, 28) uint8: the makers' test set, 5,000 of their training set held out.

    Args:
        directory: holds the four files; None: the download cache.

    Raises:
        Refused: a file is missing or not what its name says.
    """
    if directory is None:
        directory = download.fetch("mnist", FILES, HOSTS)
    images, labels = _pair(directory, "train")
    test_images, test_labels = _pair(directory, "t10k")
    validation, train = stratified(labels, (VALIDATION,), seed=1998)
    return Dataset(
        name="mnist",
        title="MNIST: 70,000 real scans of handwritten digits, 28x28 pixels",
        licence="CC BY-SA 3.0",
        synthetic=False,
        train=Split({"image": images[train]}, labels[train]),
        validation=Split({"image": images[validation]}, labels[validation]),
        test=Split({"image": test_images}, test_labels),
    )


def _pair(directory: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    images = idx.read(directory / f"{part}-images-idx3-ubyte.gz", dimensions=3)
    path = directory / f"{part}-labels-idx1-ubyte.gz"
    labels = idx.read(path, dimensions=1)
    if images.shape[1:] != (28, 28):
        raise Refused(
            "mnist: pictures must have 28x28 pixels.",
            received=f"{images.shape[1:]} in {directory}",
            fix="pass the folder that holds the four files of MNIST",
        )
    return images, check_labels(labels, (len(images),), 10, source=str(path))
