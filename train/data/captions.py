"""Pictures of one to three things, drawn, and the one sentence that describes each: "a red circle left of a small blue
square".

Things are of two sizes, six colours and five shapes; they stand in a row, in a column, or one above or below two. They
are named from above, and beside each other from the left, so that the grammar has one sentence for a scene. The
sentence decides the split: none that is tested was trained on, though all its words were.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, generated, objects, scenes
from train.data.scenes import Outline, Pose

SIDE = 48
SIZES = {"train": 8000, "validation": 500, "test": 1000}
LONGEST = 16  # words

COLOURS = {
    "red": (0.9, 0.1, 0.1),
    "green": (0.1, 0.75, 0.15),
    "blue": (0.15, 0.3, 0.95),
    "yellow": (0.95, 0.85, 0.1),
    "purple": (0.65, 0.15, 0.75),
    "white": (0.95, 0.95, 0.95),
}
SHAPES: dict[str, Outline] = {
    "circle": scenes.disc,
    "square": scenes.square,
    "triangle": objects.SHAPES["triangle"],
    "ring": objects.SHAPES["ring"],
    "cross": objects.SHAPES["cross"],
}
# What stands between the things' names, and where their centres are: columns and rows in units of half a side.
ARRANGEMENTS: tuple[tuple[tuple[str, ...], tuple[tuple[float, float], ...]], ...] = (
    ((), ((0.0, 0.0),)),
    (("left of",), ((-0.45, 0.0), (0.45, 0.0))),
    (("above",), ((0.0, -0.45), (0.0, 0.45))),
    (("left of", "left of"), ((-0.62, 0.0), (0.0, 0.0), (0.62, 0.0))),
    (("above", "above"), ((0.0, -0.62), (0.0, 0.0), (0.0, 0.62))),
    (("above", "and"), ((0.0, -0.45), (-0.45, 0.45), (0.45, 0.45))),
    (("and", "above"), ((-0.45, -0.45), (0.45, -0.45), (0.0, 0.45))),
)
_MOST = 3
_SMALL, _LARGE = (0.13, 0.16), (0.23, 0.27)
_PARTS = (range(2, 10), (0,), (1,))  # tenths of all sentences: those of training, of validation, of the test
_TOGETHER = 100


@dataclass(frozen=True)
class Thing:
    """What there is to say of a thing."""

    small: bool
    colour: str
    shape: str

    def __str__(self) -> str:
        return f"a {'small ' if self.small else ''}{self.colour} {self.shape}"


@dataclass(frozen=True)
class Scene:
    """Things in one of the `ARRANGEMENTS`, as many as it has places."""

    arrangement: int
    things: tuple[Thing, ...]

    def __str__(self) -> str:
        words, _ = ARRANGEMENTS[self.arrangement]
        return " ".join([str(self.things[0]), *(f"{w} {t}" for w, t in zip(words, self.things[1:], strict=True))])

    def part(self) -> int:
        """0, 1 or 2: the split that its sentence belongs to."""
        tenth = zlib.crc32(str(self).encode()) % 10
        return next(i for i, tenths in enumerate(_PARTS) if tenth in tenths)


def load(directory: Path | None = None) -> Dataset:
    """8,000 / 500 / 1,000 pictures "image", (48, 48, 3) uint8, with their sentences "written".

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded pictures are drawn by a generator")
    what = f"drawn colour pictures of one to three things, {SIDE}x{SIDE} pixels, each with the sentence that describes "
    return generated(draw, SIZES, (), f"{what}it, made by a SYNTHETIC generator (train/data/captions.py)")


@lru_cache(maxsize=4)
def draw(n: int, *, seed: int) -> Split:
    """`n` pictures with sentences of one split, 0 to 2, by its number; the same ones always."""
    rng = np.random.default_rng([2015, seed])
    chosen: list[Scene] = []
    while len(chosen) < n:
        scene = _scene(rng)
        if scene.part() == seed:
            chosen.append(scene)
    # A few at a time: what a processor's cache holds is drawn several times as fast.
    parts = [pictured(chosen[i : i + _TOGETHER], rng) for i in range(0, n, _TOGETHER)]
    return Split({"image": np.concatenate(parts), "written": np.array([str(scene) for scene in chosen])})


def _scene(rng: np.random.Generator) -> Scene:
    arrangement = int(rng.integers(len(ARRANGEMENTS)))
    colours, shapes = list(COLOURS), list(SHAPES)
    things = (
        Thing(bool(rng.integers(2)), colours[rng.integers(len(colours))], shapes[rng.integers(len(shapes))])
        for _ in ARRANGEMENTS[arrangement][1]
    )
    return Scene(arrangement, tuple(things))


def pictured(scenes_: list[Scene], rng: np.random.Generator, side: int = SIDE) -> np.ndarray:
    """Scenes as pictures (n, side, side, 3) uint8: things about their places on dark grounds, unevenly lit, noisy."""
    n = len(scenes_)
    pictures = scenes.grounds(rng, n, side, scenes.colours(rng, n, 0.05, 0.25), clutter=0)
    alone = np.array([len(scene.things) == 1 for scene in scenes_])
    # Those in a row or group move together, and each a little by itself.
    shared = rng.uniform(-1, 1, (n, 2)) * np.where(alone, 0.6, 0.08)[:, None]
    for place in range(_MOST):
        has = np.array([len(scene.things) > place for scene in scenes_])
        rows = [scene for scene in scenes_ if len(scene.things) > place]
        if not rows:
            break
        things = [scene.things[place] for scene in rows]
        centre = np.array([ARRANGEMENTS[scene.arrangement][1][place] for scene in rows]) + shared[has]
        column, row = (centre + rng.uniform(-0.04, 0.04, centre.shape)).astype(np.float32).T
        small = np.array([thing.small for thing in things])
        size = np.where(small, rng.uniform(*_SMALL, len(rows)), rng.uniform(*_LARGE, len(rows))).astype(np.float32)
        angle = rng.uniform(-0.2, 0.2, len(rows)).astype(np.float32)
        colour = np.array([COLOURS[thing.colour] for thing in things], np.float32)
        colour = np.clip(colour + rng.uniform(-0.06, 0.06, colour.shape), 0, 1).astype(np.float32)
        cover = np.zeros((len(rows), side, side), np.float32)
        for shape, outline in SHAPES.items():
            mine = np.array([thing.shape == shape for thing in things])
            cover[mine] = Pose(column[mine], row[mine], size[mine], angle[mine]).coverage(outline, side)
        pictures[has] = scenes.laid(pictures[has], cover, colour)
    return scenes.lit(rng, pictures, noise=0.03)
