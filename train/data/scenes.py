"""What the generators of pictures share: shapes laid over cluttered grounds, textured, lit and noisy; all in numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from train.data import Dataset, Generator, generated

# Signed distance to an outline of about unit size, negative inside, from coordinates (n, side, side) each.
Outline = Callable[[np.ndarray, np.ndarray], np.ndarray]

_FULL_TURN = 2 * np.pi


@dataclass(frozen=True)
class Pose:
    """Where things lie, one value a picture (n,): centre and size in units of half a side, angle in radians."""

    column: np.ndarray
    row: np.ndarray
    size: np.ndarray
    angle: np.ndarray

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, n: int, *, reach: float, sizes: tuple[float, float], turn: float = _FULL_TURN
    ) -> Pose:
        """Uniform: centres within ±reach, sizes in a range, angles within ±turn / 2."""
        column, row = (rng.uniform(-reach, reach, n).astype(np.float32) for _ in range(2))
        size, angle = rng.uniform(*sizes, n), rng.uniform(-turn / 2, turn / 2, n)
        return cls(column, row, size.astype(np.float32), angle.astype(np.float32))

    def coordinates(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        """The pixels' places as things see them: two arrays (n, side, side), in units of their size."""
        axis = ((np.arange(side, dtype=np.float32) + 0.5) / side) * 2 - 1
        x = axis[None, None, :] - self.column[:, None, None]
        y = axis[None, :, None] - self.row[:, None, None]
        cosine, sine = np.cos(self.angle)[:, None, None], np.sin(self.angle)[:, None, None]
        size = self.size[:, None, None]
        return (cosine * x + sine * y) / size, (cosine * y - sine * x) / size

    def coverage(self, outline: Outline, side: int) -> np.ndarray:
        """Share of each pixel that lies inside, (n, side, side) in [0, 1]: edges are a pixel wide."""
        distance = outline(*self.coordinates(side)) * self.size[:, None, None] * (side / 2)
        return np.asarray(np.clip(0.5 - distance, 0.0, 1.0), np.float32)


def dataset(
    draw: Generator, sizes: Mapping[str, int], labels: tuple[str, ...], what: str, side: int, source: str
) -> Dataset:
    """An embedded set of drawn pictures: train, validation and test of these sizes, each with a seed of its own.

    Args:
        what: the pictures are of, and `source`: the file of the generator; for the title.
    """
    said = f"drawn colour pictures of {what}, {side}x{side} pixels, made by a SYNTHETIC generator ({source})"
    return generated(draw, sizes, labels, said)


def laid(pictures: np.ndarray, coverage: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """`colour`, (n, 3) or a surface, over `pictures` (n, side, side, 3) where `coverage` (n, side, side) says."""
    over = colour[:, None, None, :] if colour.ndim == 2 else colour
    return np.asarray(pictures + coverage[..., None] * (over - pictures), np.float32)


def colours(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    """Red, green and blue in a range: (n, 3) in [0, 1]."""
    return rng.uniform(low, high, (n, 3)).astype(np.float32)


def stripes(rng: np.random.Generator, side: int, one: np.ndarray, strength: float) -> np.ndarray:
    """A colour (n, 3) as a surface (n, side, side, 3), waved in lightness at any angle and pitch."""
    n = len(one)
    pose = Pose.drawn(rng, n, reach=1.0, sizes=(0.04, 0.2))
    wave = np.sin(pose.coordinates(side)[0])[..., None]
    depth = rng.uniform(0, strength, n).astype(np.float32)[:, None, None, None]
    return np.asarray(np.clip(one[:, None, None, :] * (1 + depth * wave), 0, 1), np.float32)


def grounds(rng: np.random.Generator, n: int, side: int, base: np.ndarray, clutter: int) -> np.ndarray:
    """Uneven backgrounds (n, side, side, 3) about a base colour (n, 3), cluttered with small things no lighter."""
    coarse = rng.normal(0, 0.08, (n, 5, 5, 3)).astype(np.float32)
    weights = _hats(5, side)
    uneven = np.einsum("si,nijc,tj->nstc", weights, coarse, weights, optimize=True)
    pictures = np.clip(stripes(rng, side, base, 0.3) + uneven, 0, 1)
    for index in range(clutter):
        pose = Pose.drawn(rng, n, reach=1.0, sizes=(0.08, 0.3))
        outline = (disc, bar, square)[index % 3]
        pictures = laid(pictures, pose.coverage(outline, side), colours(rng, n, 0.0, 0.6))
    return pictures


def lit(rng: np.random.Generator, pictures: np.ndarray, noise: float) -> np.ndarray:
    """As a camera gives them: light from one side, gain, noise; (n, side, side, 3) uint8."""
    n, side = pictures.shape[:2]
    slope = Pose.drawn(rng, n, reach=0.0, sizes=(1.0, 1.0)).coordinates(side)[0][..., None]
    gain, tilt = (rng.uniform(*ends, (n, 1, 1, 1)).astype(np.float32) for ends in ((0.6, 1.1), (0.0, 0.3)))
    seen = pictures * (gain + tilt * slope)
    seen += np.float32(noise) * rng.standard_normal(pictures.shape, np.float32)
    return np.asarray(np.rint(np.clip(seen, 0, 1) * 255), np.uint8)


def _hats(knots: int, side: int) -> np.ndarray:
    """Bilinear interpolation as a matrix (side, knots)."""
    places = np.linspace(0, knots - 1, side, dtype=np.float32)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(knots, dtype=np.float32)))


def disc(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of radius 1."""
    return np.hypot(u, v) - 1


def box(u: np.ndarray, v: np.ndarray, width: float, height: float) -> np.ndarray:
    """Outline of a rectangle with these half sides."""
    return np.maximum(np.abs(u) - width, np.abs(v) - height)


def square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of half side 0.85."""
    return box(u, v, 0.85, 0.85)


def bar(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of 2.4 by 0.6."""
    return box(u, v, 1.2, 0.3)


def polygon(u: np.ndarray, v: np.ndarray, corners: int, inner: float) -> np.ndarray:
    """Outline of a regular polygon, its first corner up, with this radius of the circle within."""
    turns = np.pi / 2 + np.pi / corners + np.arange(corners) * _FULL_TURN / corners
    return np.max([u * np.float32(np.cos(a)) - v * np.float32(np.sin(a)) for a in turns], axis=0) - inner
