"""The Free Spoken Digit Dataset, in its makers' files: DIGIT_SPEAKER_INDEX.wav, 8,000 samples a second."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files, sound
from train.data import Dataset, Split

RATE, LENGTH = 8000, 8000
LABELS = tuple("0123456789")
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<index>\d+)")
LAYOUT = "pass the folder `recordings` of the set, or the one that holds it"


def load(directory: Path | None = None) -> Dataset:
    """The makers' split: indices 0 to 4 of each speaker and digit are the test set; 5 to 9 are for validation here.

    Raises:
        Refused: no folder, or files in it that are not such recordings.
    """
    return dataset("fsdd", directory, makers, "every speaker is in every split, as its makers have it")


def makers(speaker: str, index: int) -> str:
    """The split that a recording is in."""
    return "test" if index < 5 else "validation" if index < 10 else "train"


def dataset(name: str, directory: Path | None, split: Callable[[str, int], str], said: str) -> Dataset:
    """The recordings, (8000,) int16 each: the second in the middle, silence around shorter ones.

    Args:
        split: the name of a recording's split, from its speaker and index.
        said: of the split, for the title.

    Raises:
        Refused: no folder, or files in it that are not such recordings.
    """
    if directory is None:
        raise Refused(f"{name}: the recordings must be given.", received="no --data-dir", fix=LAYOUT)
    found: dict[str, list[tuple[np.ndarray, int]]] = {"train": [], "validation": [], "test": []}
    for path, (digit, speaker, index) in recordings(directory):
        samples = sound.middle(files.read_sound(path, RATE)[None], LENGTH)[0]
        found[split(speaker, index)].append((samples, digit))
    parts = {
        key: Split({"features": np.array([s for s, _ in each], np.int16)}, np.array([d for _, d in each], np.int64))
        for key, each in found.items()
    }
    return Dataset(
        name=name,
        title=f"Free Spoken Digit Dataset: {sum(map(len, found.values())):,} real recordings, 8 kHz; {said}",
        licence="CC BY-SA 4.0",
        synthetic=False,
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        labels=LABELS,
        rate=RATE,
    )


def recordings(directory: Path) -> list[tuple[Path, tuple[int, str, int]]]:
    """The files with digit, speaker and index, in the order of these.

    Raises:
        Refused: none, or a .wav file that is called otherwise.
    """
    folder = directory / "recordings" if (directory / "recordings").is_dir() else directory
    told = []
    for path in sorted(folder.glob("*.wav")):
        name = _NAME.fullmatch(path.stem)
        if name is None:
            raise Refused(
                "fsdd: each recording must be called DIGIT_SPEAKER_INDEX.wav.", received=str(path), fix=LAYOUT
            )
        told.append((path, (int(name["digit"]), name["speaker"], int(name["index"]))))
    if not told:
        raise Refused("fsdd: the folder must hold .wav files.", received=str(folder), fix=LAYOUT)
    return sorted(told, key=lambda each: each[1])
