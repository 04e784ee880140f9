"""Named arrays in a file, on their way between processes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgeproof import atomic

Arrays = dict[str, np.ndarray]


def write(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an .npz, uncompressed.

    Raises:
        Unwritable: the disk is full.
    """
    with atomic.refusing(Path(path)), zipfile.ZipFile(path, "w") as archive:
        # Not numpy.savez, which takes names as keywords: an input may well be called "file".
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(values), allow_pickle=False)


def read(path: str | Path) -> Arrays:
    """Read an .npz; objects are refused by numpy."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
