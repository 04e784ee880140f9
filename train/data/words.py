"""Ten spoken words by a formant synthesiser: a set that is always at hand where no recordings are.

A word is a row of phonemes; each has a length, three formants (vowels: the means of Peterson and Barney 1952, table II,
men), how much of it is voice, and how much is noise about what frequency. Voice is a train of pulses, smoothed as the
glottis does, through three resonators in a row (after Klatt 1980, "Software for a cascade/parallel formant
synthesizer"); noise goes through one resonator beside them. Speakers differ in the length of their vocal tract, pitch
and its fall, pace, breath and vowels; recordings in level, place in the second, and the noise behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, generated

RATE, LENGTH = 8000, 8000
SIZES = {"train": 2000, "validation": 400, "test": 600}

HOP = 40  # samples for which resonators keep still: 5 ms
_FRAMES = LENGTH // HOP
_PART, _BEFORE = 100, 10  # frames of a part of a long sound, and of what is heard before it and not kept

# milliseconds, formants 1 to 3 in Hz, voice, noise, centre and width of the noise in Hz
PHONEMES: dict[str, tuple[float, ...]] = {
    "": (40, 500, 1500, 2500, 0, 0, 2000, 1000),
    "aa": (180, 730, 1090, 2440, 1, 0, 2000, 1000),
    "ah": (150, 640, 1190, 2390, 1, 0, 2000, 1000),
    "ao": (180, 570, 840, 2410, 1, 0, 2000, 1000),
    "eh": (150, 530, 1840, 2480, 1, 0, 2000, 1000),
    "ih": (110, 390, 1990, 2550, 0.9, 0, 2000, 1000),
    "uh": (110, 440, 1020, 2240, 0.9, 0, 2000, 1000),
    "y": (70, 270, 2290, 3010, 0.7, 0, 2000, 1000),
    "r": (80, 490, 1350, 1690, 0.7, 0, 2000, 1000),
    "l": (80, 360, 1000, 2600, 0.6, 0, 2000, 1000),
    "n": (90, 280, 1300, 2500, 0.4, 0, 2000, 1000),
    "s": (130, 500, 1500, 2500, 0, 0.5, 3700, 700),
    "f": (110, 500, 1200, 2500, 0, 0.2, 2600, 3000),
    "closed": (60, 400, 1400, 2500, 0, 0, 2000, 1000),
    "murmur": (40, 250, 1400, 2500, 0.2, 0, 2000, 1000),
    "p burst": (20, 400, 900, 2200, 0, 0.5, 900, 700),
    "t burst": (25, 400, 1800, 2700, 0, 0.8, 3500, 900),
    "d burst": (15, 400, 1700, 2600, 0.4, 0.5, 3200, 1000),
    "g burst": (25, 300, 1800, 2200, 0.3, 0.6, 1700, 500),
}
_P, _T, _D, _G = ("closed", "p burst"), ("closed", "t burst"), ("murmur", "d burst"), ("murmur", "g burst")
WORDS: dict[str, tuple[str, ...]] = {
    "down": (*_D, "aa", "uh", "n"),
    "go": (*_G, "ao", "uh"),
    "left": ("l", "eh", "f", *_T),
    "no": ("n", "ao", "uh"),
    "off": ("ao", "f"),
    "on": ("aa", "n"),
    "right": ("r", "aa", "ih", *_T),
    "stop": ("s", *_T, "aa", *_P),
    "up": ("ah", *_P),
    "yes": ("y", "eh", "s"),
}
_FLOOR = np.float32(1e-20)  # in silence numbers would become so small that a processor takes a hundred times as long
_VOICE, _NOISE = 3, 4  # columns of the tracks below, after the formants
_BANDWIDTHS = (70.0, 100.0, 140.0)  # of the formants, Hz


def load(directory: Path | None = None) -> Dataset:
    """2,000 / 400 / 600 sounds, (8000,) int16 at 8 kHz, ten words in equal parts; each split has a seed of its own.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded words are spoken by a synthesiser", "fsdd")
    said = "words of ten, a second each, 8 kHz, by a SYNTHETIC voice (train/data/words.py)"
    return generated(speak, SIZES, tuple(WORDS), said, rate=RATE)


@lru_cache(maxsize=4)
def speak(n: int, *, seed: int) -> Split:
    """`n` sounds with their labels, the same ones for the same seed."""
    rng = np.random.default_rng([1980, seed])
    labels = rng.permutation(np.arange(n) % len(WORDS)).astype(np.int64)
    words = list(WORDS.values())
    sounds, _ = uttered([("", *words[label], "") for label in labels], rng, _FRAMES)
    return Split({"features": sounds}, labels)


def uttered(strings: Sequence[tuple[str, ...]], rng: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Strings of phonemes as sounds, each by a speaker of its own.

    Args:
        strings: names of phonemes, "" where nothing is said.
        frames: of 5 ms, of every sound; what is said lies anywhere in it, and is hurried where it would not fit.

    Returns:
        Sounds (n, samples) int16, and the index in PHONEMES of what the voice is told in each 5 ms, (n, frames).
    """
    n, names = len(strings), list(PHONEMES)
    found = [_track(string, rng, frames) for string in strings]
    tracks = np.stack([track for track, _ in found])
    phonemes = np.stack(
        [np.array([names.index(name) for name in string])[at] for string, (_, at) in zip(strings, found, strict=True)]
    )
    tract = rng.uniform(0.85, 1.2, (n, 1, 1))
    tracks[..., :3] *= tract * rng.uniform(0.95, 1.05, (n, 1, 3))
    tracks[..., :3] = np.minimum(tracks[..., :3], 0.46 * RATE)
    pulses = _pulses(n, rng, frames * HOP)
    sounds = _sounded(tracks, pulses, rng) if frames <= _FRAMES else _in_parts(tracks, pulses, rng)
    sounds /= np.abs(sounds).max(axis=1, keepdims=True)
    sounds = sounds * rng.uniform(0.1, 0.9, (n, 1)) + _behind(n, rng, frames * HOP)
    return np.rint(np.clip(sounds, -1, 1) * 32767).astype(np.int16), phonemes


def _track(string: tuple[str, ...], rng: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """What the synthesiser is told, 5 ms by 5 ms: (frames, 7) formants, voice, noise, its centre and width; and the
    place in the string, (frames,)."""
    rows = np.array([PHONEMES[name] for name in string])
    lengths = rows[:, 0] * rng.uniform(0.8, 1.25) * rng.uniform(0.8, 1.2, len(rows)) * (RATE / 1000 / HOP)
    ends = np.cumsum(lengths)
    ends *= min(1.0, frames / ends[-1])
    ends += rng.uniform(0.1, 0.9) * (frames - ends[-1])
    at = np.minimum(np.searchsorted(ends, np.arange(frames), "right"), len(rows) - 1)
    told = rows[at, 1:]
    # The mouth takes 40 ms from one place to the next; voice and noise set in within 10.
    return np.concatenate([_smooth(told[:, :3], 8), _smooth(told[:, 3:5], 2), told[:, 5:]], axis=1), at


def _smooth(values: np.ndarray, frames: int) -> np.ndarray:
    """The mean of so many frames about each."""
    wide = np.pad(values, ((frames // 2, frames - 1 - frames // 2), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(wide, frames, axis=0).mean(axis=-1)


def _pulses(n: int, rng: np.random.Generator, length: int) -> np.ndarray:
    """Trains of pulses, (n, length): pitches from 90 to 250 Hz that fall by up to a third, and waver by a hundredth."""
    along = np.linspace(0, 1, length)
    pitch = np.exp(rng.uniform(np.log(90), np.log(250), (n, 1))) * (1 - rng.uniform(0, 0.33, (n, 1)) * along)
    waver = 1 + 0.01 * np.sin(2 * np.pi * (rng.uniform(4, 7, (n, 1)) * along + rng.uniform(0, 1, (n, 1))))
    phase = np.cumsum(pitch * waver / RATE, axis=1)
    return np.diff(np.floor(phase), axis=1, prepend=0.0).astype(np.float32)


def _in_parts(tracks: np.ndarray, pulses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Long sounds, (n, length), a few at a time, all parts of one side by side: what a resonator heard more than 50 ms
    ago is less than 1e-4 of its output."""
    n, frames = tracks.shape[:2]
    sounds = np.empty((n, frames * HOP), np.float32)
    starts = np.maximum(np.arange(0, frames, _PART) - _BEFORE, 0)
    places = np.minimum(starts[:, None] + np.arange(_PART + _BEFORE), frames - 1)  # (parts, frames of a part)
    for few in range(0, n, 128):
        some = slice(few, few + 128)
        sliced = tracks[some][:, places].reshape(-1, places.shape[1], tracks.shape[2])
        rattle = pulses[some].reshape(-1, frames, HOP)[:, places].reshape(len(sliced), -1)
        parts = _sounded(sliced, rattle, rng).reshape(-1, len(starts), places.shape[1], HOP)
        for part, start in enumerate(range(0, frames, _PART)):
            skip = start - starts[part]
            wide = min(_PART, frames - start)
            sounds[some, start * HOP : (start + wide) * HOP] = parts[:, part, skip : skip + wide].reshape(
                -1, wide * HOP
            )
    return sounds


def _sounded(tracks: np.ndarray, pulses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The sounds, (n, frames * 40), all of them sample by sample: a resonator's output hangs on its last two."""
    n, length = len(tracks), tracks.shape[1] * HOP
    hiss = rng.standard_normal((length, n), np.float32)
    source = pulses.T + rng.uniform(0.005, 0.03, n).astype(np.float32) * hiss  # with breath
    controls = np.ascontiguousarray(tracks.transpose(1, 2, 0), np.float32)  # (frames, 7, n)
    widths = np.empty((4, n), np.float32)
    widths[:3] = np.array(_BANDWIDTHS)[:, None]
    out = np.empty((length, n), np.float32)
    last, before = np.zeros((2, 4, n), np.float32)  # outputs of three formants and of the noise's resonator
    glottis: np.ndarray = np.zeros(n, np.float32)
    tilt = np.float32(np.exp(-2 * np.pi * 100 / RATE))
    for frame, told in enumerate(controls):
        widths[3] = told[6]
        a, b, c = _resonators(told[[0, 1, 2, 5]], widths)
        for t in range(frame * HOP, (frame + 1) * HOP):
            glottis = tilt * glottis + source[t]
            last, before = np.asarray(b * last + c * before, np.float32), last
            last[0] += a[0] * told[_VOICE] * glottis + _FLOOR
            last[1] += a[1] * last[0]
            last[2] += a[2] * last[1]
            last[3] += a[3] * np.float32(0.3) * hiss[t]
            out[t] = last[2] + told[_NOISE] * last[3]
    return out.T


def _resonators(centres: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of y = a x + b y' + c y'' with these centres and widths in Hz and a gain of 1 at 0 Hz (Klatt 1980,
    equation 2)."""
    c = -np.exp(-2 * np.pi * widths / RATE)
    b = 2 * np.exp(-np.pi * widths / RATE) * np.cos(2 * np.pi * centres / RATE)
    return 1 - b - c, b, c


def _behind(n: int, rng: np.random.Generator, length: int) -> np.ndarray:
    """Noise of any colour between white and brown, from 20 to 50 dB below full scale: (n, length)."""
    spectrum = np.fft.rfft(rng.standard_normal((n, length)), axis=1)
    steep = rng.uniform(0, 1, (n, 1))
    spectrum /= np.maximum(np.arange(spectrum.shape[1]), 20.0) ** steep
    noise = np.fft.irfft(spectrum, length, axis=1)
    loud = 10 ** rng.uniform(-50 / 20, -20 / 20, (n, 1))
    return np.asarray(noise / noise.std(axis=1, keepdims=True) * loud)
