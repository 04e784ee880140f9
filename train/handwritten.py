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
_MODEL_USE = (
    "Seeing how a machine without labels comes to describe handwritten digits: codes for pictures, pictures from "
    "codes, and how unlike the training pictures a picture is."
)
_MODEL_LIMITS = (
    "It knows nothing but small upright digits, light ink on a dark ground, centred; of anything else it draws the "
    "nearest thing that it knows. Nothing in it tells which digit a picture shows."
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


def unlabelled(**own: Any) -> Recipe:
    """A recipe for a system that gives a digit's picture back, from a layer "code" or by what else is its own."""
    shared: dict[str, Any] = {
        "decode": Decode("reconstruct", output="reconstruction"),
        "labels": (),
        "graphs": {"encoder": (("image",), ("code",)), "decoder": (("code",), ("reconstruction",))},
        # The score is no share of whole samples: roundings move it, by less than this.
        "tolerances": {"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=1e-3)},
        "use": _MODEL_USE,
        "limits": _MODEL_LIMITS,
    }
    return recipe(**{**shared, **own})
