"""Strings of three to six of the ten words of `train.data.words`, by the same formant synthesiser."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, generated, words

RATE, LENGTH = words.RATE, 32000
SIZES = {"train": 1000, "validation": 200, "test": 400}
SHORTEST, LONGEST = 3, 6
BLANK = "blank"  # the name of the class that spells nothing, the last one


def load(directory: Path | None = None) -> Dataset:
    """1,000 / 200 / 400 sounds, (32000,) int16 at 8 kHz; labels (n, 6), filled up with -1.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded words are spoken by a synthesiser", "fsdd")
    said = "strings of 3 to 6 words of ten, 4 seconds each, 8 kHz, by a SYNTHETIC voice (train/data/word_strings.py)"
    return generated(speak, SIZES, (*words.WORDS, BLANK), said, rate=RATE)


@lru_cache(maxsize=4)
def speak(n: int, *, seed: int) -> Split:
    """`n` sounds with their strings, the same ones for the same seed; every other pause between words is left out."""
    rng = np.random.default_rng([2006, seed])
    labels = drawn(n, len(words.WORDS), rng)
    each = list(words.WORDS.values())
    told = []
    for row in labels:
        phonemes: tuple[str, ...] = ("",)
        for label in row[row >= 0]:
            phonemes += each[label] + (("",) if rng.integers(2) else ())
        told.append((*phonemes, ""))
    sounds, _ = words.uttered(told, rng, LENGTH // words.HOP)
    return Split({"features": sounds}, labels)


def drawn(n: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Strings of SHORTEST to LONGEST classes, (n, LONGEST), filled up with -1."""
    labels = rng.integers(0, classes, (n, LONGEST))
    labels[np.arange(LONGEST) >= rng.integers(SHORTEST, LONGEST + 1, (n, 1))] = -1
    return labels
