"""Words of the formant synthesiser (`train.data.words`), and which phoneme it is told in each hundredth of a second."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from models.phonology import PHONEMES
from train.data import Dataset, Split, embedded_only, generated, words

RATE, LENGTH = words.RATE, 12000
SIZES = {"train": 1200, "validation": 200, "test": 400}
SAID = 3  # words a sound
_HOP, _WIDTH, _SPLICED = 80, 200, 11  # samples of the mel bands' frames, and frames of a spliced window


def load(directory: Path | None = None) -> Dataset:
    """1,200 / 200 / 400 sounds, (12000,) int16 at 8 kHz, of three words each; labels (n, 138).

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded words are spoken by a synthesiser, which alone knows its phonemes")
    said = "strings of 3 words of ten, 1.5 seconds each, 8 kHz, by a SYNTHETIC voice (train/data/phonemes.py)"
    return generated(speak, SIZES, tuple(PHONEMES), said, rate=RATE)


@lru_cache(maxsize=4)
def speak(n: int, *, seed: int) -> Split:
    """`n` sounds with a label for each spliced window of mel bands: what the voice is told in the 5 ms that the middle
    of the window lies in. The same ones for the same seed."""
    rng = np.random.default_rng([2007, seed])
    each = list(words.WORDS.values())
    told = []
    for row in rng.integers(0, len(each), (n, SAID)):
        string: tuple[str, ...] = ("",)
        for word in row:
            string += each[word] + (("",) if rng.integers(2) else ())
        told.append((*string, ""))
    sounds, phonemes = words.uttered(told, rng, LENGTH // words.HOP)
    return Split({"features": sounds}, phonemes[:, middles()].astype(np.int64))


def middles() -> np.ndarray:
    """The 5 ms of the sound that the middle of each spliced window lies in, (138,)."""
    frames = np.arange(_SPLICED // 2, (LENGTH - _WIDTH) // _HOP + 1 - _SPLICED // 2)
    return np.asarray((frames * _HOP + _WIDTH // 2) // words.HOP)
