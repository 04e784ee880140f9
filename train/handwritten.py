"""What recipes over handwritten digits share: how a picture becomes an input, the classes, the words of the card."""

from __future__ import annotations

from typing import Any

from edgeproof.contract import Decode, Frontend, Tolerance
from train.recipe import Recipe, Settings

DATA = {"embedded": "train.data.digits", "mnist": "train.data.mnist"}
LABELS = tuple("0123456789")
TOLERANCES = {"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)}
USE = (
    "Telling which of the ten digits a small picture of one handwritten digit shows: light ink on a dark "
    "ground, upright, centred, filling most of the picture."
)
LIMITS = (
    "It always answers with a digit: a letter, a blank or two digits get one too. Dark ink on light paper "
    "must be inverted first. The writers are adults who wrote for these collections in the 1980s and 1990s."
)

SIZED: tuple[dict[str, object], ...] = (
    {"op": "channels", "channels": 1},
    {"op": "resize", "height": 28, "width": 28},
)


def frontends(_: Settings) -> tuple[Frontend, ...]:
    """28 x 28 pixels, 0 for ground and 1 for ink."""
    return (Frontend("image", "image", (*SIZED, {"op": "scale", "factor": 1 / 255.0, "offset": 0.0})),)


def recipe(**own: Any) -> Recipe:
    """A recipe for a classifier of digits: what is its own, and the rest as all of them have it."""
    shared: dict[str, Any] = {
        "data": DATA,
        "frontends": frontends,
        "decode": Decode("classify", output="logits", scores="logits"),
        "labels": LABELS,
        "tolerances": TOLERANCES,
        "use": USE,
        "limits": LIMITS,
    }
    return Recipe(**{**shared, **own})
