"""A fist imagined, left or right, in PhysioNet's files: SnnnR04.edf, R08 and R12, EDF+, 64 electrodes, 160 Hz.

Schalk et al. 2004, "BCI2000: a general-purpose brain-computer interface system"; Goldberger et al. 2000, "PhysioBank,
PhysioToolkit, and PhysioNet", EEG Motor Movement/Imagery Database, ODC-BY 1.0. T1 is the left fist, T2 the right one.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, edf, epochs, skipping

LABELS = ("left fist", "right fist")
RATE, ELECTRODES = 160, 64
SEEN, MARGIN = 2 * RATE, RATE // 2
_NAME = re.compile(r"S(\d{3})R(04|08|12)")
_LAYOUT = "pass a folder that holds S001R04.edf, S001R08.edf and S001R12.edf, of as many people as there are"
# Two of the four seconds of a trial, from these on: training sees all of them, each test trial is judged by one.
_TRAINED, _JUDGED = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0), (0.5,)


def load(directory: Path | None = None) -> Dataset:
    """Windows of trials, (480, 64) float32 in microvolts: run 4 and half of run 8 to train on, the other half for
    validation, run 12 to test on, for everybody.

    Raises:
        Refused: no folder, no such files, files that are damaged or of other electrodes.
    """
    if directory is None:
        raise Refused("motor_imagery: the recordings must be given.", received="no --data-dir", fix=_LAYOUT)
    paths = [path for path in sorted(directory.rglob("*.edf")) if _NAME.fullmatch(path.stem)]
    if not paths:
        raise Refused("motor_imagery: the folder must hold the makers' files.", received=str(directory), fix=_LAYOUT)
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"train": [], "validation": [], "test": []}
    columns: tuple[str, ...] = ()
    restored = 0
    for path in paths:
        recording = _recording(path, columns)
        if recording is None:
            continue
        columns, restored = columns or recording.labels, restored + bool(recording.restored)
        trials = [(note.onset, note.text) for note in recording.annotations if note.text in ("T1", "T2")]
        half = len(trials) // 2 if path.stem.endswith("R08") else 0
        run = "test" if path.stem.endswith("R12") else "train"
        found[run].append(_windows(recording, trials[half:], _JUDGED if run == "test" else _TRAINED))
        found["validation"].append(_windows(recording, trials[:half], _JUDGED))
    train, validation, test = (epochs.joined(parts) for parts in found.values())
    repaired = f", {restored} of them after the line ends that a transfer put in were taken out" if restored else ""
    return Dataset(
        name="motor_imagery",
        title=f"EEG Motor Movement/Imagery Database: {len(test)} trials of run 12 to test on, {len(paths)} recordings"
        f"{repaired}; every person is in every split",
        licence="ODC-BY 1.0",
        synthetic=False,
        train=train,
        validation=validation,
        test=test,
        labels=LABELS,
        rate=RATE,
        columns=tuple(label.strip(".") for label in columns),
    )


def _recording(path: Path, columns: tuple[str, ...]) -> edf.Recording | None:
    """A file; None where it is bad and passed over."""
    rule, fix = f"motor_imagery: a recording must have the same {ELECTRODES} electrodes at {RATE} Hz.", _LAYOUT
    try:
        found = edf.read(path)
    except Refused as error:
        skipping.bad(error.rule, received=error.received, fix=error.fix)
        return None
    if found.rate != RATE or len(found.labels) != ELECTRODES or columns not in ((), found.labels):
        said = f"{path}: {len(found.labels)} at {found.rate:g} Hz, {', '.join(found.labels)}"
        skipping.bad(rule, received=said[:200], fix=fix)
        return None
    return found


def _windows(
    recording: edf.Recording, trials: list[tuple[float, str]], begins: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    starts = [round((onset + begin) * RATE) for onset, _ in trials for begin in begins]
    labels = np.array([int(text == "T2") for _, text in trials for _ in begins], np.int64)
    windows, kept = epochs.cut(recording.signals, starts, seen=SEEN, margin=MARGIN)
    return windows, labels[kept]
