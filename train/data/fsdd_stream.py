"""Free Spoken Digits as windows that slide over a stream meet them: about the middle of a second, or cut off, or none.

One class more, "nothing", is for what is no digit in the middle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files
from train.data import Dataset, Split, fsdd

NOTHING = "nothing"
_NEAR, _FAR = 800, (2000, 6000)  # samples from the middle: a digit is heard within 100 ms, cut off from 250 to 750 ms
_DECIBELS = (-40.0, -25.0)  # of the noise behind, full scale 0
_ALONE = (-40.0, -10.0)  # of noise alone: quieter, all would be the floor of the mel bands, in every split


def load(directory: Path | None = None) -> Dataset:
    """Of every recording two seconds, (8000,) int16: the digit near the middle, and nothing: the digit cut off (half of
    them), played backwards (a quarter), or noise alone, white or pink, of -40 to -10 dB. Each but the last has white
    noise behind it. The makers' split.

    Raises:
        Refused: as `train.data.fsdd.load`.
    """
    if directory is None:
        raise Refused("fsdd_stream: the recordings must be given.", received="no --data-dir", fix=fsdd.LAYOUT)
    held: dict[str, list[tuple[np.ndarray, int]]] = {"train": [], "validation": [], "test": []}
    for path, (digit, speaker, index) in fsdd.recordings(directory):
        held[fsdd.makers(speaker, index)].append((files.read_sound(path, fsdd.RATE), digit))
    splits = [windows(pieces, np.random.default_rng([2014, i])) for i, pieces in enumerate(held.values())]
    return Dataset(
        name="fsdd_stream",
        title=f"Free Spoken Digit Dataset: {sum(map(len, splits)):,} seconds with one of "
        f"{sum(map(len, held.values())):,} real recordings near the middle or with none, in noise, 8 kHz; every "
        "speaker is in every split, no recording is in two",
        licence="CC BY-SA 4.0",
        synthetic=False,
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=(*fsdd.LABELS, NOTHING),
        rate=fsdd.RATE,
    )


def windows(pieces: list[tuple[np.ndarray, int]], rng: np.random.Generator) -> Split:
    """Two seconds of each recording: with the digit and, next to it, without."""
    sounds, labels = np.zeros((2 * len(pieces), fsdd.LENGTH), np.int16), np.empty(2 * len(pieces), np.int64)
    for i, (piece, digit) in enumerate(pieces):
        sounds[2 * i], labels[2 * i] = _behind(second(piece, int(rng.integers(-_NEAR, _NEAR + 1))), rng), digit
        kind = rng.integers(4)
        if kind < 2:
            other = _behind(second(piece, int(rng.choice([-1, 1]) * rng.integers(*_FAR))), rng)
        elif kind == 2:
            other = _behind(second(piece[::-1], int(rng.integers(-_FAR[1], _FAR[1] + 1))), rng)
        else:
            other = _whole(noise(rng) * 32768 * 10 ** (rng.uniform(*_ALONE) / 20))
        sounds[2 * i + 1], labels[2 * i + 1] = other, len(fsdd.LABELS)
    return Split({"features": sounds}, labels)


def second(piece: np.ndarray, late: int) -> np.ndarray:
    """A second of silence with the middle of a recording so many samples after its own middle, cut off at its ends."""
    wide = np.zeros(3 * fsdd.LENGTH + len(piece), np.int16)
    start = len(wide) // 2 + late - len(piece) // 2
    wide[start : start + len(piece)] = piece
    return wide[len(wide) // 2 - fsdd.LENGTH // 2 :][: fsdd.LENGTH]


def noise(rng: np.random.Generator) -> np.ndarray:
    """A second of white or pink noise of unit size."""
    white = rng.standard_normal(fsdd.LENGTH)
    if rng.integers(2):
        spectrum = np.fft.rfft(white)
        white = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), fsdd.LENGTH)
    return np.asarray(white / white.std())


def _behind(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _whole(sound + 32768 * 10 ** (rng.uniform(*_DECIBELS) / 20) * rng.standard_normal(len(sound)))


def _whole(sound: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(sound, -32768, 32767)).astype(np.int16)
