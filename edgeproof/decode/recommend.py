"""Outputs that are a score for each of many items, of which a user has some already, or a question names some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeproof.contract import Decode
from edgeproof.decode.kind import Answer, Kind
from edgeproof.errors import Refused
from edgeproof.frontend.text import FIRST, UNKNOWN

TOP = 20  # items told, and judged by


def _wanted(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    """For each item 1: it came later; 0: it did not; -1: it was there before, and counts for nothing."""
    if labels is None:
        return None
    whole = labels.shape == outputs.shape and labels.dtype.kind in "iu"
    if not whole or not np.isin(labels, (-1, 0, 1)).all() or not (labels == 1).any(axis=1).all():
        raise Refused(
            f"labels: {source} must hold 1, 0 or -1 for each of {outputs.shape[-1]} items, and a 1 for each sample.",
            received=f"{labels.dtype} of shape {labels.shape}, for {len(outputs)} samples",
            fix="give 1 for what the user liked later, -1 for what the history holds, else 0",
        )
    return labels.astype(np.int64)


def _unseen(outputs: np.ndarray, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Scores at minus infinity for items that are there already: those in the history, an input of the same shape, or
    those that a text names, an input of tokens.

    Raises:
        Refused: a token that is no item's.
    """
    found = np.array(outputs, np.float64)
    for value in inputs.values():
        if value.dtype.kind in "iu" and value.shape != found.shape:
            if (value == UNKNOWN).any():
                raise Refused(
                    f"recommend: each word must be one of the {found.size:,} that the model knows.",
                    received=f"an unknown one in place {int(np.argmax(value == UNKNOWN)) + 1} of {value.size}",
                    fix="leave it out, or ask for another",
                )
            found.reshape(-1)[value[value >= FIRST] - FIRST] = -np.inf
        elif value.shape == found.shape:
            found[np.asarray(value) > 0] = -np.inf
    return found


def _top(outputs: np.ndarray, decode: Decode, labels: Sequence[str]) -> Answer:
    scores = outputs.reshape(-1)
    order = [int(i) for i in np.argsort(-scores, kind="stable")[:TOP] if np.isfinite(scores[i])]
    names = tuple(labels[i] if len(labels) == len(scores) else str(i) for i in order)
    return Answer(" | ".join(names), items=names)


RECOMMEND = Kind(_wanted, _top, "recall@20", labelled=True, seen=_unseen)
