"""The embedded digits: 1,797 scans of 8x8 pixels that scikit-learn ships (UCI, Alpaydin and Kaynak 1998)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, stratified

TEST, VALIDATION = 450, 100


def load(directory: Path | None = None) -> Dataset:
    """Real scans, always at hand, in a fixed stratified split of 1,247 / 100 / 450.

    Raw samples are (8, 8) uint8: the maker's 0 to 16 spread over 0 to 255.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded digits come from an installed package", "mnist")
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255.0 / 16.0)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    test, validation, train = (
        Split({"image": images[index]}, labels[index]) for index in stratified(labels, (TEST, VALIDATION), seed=1998)
    )
    return Dataset(
        name="embedded",
        title="1,797 real scans of handwritten digits, 8x8 pixels (UCI Optical Recognition of Handwritten Digits, "
        "the part that scikit-learn ships)",
        licence="CC BY 4.0",
        synthetic=False,
        train=train,
        validation=validation,
        test=test,
    )
