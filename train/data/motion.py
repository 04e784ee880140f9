"""What a wrist does, time step by time step: accelerations by a SYNTHETIC generator, and the activity at each.

Three axes, 20 samples a second, in units of gravity. A sample is a few activities one after another, of one person: a
pace, a strength and the way the watch is turned are drawn for it. Walking and stairs differ in rhythm alone a little,
in how the two steps of a stride differ more; what goes on shows only over time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, generated

LABELS = ("still", "walk", "run", "stairs", "wave")
COLUMNS = ("x", "y", "z")
SIZES = {"train": 1200, "validation": 300, "test": 500}
RATE, LENGTH = 20, 128
# strides a second, strength of the step and of its second harmonic, unevenness of the two steps, noise
_GAITS = {
    "walk": (1.8, 0.25, 0.10, 0.1, 0.04),
    "run": (2.7, 0.9, 0.35, 0.1, 0.10),
    "stairs": (1.6, 0.22, 0.05, 0.5, 0.05),
}


def load(directory: Path | None = None) -> Dataset:
    """The embedded motions.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded motions are made by a generator")
    said = f"stretches of acceleration of a wrist, {LENGTH} steps of 1/{RATE} s, by a SYNTHETIC generator "
    return generated(move, SIZES, LABELS, said + "(train/data/motion.py)", columns=COLUMNS)


def move(n: int, *, seed: int) -> Split:
    """n stretches, (n, 128, 3) float32, with the activity at each step, (n, 128)."""
    rng = np.random.default_rng([seed, 30])
    made = [_stretch(rng) for _ in range(n)]
    return Split({"series": np.stack([series for series, _ in made])}, np.stack([labels for _, labels in made]))


def _stretch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = np.empty(LENGTH, np.int64)
    at = 0
    before = -1
    while at < LENGTH:
        now = int(rng.choice([i for i in range(len(LABELS)) if i != before]))
        steps = int(rng.integers(24, 72))
        labels[at : at + steps] = now
        at, before = at + steps, now
    pace, strength = rng.uniform(0.85, 1.15), rng.uniform(0.7, 1.3)
    time = np.arange(LENGTH) / RATE
    bodies = np.stack([_body(name, time, pace, strength, rng) for name in LABELS])  # (activity, time, 3)
    series = bodies[labels, np.arange(LENGTH)] @ _turn(rng).T
    return np.asarray(series, np.float32), labels


def _body(name: str, time: np.ndarray, pace: float, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Acceleration along (forward, sideways, up), gravity included."""
    out = rng.normal(0, 0.02, (len(time), 3))
    out[:, 2] += 1.0
    phase = rng.uniform(0, 2 * np.pi)
    if name == "wave":
        swing = np.sin(2 * np.pi * 2.2 * pace * time + phase)
        out[:, 1] += 0.8 * strength * swing
        out[:, 0] += 0.3 * strength * np.abs(swing)
    if name in _GAITS:
        rate, step, second, uneven, noise = _GAITS[name]
        angle = 2 * np.pi * rate * pace * time + phase
        out[:, 2] += strength * (step * np.sin(angle) * (1 + uneven * np.sin(angle / 2)) + second * np.sin(2 * angle))
        out[:, 0] += strength * (0.5 * step * np.cos(angle) + uneven * step * np.sin(angle / 2))
        out[:, 1] += strength * 0.4 * step * np.sin(angle / 2)
        out += rng.normal(0, noise, out.shape)
    return np.asarray(out)


def _turn(rng: np.random.Generator) -> np.ndarray:
    """A rotation by up to 30 degrees about each axis."""
    turn = np.eye(3)
    for axis in range(3):
        angle = rng.uniform(-np.pi / 6, np.pi / 6)
        one = np.eye(3)
        i, j = [k for k in range(3) if k != axis]
        one[i, i] = one[j, j] = np.cos(angle)
        one[i, j], one[j, i] = -np.sin(angle), np.sin(angle)
        turn = turn @ one
    return turn
