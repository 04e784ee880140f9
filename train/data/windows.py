"""A long series cut into windows: what is seen, and what comes after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files
from train.data import Dataset, Split


def cut(values: np.ndarray, past: int, horizon: int) -> Split:
    """Every window of a series (time, columns): (n, past, columns) float32, and (n, horizon, columns) after it."""
    whole = np.lib.stride_tricks.sliding_window_view(values, past + horizon, axis=0).transpose(0, 2, 1)
    seen = np.ascontiguousarray(whole[:, :past], np.float32)
    return Split({"series": seen}, np.ascontiguousarray(whole[:, past:], np.float64))


def parts(values: np.ndarray, ends: tuple[int, int, int], past: int, horizon: int) -> tuple[Split, Split, Split]:
    """Windows of training, validation and test: what is forecast lies before each end, in one part alone.

    What is seen may reach back into the part before, as it does where a model is used.

    Raises:
        Refused: a part without a window.
    """
    starts = (0, ends[0] - past, ends[1] - past)
    if min(end - start for start, end in zip(starts, ends, strict=True)) < past + horizon or ends[2] > len(values):
        raise Refused(
            f"series: each part of a series must hold a window of {past + horizon} time steps.",
            received=f"{len(values)} time steps, in parts that end at {', '.join(map(str, ends))}",
            fix="pass a longer series",
        )
    train, validation, test = (cut(values[start:end], past, horizon) for start, end in zip(starts, ends, strict=True))
    return train, validation, test


def from_file(
    directory: Path | None, file: str, names: tuple[str, ...], ends: tuple[int, int, int], past: int, horizon: int,
    *, name: str, title: str, licence: str,
) -> Dataset:  # fmt: skip
    """The data set of a makers' .csv file.

    Raises:
        Refused: no folder or file, or a file that is not theirs.
    """
    if directory is None:
        raise Refused(f"{name}: the makers' file must be given.", received="no --data-dir", fix=f"a folder with {file}")
    path = directory / file
    if not path.is_file():
        raise Refused(f"{name}: the folder must hold {file}.", received=str(directory), fix="check --data-dir")
    values = files.read_series(path, names)
    train, validation, test = parts(values, ends, past, horizon)
    return Dataset(name, title, licence, False, train, validation, test, columns=names)
