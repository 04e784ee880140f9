"""Strings of three to six Free Spoken Digits, joined: of one speaker, with short pauses between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files
from train.data import Dataset, Split, fsdd
from train.data.word_strings import BLANK, LENGTH, LONGEST, SHORTEST

SIZES = {"train": 2000, "validation": 200, "test": 400}
_PAUSE = (400, 2400)  # samples between digits: 50 to 300 ms


def load(directory: Path | None = None) -> Dataset:
    """2,000 / 200 / 400 sounds, (32000,) int16 at 8 kHz; labels (n, 6), filled up with -1. Digits of a split are the
    makers' own recordings of that split, each in several strings.

    Raises:
        Refused: no folder, files in it that are not such recordings, or a split without any that are short enough.
    """
    if directory is None:
        raise Refused("fsdd: the recordings must be given.", received="no --data-dir", fix=fsdd.LAYOUT)
    held: dict[str, dict[str, list[tuple[np.ndarray, int]]]] = {name: {} for name in SIZES}
    for path, (digit, speaker, index) in fsdd.recordings(directory):
        sound = files.read_sound(path, fsdd.RATE)
        if len(sound) <= LENGTH // LONGEST:  # longer ones are mostly silence, and six of them would not fit
            held[fsdd.makers(speaker, index)].setdefault(speaker, []).append((sound, digit))
    for name, speakers in held.items():
        if not speakers:
            raise Refused(
                f"fsdd: every split must hold recordings of at most {LENGTH // LONGEST} samples.",
                received=f"none for {name}",
                fix=fsdd.LAYOUT,
            )
    splits = [_joined(held[name], n, np.random.default_rng([2006, i])) for i, (name, n) in enumerate(SIZES.items())]
    return Dataset(
        name="fsdd",
        title=f"Free Spoken Digit Dataset: {sum(SIZES.values()):,} strings of 3 to 6 real recordings of one speaker, "
        "joined, 8 kHz; every speaker is in every split, no recording is in two",
        licence="CC BY-SA 4.0",
        synthetic=False,
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=(*fsdd.LABELS, BLANK),
        rate=fsdd.RATE,
    )


def _joined(speakers: dict[str, list[tuple[np.ndarray, int]]], n: int, rng: np.random.Generator) -> Split:
    sounds, labels = np.zeros((n, LENGTH), np.int16), np.full((n, LONGEST), -1, np.int64)
    names = sorted(speakers)
    for row in range(n):
        own = speakers[names[rng.integers(len(names))]]
        pieces: list[np.ndarray] = []
        wanted = rng.integers(SHORTEST, LONGEST + 1)
        for place in range(wanted):
            sound, digit = own[rng.integers(len(own))]
            pause = np.zeros(rng.integers(*_PAUSE), np.int16) if pieces else np.zeros(0, np.int16)
            if sum(map(len, pieces)) + len(pause) + len(sound) > LENGTH:
                break
            pieces += [pause, sound]
            labels[row, place] = digit
        said = np.concatenate(pieces)
        start = rng.integers(LENGTH - len(said) + 1)
        sounds[row, start : start + len(said)] = said
    return Split({"features": sounds}, labels)
