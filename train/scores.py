"""What recipes over scores share: how a score becomes tokens, and counts of tokens in a row to be told beside."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from edgeproof import frontend
from edgeproof.contract import Frontend
from train import learned
from train.data import Dataset
from train.recipe import Settings

OPERATIONS = {"chorale": "notes", "chord": "chords"}


def tokens(settings: Settings) -> Frontend:
    """Input "tokens": the notes, or the chords, of so many time steps."""
    chorale = settings["variant"] == "chorale"
    step = {
        "op": OPERATIONS[settings["variant"]],
        "vocabulary": settings["vocabulary"],
        "voices": settings["voices"],
        "grid": settings["grid"],
        "length": settings["steps"] * settings["voices"] if chorale else settings["steps"] // settings["grid"],
    }
    return Frontend("tokens", "score", (step,))


def counted(dataset: Dataset, settings: Mapping[str, Any], *, order: int) -> np.ndarray:
    """Compression, (n,), of the test split by how often tokens follow `order - 1` others in the training split.

    Interpolated with shorter contexts as Witten and Bell 1991 do, "The zero-frequency problem", method C: the more
    different tokens have followed a context, the more weight goes to one shorter, down to all tokens being alike.
    """
    how = learned.whole(tokens(settings), dataset)
    training, test = (frontend.apply(how, split.samples[how.input]) for split in (dataset.train, dataset.test))
    following: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
    for row in training.tolist():
        for at in range(1, len(row)):
            for past in range(min(order, at + 1)):
                following[past][tuple(row[at - past : at])][row[at]] += 1

    def chance(row: list[int], at: int) -> float:
        found = 1.0 / settings["vocabulary"]
        for past in range(min(order, at + 1)):
            seen = following[past].get(tuple(row[at - past : at]))
            if seen is None:
                break
            found = (seen[row[at]] + len(seen) * found) / (seen.total() + len(seen))
        return found

    bits = [[-math.log2(chance(row, at)) for at in range(1, len(row))] for row in test.tolist()]
    return np.asarray(1.0 - np.mean(bits, axis=1) / 8.0)


one, two, three, five = (partial(counted, order=order) for order in (1, 2, 3, 5))
