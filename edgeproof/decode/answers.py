"""Models that answer: the tokens of a text, one after another, given everything else that goes in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeproof.contract import Decode
from edgeproof.decode.kind import Kind, no_words
from edgeproof.frontend.text import PADDING
from edgeproof.metrics import behind_end, written


def wanted(tokens: np.ndarray) -> np.ndarray:
    """What each step of rows "written" should give, (n, steps): the token after it, behind the last one the end."""
    return np.asarray(np.concatenate([tokens[:, 1:], np.full_like(tokens[:, :1], PADDING)], axis=1))


def _truth(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    return wanted(inputs[-1])


def _decided(outputs: np.ndarray, decode: Decode) -> np.ndarray:
    """Tokens up to the first end; what stands behind it decides nothing."""
    found = written(outputs)
    return np.where(behind_end(found), PADDING, found)


ANSWER = Kind(_truth, no_words, "exact match", _decided)
