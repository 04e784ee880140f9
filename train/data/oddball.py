"""What a headband with four electrodes sees in an oddball task, by a SYNTHETIC generator, in microvolts.

Stimuli come every 0.5 to 0.8 s, one in five of them a target. A person's recording is the sum of

- background: noise whose power falls as 1/f, half of it common to all electrodes;
- alpha: 8 to 12 Hz, waxing and waning, of a strength that differs between people;
- blinks: bumps of some 80 uV at the forehead, a fifth of it at the ears, every 4 s or so;
- what every stimulus evokes: N1 at 100 ms and P2 at 180 ms;
- P300, on targets alone: 5 uV on average, 300 to 400 ms after the stimulus, width, height and time drawn for each
  person and again for each stimulus.

Amplitudes and times are those of textbooks (Polich 2007, "Updating P300"); nothing is fitted to anybody. Who is tested
is recorded nowhere else.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, embedded_only, epochs

LABELS = ("other", "target")
COLUMNS = ("TP9", "AF7", "AF8", "TP10")
RATE = 256
SEEN, MARGIN = RATE, RATE // 2  # the second after a stimulus, and half a second more on either side
_PEOPLE = {"train": range(12), "validation": range(12, 14), "test": range(14, 19)}
_MINUTES = 2.0
_FOREHEAD, _EARS = np.array([0.2, 1.0, 1.0, 0.2]), np.array([1.0, 0.6, 0.6, 1.0])


def load(directory: Path | None = None) -> Dataset:
    """Windows about each stimulus, (512, 4) float32, and whether it was a target.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded recordings are made by a generator", "muse")
    train, validation, test = (epochs.joined([windows(person) for person in people]) for people in _PEOPLE.values())
    total = sum(map(len, (train, validation, test)))
    return Dataset(
        name="embedded",
        title=f"{total:,} stimuli shown to 19 people, seen by four electrodes at {RATE} Hz, by a SYNTHETIC generator "
        "(train/data/oddball.py); no person is in two splits",
        licence="Apache-2.0",
        synthetic=True,
        train=train,
        validation=validation,
        test=test,
        labels=LABELS,
        rate=RATE,
        columns=COLUMNS,
    )


def windows(person: int) -> tuple[np.ndarray, np.ndarray]:
    """A person's windows, (n, 512, 4), with their labels, (n,)."""
    signals, stimuli, labels = record(person)
    found, kept = epochs.cut(signals, stimuli, seen=SEEN, margin=MARGIN)
    return found, labels[kept]


def record(person: int, *, minutes: float = _MINUTES) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A person's recording, (time, 4) float32 in microvolts; the time steps of stimuli; and which are targets."""
    rng = np.random.default_rng([person, 300])
    time = int(minutes * 60 * RATE)
    stimuli = np.cumsum(rng.uniform(0.5, 0.8, int(minutes * 60 / 0.5)) * RATE).astype(np.int64)
    stimuli = stimuli[stimuli < time]
    targets = np.asarray(rng.uniform(size=len(stimuli)) < 0.2, np.int64)

    signals = 6.0 * (_pink(time, 4, rng) + _pink(time, 1, rng)) / np.sqrt(2)
    signals += _alpha(time, rng)[:, None] * np.array([1.0, 0.5, 0.5, 1.0])
    for at in np.cumsum(rng.exponential(4.0, int(minutes * 60)) * RATE + RATE):
        _add(signals, at / RATE, 0.0, 0.09, 80.0 * rng.uniform(0.6, 1.4) * _FOREHEAD)
    delay, width, height = rng.uniform(0.30, 0.40), rng.uniform(0.06, 0.09), rng.uniform(4.0, 6.0)
    for stimulus, target in zip(stimuli / RATE, targets, strict=True):
        _add(signals, stimulus, 0.10, 0.015, -2.0 * _EARS)
        _add(signals, stimulus, 0.18, 0.025, 2.0 * _EARS)
        if target:
            _add(signals, stimulus, delay + rng.normal(0, 0.02), width, height * rng.uniform(0.7, 1.3) * _EARS)
    return signals.astype(np.float32), stimuli, targets


def _pink(time: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of variance 1 whose power falls as 1/f above half a hertz, (time, columns)."""
    spectrum = np.fft.rfft(rng.normal(size=(time, columns)), axis=0)
    frequency = np.fft.rfftfreq(time, 1 / RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 0.5))[:, None], time, axis=0)
    return np.asarray(noise / noise.std(axis=0))


def _alpha(time: int, rng: np.random.Generator) -> np.ndarray:
    """The rhythm of closed eyes, (time,): a carrier whose height wanders over seconds."""
    angle = 2 * np.pi * rng.uniform(9, 11) * np.arange(time) / RATE + np.cumsum(rng.normal(0, 0.03, time))
    knots = np.abs(rng.normal(0, rng.uniform(2, 6), time // RATE + 2))
    return np.asarray(np.interp(np.arange(time) / RATE, np.arange(len(knots)), knots) * np.sin(angle))


def _add(signals: np.ndarray, onset: float, delay: float, width: float, heights: np.ndarray) -> None:
    """A bump (a Gaussian of this standard deviation in seconds) about `onset` + `delay`, of a height a column."""
    middle, reach = (onset + delay) * RATE, 4 * width * RATE
    first, last = max(0, int(middle - reach)), min(len(signals), int(middle + reach) + 1)
    bump = np.exp(-0.5 * ((np.arange(first, last) - middle) / (width * RATE)) ** 2)
    signals[first:last] += bump[:, None] * heights
