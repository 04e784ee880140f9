"""Cat or not: photographs in the HDF5 files train_catvnoncat.h5 and test_catvnoncat.h5, as courses hand them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edgeproof.decode.classes import check_labels
from edgeproof.errors import Refused
from train.data import Dataset, Split, stratified

SIDE = 64
_HELD_OUT = 7  # every so many training pictures, one is for validation
_MOST = 200_000  # pictures that such a file may claim to hold
_FIX = "pass the folder that holds train_catvnoncat.h5 and test_catvnoncat.h5 with --data-dir"


def load(directory: Path | None = None) -> Dataset:
    """The files' own test set; a seventh of their training set is held out, in the classes' proportions.

    Raw samples are (64, 64, 3) uint8. Nothing that a file refers to outside itself is read.

    Raises:
        Refused: no folder, or a file that is missing, damaged or of another layout.
    """
    if directory is None:
        raise Refused("catvnoncat: the two files must be given.", received="no --data-dir", fix=_FIX)
    images, labels, classes = _read(directory / "train_catvnoncat.h5", "train")
    test_images, test_labels, others = _read(directory / "test_catvnoncat.h5", "test")
    if classes != others:
        raise Refused(
            "catvnoncat: both files must have the same list_classes.",
            received=f"{', '.join(classes)}; {', '.join(others)}",
            fix="take both from one collection",
        )
    validation, train = stratified(labels, (len(labels) // _HELD_OUT,), seed=2017)
    return Dataset(
        name="catvnoncat",
        title=f"{len(images) + len(test_images):,} photographs of cats and of other things, 64x64 pixels (catvnoncat)",
        licence="not stated in the files",
        synthetic=False,
        train=Split({"image": images[train]}, labels[train]),
        validation=Split({"image": images[validation]}, labels[validation]),
        test=Split({"image": test_images}, test_labels),
        labels=classes,
    )


def _read(path: Path, part: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    if not path.is_file():
        raise Refused("catvnoncat: the file must exist.", received=str(path), fix=_FIX)
    try:
        with h5py.File(path, "r") as file:
            images = _array(file, f"{part}_set_x", path)
            labels = _array(file, f"{part}_set_y", path).reshape(-1)
            classes = tuple(bytes(name).decode() for name in _array(file, "list_classes", path).reshape(-1).tolist())
    except Refused:
        raise
    except Exception as error:  # a damaged file makes the library raise nearly anything
        raise Refused("catvnoncat: the file must be readable HDF5.", received=f"{path}: {error}", fix=_FIX) from error
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE, 3):
        raise Refused(
            f"catvnoncat: {part}_set_x must hold pictures (n, {SIDE}, {SIDE}, 3) in unsigned bytes.",
            received=f"{images.dtype} of shape {images.shape} in {path}",
            fix=_FIX,
        )
    source = f"{part}_set_y in {path}"
    return images, check_labels(labels, (len(images),), len(classes), source=source), classes


def _array(file: Any, name: str, path: Path) -> np.ndarray:
    """A plain array of the file's own, not a way out of it."""
    link, found = file.get(name, getlink=True), None
    if link is not None and not isinstance(link, h5py.HardLink):
        what = "a link to another place"
    else:
        found = file.get(name)
        what = "nothing" if found is None else "a group"
        if isinstance(found, h5py.Dataset):
            what = ""
            if found.is_virtual or found.external:
                what = "an array whose numbers lie in other files"
            elif (
                found.dtype.kind not in "uiS" or found.ndim < 1 or found.shape[0] > _MOST or found.size > _MOST * 12288
            ):
                what = f"{found.dtype} of shape {found.shape}"
    if what or found is None:
        raise Refused(
            f"catvnoncat: {path.name} must hold {name}, an array of whole numbers or names.", received=what, fix=_FIX
        )
    return np.asarray(found[()])
