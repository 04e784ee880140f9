"""Small colour pictures of ten shapes, drawn: a set that is always at hand where no photographs are.

Each picture, 32x32, shows one light shape of any colour, place, size and stretch, turned by up to 30 degrees, striped,
on a darker, uneven ground with clutter behind it, lit from one side, with noise. Neither colour nor any single pixel
says which shape it is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, scenes
from train.data.scenes import Outline, Pose

SIDE = 32
_TOGETHER = 100
SIZES = {"train": 4000, "validation": 500, "test": 1000}


def load(directory: Path | None = None) -> Dataset:
    """4,000 / 500 / 1,000 pictures, (32, 32, 3) uint8, ten classes in equal parts; each split has a seed of its own.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded pictures are drawn by a generator", "cifar10")
    what = "ten shapes on cluttered grounds"
    return scenes.dataset(draw, SIZES, tuple(SHAPES), what, SIDE, "train/data/objects.py")


@lru_cache(maxsize=4)
def draw(n: int, *, seed: int, side: int = SIDE) -> Split:
    """`n` pictures (n, side, side, 3) uint8 with their labels, the same ones for the same seed."""
    rng = np.random.default_rng([1959, seed])
    labels = rng.permutation(np.arange(n) % len(SHAPES)).astype(np.int64)
    # A few at a time: what a processor's cache holds is drawn several times as fast.
    parts = [_pictures(labels[i : i + _TOGETHER], rng, side) for i in range(0, n, _TOGETHER)]
    return Split({"image": np.concatenate(parts)}, labels)


def _pictures(labels: np.ndarray, rng: np.random.Generator, side: int) -> np.ndarray:
    n = len(labels)
    base = scenes.colours(rng, n, 0.05, 0.5)
    pictures = scenes.grounds(rng, n, side, base, clutter=3)
    surface = scenes.stripes(rng, side, scenes.colours(rng, n, 0.45, 1.0), 0.3)
    pose = Pose.drawn(rng, n, reach=0.25, sizes=(0.5, 0.75), turn=np.pi / 3)
    stretch = np.exp(rng.uniform(-0.15, 0.15, n)).astype(np.float32)
    cover = np.empty(pictures.shape[:3], np.float32)
    for label, outline in enumerate(SHAPES.values()):
        mine = labels == label
        one = Pose(pose.column[mine], pose.row[mine], pose.size[mine], pose.angle[mine])
        cover[mine] = one.coverage(_stretched(outline, stretch[mine]), side)
    pictures = scenes.laid(pictures, cover, surface)
    return scenes.lit(rng, pictures, noise=0.03)


def _stretched(outline: Outline, by: np.ndarray) -> Outline:
    wide = by[:, None, None]
    return lambda u, v: outline(u / wide, v * wide)


def _ring(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.abs(np.hypot(u, v) - 0.75) - 0.25


def _triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return scenes.polygon(u, v, 3, 0.55)


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.hypot(u, v) - (0.75 + 0.35 * np.cos(5 * np.arctan2(v, u)))


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.minimum(scenes.box(u, v, 1.0, 0.28), scenes.box(u, v, 0.28, 1.0))


def _crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(scenes.disc(u, v), 0.85 - np.hypot(u - 0.55, v))


def _bowtie(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(0.8 * (np.abs(v) - 0.9 * np.abs(u) - 0.08), np.abs(u) - 0.95)


def _corner(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.minimum(scenes.box(u + 0.6, v, 0.28, 0.9), scenes.box(u, v + 0.6, 0.9, 0.28))


SHAPES: dict[str, Outline] = {
    "disc": scenes.disc,
    "ring": _ring,
    "square": scenes.square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "crescent": _crescent,
    "bar": scenes.bar,
    "bowtie": _bowtie,
    "corner": _corner,
}
