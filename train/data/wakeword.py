"""A wake word from one recording of it, WORD_SPEAKER_N.wav: what is to be told is made from that one utterance.

Positive seconds are the utterance faster or slower, louder or quieter, its spectrum tilted, its upper half taken away,
early or late, before noise or tones. The others hold it cut off, backwards or with its halves exchanged, or random
phonemes of the formant synthesiser (`train.data.words`), or nothing but noise and tones. All splits are made of the one
utterance, so that a score on them says that the network has learned it, and nothing of other voices.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files
from train.data import Dataset, Split
from train.data import words as voice

RATE, LENGTH = 16000, 16000
SIZES = {"train": 2400, "validation": 300, "test": 600}
NOTHING = "nothing"
_NAME = re.compile(r"(?P<word>[a-z]+)_[0-9a-f]{8}_\d+")
_EDGE = 0.05  # of the loudest 10 ms: where an utterance begins and ends
_SPEED = (0.75, 1.3)
_NEAR, _FAR = 1600, (4800, 11200)  # samples from the middle: within 100 ms the word, from 300 to 700 ms cut off
_FLOOR = (-60.0, -20.0)  # decibels of what is behind, full scale 0
_ALONE = (
    -40.0,
    -10.0,
)  # and where it is all there is: quieter, all would be the floor of the mel bands, in every split
_LAYOUT = "pass the folder with the one recording, such as marvin_617de221_0.wav"


def load(directory: Path | None = None) -> Dataset:
    """2,400 / 300 / 600 seconds, (16000,) int16 at 16 kHz, a third of them with the word in the middle.

    Raises:
        Refused: no folder, or one without exactly one such recording.
    """
    word, said = utterance(directory)
    splits = [seconds(said, n, seed=seed) for seed, n in enumerate(SIZES.values())]
    return Dataset(
        name="wakeword",
        title=f'{sum(SIZES.values()):,} seconds made of ONE real recording of "{word}", a SYNTHETIC voice and noise; '
        "the same utterance is in every split",
        licence="CC BY 4.0",
        synthetic=False,
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=(word, NOTHING),
        rate=RATE,
    )


def utterance(directory: Path | None) -> tuple[str, np.ndarray]:
    """The word, and its samples without the silence around it, float, loudest 1.

    Raises:
        Refused: as `load`.
    """
    if directory is None:
        raise Refused("wakeword: the recording must be given.", received="no --data-dir", fix=_LAYOUT)
    told = [(path, name) for path in sorted(directory.glob("*.wav")) if (name := _NAME.fullmatch(path.stem))]
    if len(told) != 1:
        raise Refused(
            "wakeword: the folder must hold one recording called WORD_SPEAKER_N.wav.",
            received=f"{len(told)} in {directory}",
            fix=_LAYOUT,
        )
    ((path, name),) = told
    sound = files.read_sound(path, RATE).astype(np.float64)
    loud = np.sqrt(np.convolve(np.square(sound), np.ones(160) / 160, "same"))
    heard = np.flatnonzero(loud > _EDGE * loud.max()) if loud.max() > 0 else np.zeros(0, np.int64)
    if not len(heard):
        raise Refused("wakeword: the recording must not be silent.", received=str(path), fix=_LAYOUT)
    return name["word"], sound[heard[0] : heard[-1] + 1] / np.abs(sound).max()


def seconds(said: np.ndarray, n: int, *, seed: int) -> Split:
    """`n` seconds with their labels, 0 where the word is in the middle, else 1; the same ones for the same seed."""
    rng = np.random.default_rng([617, seed])
    labels = (np.arange(n) % 3 != 0).astype(np.int64)
    strange = iter(_spoken(n, rng))
    sounds = np.empty((n, LENGTH), np.int16)
    for i, label in enumerate(labels):
        kind, changed = rng.integers(6), _changed(said, rng)
        late = int(rng.integers(-_NEAR, _NEAR + 1))
        if label == 0:
            sound = placed(changed, late)
        elif kind == 0:
            sound = placed(changed, int(rng.choice([-1, 1]) * rng.integers(*_FAR)))
        elif kind == 1:
            sound = placed(changed[::-1], late)
        elif kind == 2:
            sound = placed(np.roll(changed, len(changed) // 2), late)
        elif kind == 3:
            sound = np.zeros(LENGTH)
        else:
            sound = next(strange)
        sounds[i] = _heard(sound, rng)
    return Split({"features": sounds}, labels)


def placed(sound: np.ndarray, late: int) -> np.ndarray:
    """A second with the middle of a sound so many samples after its own, cut off at its ends."""
    wide = np.zeros(3 * LENGTH + len(sound))
    start = len(wide) // 2 + late - len(sound) // 2
    wide[start : start + len(sound)] = sound
    return wide[len(wide) // 2 - LENGTH // 2 :][:LENGTH]


def resampled(sound: np.ndarray, length: int) -> np.ndarray:
    """A sound at as many samples as are asked for, by its Fourier series: nothing above either rate's half is made."""
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(length // 2 + 1, complex)
    few = min(len(kept), len(spectrum))
    kept[:few] = spectrum[:few]
    return np.asarray(np.fft.irfft(kept, length) * length / len(sound))


def _changed(said: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The utterance as another mouth or room might have it."""
    sound = resampled(said, round(len(said) / rng.uniform(*_SPEED)))
    spectrum = np.fft.rfft(sound)
    hertz = np.maximum(np.fft.rfftfreq(len(sound), 1 / RATE), 100.0)
    spectrum *= (hertz / 1000) ** rng.uniform(-0.5, 0.5)  # 3 decibels an octave at most
    if rng.integers(2):  # as a voice of the synthesiser has it, which could else be told by that alone
        spectrum[hertz > voice.RATE / 2] = 0
    sound = np.fft.irfft(spectrum, len(sound))
    return np.asarray(sound / np.abs(sound).max())


def _spoken(n: int, rng: np.random.Generator) -> np.ndarray:
    """Random strings of two to nine phonemes, (n, 16000)."""
    names = [name for name in voice.PHONEMES if name]
    strings = [("", *rng.choice(names, rng.integers(2, 10)), "") for _ in range(n)]
    sounds, _ = voice.uttered(strings, rng, LENGTH * voice.RATE // RATE // voice.HOP)
    return np.stack([resampled(sound / 32768, LENGTH) for sound in sounds])


def _heard(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A second at some level, before noise of some colour or tones: int16."""
    sound = sound * 10 ** (rng.uniform(-20, 0) / 20)
    behind = _tones(rng) if rng.integers(2) else _noise(rng)
    loud = 10 ** (rng.uniform(*(_FLOOR if sound.any() else _ALONE)) / 20)
    return np.rint(32767 * np.clip(sound + loud * behind, -1, 1)).astype(np.int16)


def _noise(rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20.0) ** rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum, LENGTH)
    return np.asarray(noise / noise.std())


def _tones(rng: np.random.Generator) -> np.ndarray:
    """A chord of up to four tones with their harmonics, which swells and dies: somewhat like music."""
    time = np.arange(LENGTH) / RATE
    chord = np.zeros(LENGTH)
    for pitch in np.exp(rng.uniform(np.log(80), np.log(900), rng.integers(1, 5))):
        for harmonic in range(1, 9):
            chord += np.sin(2 * np.pi * (pitch * harmonic * time + rng.uniform())) / harmonic ** rng.uniform(1, 2)
    swell = 1 + 0.9 * np.sin(2 * np.pi * (rng.uniform(0.3, 4) * time + rng.uniform()))
    return np.asarray(chord * swell / (chord * swell).std())
