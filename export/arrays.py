"""Named arrays in a file, on their way between processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def write(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an .npz, uncompressed."""
    named: dict[str, Any] = dict(arrays)
    np.savez(path, **named)


def read(path: str | Path) -> Arrays:
    """Read an .npz; objects are refused by numpy."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
