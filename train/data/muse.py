"""A visual P300 oddball seen by a Muse headband, in its makers' files: subjectN/sessionM/*.csv, 256 Hz.

Barachant 2017, github.com/NeuroTechX/eeg-notebooks, BSD-3. Columns timestamps, TP9, AF7, AF8, TP10, Right AUX, Marker
(1 where another picture came, 2 where the rare one did); the right auxiliary electrode hangs loose, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files
from train.data import Dataset, epochs, skipping
from train.data.oddball import COLUMNS, LABELS, MARGIN, RATE, SEEN

_LAYOUT = "pass the folder that holds subject1/session1/*.csv and so on"


def load(directory: Path | None = None) -> Dataset:
    """Split by session: of each subject's recordings the last two are tested, the one before them is for validation.

    Raises:
        Refused: no folder, or recordings that are none.
    """

    def split(subject: str, left: int) -> str:
        return "test" if left < 2 else "validation" if left < 3 else "train"

    return dataset("muse", directory, split, "no recording is in two splits")


def dataset(name: str, directory: Path | None, split: Callable[[str, int], str], said: str) -> Dataset:
    """Windows about each stimulus, (512, 4) float32 in microvolts, and whether it was the rare one.

    Args:
        split: the name of a recording's split, from its subject and how many recordings of that subject follow it.
        said: of the split, for the title.

    Raises:
        Refused: no folder, or recordings that are none.
    """
    if directory is None:
        raise Refused(f"{name}: the recordings must be given.", received="no --data-dir", fix=_LAYOUT)
    people: dict[str, list[Path]] = {}
    for path in sorted(directory.glob("subject*/session*/*.csv")):
        people.setdefault(path.parent.parent.name, []).append(path)
    if not people:
        raise Refused(f"{name}: the folder must hold recordings.", received=str(directory), fix=_LAYOUT)
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"train": [], "validation": [], "test": []}
    for subject, paths in people.items():
        for index, path in enumerate(paths):
            read = _windows(path)
            if read is not None:
                found[split(subject, len(paths) - 1 - index)].append(read)
    train, validation, test = (epochs.joined(parts) for parts in found.values())
    return Dataset(
        name=name,
        title=f"P300 by a Muse headband: {len(train) + len(validation) + len(test):,} stimuli in "
        f"{sum(map(len, people.values()))} recordings of {len(people)} people; {said}",
        licence="BSD-3-Clause",
        synthetic=False,
        train=train,
        validation=validation,
        test=test,
        labels=LABELS,
        rate=RATE,
        columns=COLUMNS,
    )


def _windows(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """A recording's windows and labels; None where it is bad and passed over."""
    try:
        values = files.read_series(path, (*COLUMNS, "Marker"))
    except Refused as error:
        skipping.bad(error.rule, received=error.received, fix=error.fix)
        return None
    marks = values[:, -1]
    strange = np.flatnonzero(~np.isin(marks, (0, 1, 2)))
    if len(strange) or not marks.any():
        row = f"line {strange[0] + 2}: {marks[strange[0]]:g}" if len(strange) else "none"
        skipping.bad(
            "muse: a recording's markers must be 0, 1 and 2.", received=f"{path}, {row}", fix="leave the recording out"
        )
        return None
    stimuli = np.flatnonzero(marks)
    windows, kept = epochs.cut(values[:, :-1], stimuli, seen=SEEN, margin=MARGIN)
    return windows, (marks[stimuli[kept]] == 2).astype(np.int64)
