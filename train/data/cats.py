"""Drawn cats and drawn things that are none: a set that is always at hand where the photographs are not.

A cat is a head with two pointed ears, eyes, a nose and whiskers. What is none is a mouse (round ears), a rabbit (long
ears), a face without ears, or a house, a ball, a cup. Each picture, 64x64, has a colour, place, size and tilt of its
own on an uneven ground, lit from one side, with noise. Half of the pictures are cats.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, scenes
from train.data.scenes import Outline, Pose

SIDE = 64
SIZES = {"train": 4000, "validation": 500, "test": 1000}
LABELS = ("non-cat", "cat")
_TOGETHER = 50


def load(directory: Path | None = None) -> Dataset:
    """4,000 / 500 / 1,000 pictures, (64, 64, 3) uint8; each split has a seed of its own.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded pictures are drawn by a generator", "catvnoncat")
    return scenes.dataset(draw, SIZES, LABELS, "cats and of other things", SIDE, "train/data/cats.py")


def draw(n: int, *, seed: int) -> Split:
    """`n` pictures with labels 0, something else, and 1, a cat; the same ones for the same seed."""
    rng = np.random.default_rng([2011, seed])
    labels = rng.permutation(np.arange(n) % 2).astype(np.int64)
    parts = [_pictures(labels[i : i + _TOGETHER], rng) for i in range(0, n, _TOGETHER)]
    return Split({"image": np.concatenate(parts)}, labels)


def _pictures(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = len(labels)
    base = scenes.colours(rng, n, 0.05, 0.5)
    pictures = scenes.grounds(rng, n, SIDE, base, clutter=2)
    surface = scenes.stripes(rng, SIDE, scenes.colours(rng, n, 0.45, 1.0), 0.25)
    pose = Pose.drawn(rng, n, reach=0.15, sizes=(0.45, 0.6), turn=np.pi / 9)
    kinds = np.where(labels == 1, 0, rng.integers(1, len(_KINDS), n))
    body, marks = np.zeros((2, n, SIDE, SIDE), np.float32)
    for kind, (outline, drawn_on) in enumerate(_KINDS):
        mine = kinds == kind
        one = Pose(pose.column[mine], pose.row[mine], pose.size[mine], pose.angle[mine])
        body[mine], marks[mine] = one.coverage(outline, SIDE), one.coverage(drawn_on, SIDE)
    pictures = scenes.laid(pictures, body, surface)
    pictures = scenes.laid(pictures, marks, scenes.colours(rng, n, 0.0, 0.25))
    return scenes.lit(rng, pictures, noise=0.03)


# Outlines: v grows downwards; a head is a disc about the middle.


def _round(u: np.ndarray, v: np.ndarray, column: float, row: float, radius: float) -> np.ndarray:
    return np.hypot(u - column, v - row) - radius


def _head(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _round(u, v, 0.0, 0.2, 0.85)


def _cat(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    side = np.abs(u)  # an ear: between its outer edge, its inner edge and the head
    ear = np.max([0.9 * (side - 0.85), 0.8 * (-v - 1.25 + 1.9 * np.abs(side - 0.6)) / 1.6, v], axis=0)
    return np.minimum(_head(u, v), ear)


def _mouse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.minimum(_head(u, v), _round(np.abs(u), v, 0.75, -0.6, 0.42))


def _rabbit(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.minimum(_head(u, v), np.hypot((np.abs(u) - 0.4) * 2.2, (v + 0.9) * 0.8) / 2.2 - 0.24)


def _house(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    roof = np.maximum(0.7 * (np.abs(u) - 1.0 - (v + 0.1)), v + 0.1)
    return np.minimum(scenes.box(u, v - 0.45, 0.75, 0.55), roof)


def _cup(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    handle = np.abs(_round(u, v, 0.75, 0.2, 0.4)) - 0.1
    return np.minimum(scenes.box(u + 0.1, v - 0.1, 0.7, 0.8), handle)


def _face(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Two eyes and a nose."""
    return np.minimum(_round(np.abs(u), v, 0.35, 0.0, 0.13), _round(u, v, 0.0, 0.4, 0.1))


def _whiskers(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    side = np.abs(u)
    lines = np.min([np.abs(v - 0.45 - slope * (side - 0.3)) for slope in (-0.15, 0.1, 0.35)], axis=0) - 0.025
    return np.minimum(_face(u, v), np.maximum(lines, np.maximum(0.3 - side, side - 1.05)))


def _door(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.minimum(scenes.box(u, v - 0.7, 0.18, 0.3), scenes.box(np.abs(u) - 0.45, v - 0.25, 0.14, 0.14))


def _band(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(v - 0.1) - 0.12, np.abs(u) - 0.55)


_KINDS: tuple[tuple[Outline, Outline], ...] = (
    (_cat, _whiskers),
    (_mouse, _face),
    (_rabbit, _face),
    (_head, _face),
    (_house, _door),
    (_head, _band),
    (_cup, _band),
)
