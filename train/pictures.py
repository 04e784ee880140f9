"""What recipes over small colour pictures share: how a picture becomes an input, and the words of the card."""

from __future__ import annotations

from typing import Any

from edgeproof.contract import Decode, Frontend
from train.recipe import Recipe, Settings

DATA = {"embedded": "train.data.objects", "cifar10": "train.data.cifar10"}
USE = (
    "Comparing how convolutional networks learn: the embedded pictures are drawn, so that a score on them says "
    "nothing of photographs. Trained on CIFAR-10, telling which of its ten kinds of things a small photograph shows."
)
LIMITS = (
    "It always answers with one of its classes, whatever it is shown. Trained on the embedded pictures it knows light "
    "shapes on darker grounds, turned by 30 degrees at most, and nothing else."
)


def frontend(side: int) -> Frontend:
    """A picture of this side in three colours, each from -1 to 1."""
    steps: tuple[dict[str, object], ...] = (
        {"op": "channels", "channels": 3},
        {"op": "resize", "height": side, "width": side},
        {"op": "scale", "factor": 1 / 127.5, "offset": -1.0},
    )
    return Frontend("image", "image", steps)


def frontends(_: Settings) -> tuple[Frontend, ...]:
    """32 x 32 pixels."""
    return (frontend(32),)


def recipe(**own: Any) -> Recipe:
    """A recipe for a classifier of small colour pictures: what is its own, and the rest as all of them have it."""
    shared: dict[str, Any] = {
        "data": DATA,
        "frontends": frontends,
        "decode": Decode("classify", output="logits", scores="logits"),
        "use": USE,
        "limits": LIMITS,
    }
    return Recipe(**{**shared, **own})
