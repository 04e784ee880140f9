"""Outputs that spell a string: at each time step a class or the blank (`edgeproof.ctc`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeproof import ctc
from edgeproof.contract import Decode
from edgeproof.decode.classes import probabilities
from edgeproof.decode.kind import Answer, Kind
from edgeproof.errors import Refused
from edgeproof.metrics import spelled

NOTHING = "(nothing)"  # what an empty string is told as


def check_strings(labels: np.ndarray, n: int, classes: int, blank: int, *, source: str) -> np.ndarray:
    """Strings as int64 (n, longest + 1), each row filled up with the blank.

    Args:
        labels: (n, any) classes, each row filled up with -1 or the blank.

    Raises:
        Refused: labels of another shape, or that are no such classes.
    """
    whole = labels.ndim == 2 and labels.dtype.kind in "iu" and len(labels) == n
    received = f"{labels.dtype} of shape {labels.shape}, for {n} samples"
    if whole and labels.size:
        filled = (labels == -1) | (labels == blank)
        worst = np.argwhere(~filled & ((labels < 0) | (labels >= classes)))
        gaps = np.argwhere(filled[:, :-1] & ~filled[:, 1:])
        if len(worst):
            received = f"label {labels[tuple(worst[0])]} at sample {worst[0][0]}, place {worst[0][1]}"
        elif len(gaps):
            received = f"a label after the end of sample {gaps[0][0]}"
        else:
            return np.pad(np.where(filled, blank, labels).astype(np.int64), ((0, 0), (0, 1)), constant_values=blank)
    raise Refused(
        f"labels: {source} must hold a row of whole numbers from 0 to {classes - 1} a sample, the string that it "
        "spells, filled up with -1.",
        received=received,
        fix="correct the labels, or export with the contract that has all the classes",
    )


def ranked(outputs: np.ndarray, decode: Decode, labels: Sequence[str], width: int) -> tuple[tuple[str, float], ...]:
    """The likeliest strings of one sample and their probabilities, by prefix beam search of this width.

    Args:
        outputs: (steps, classes).
    """
    found = ctc.prefix_search(probabilities(outputs, decode), decode.blank, width=width)
    return tuple((" ".join(_names(string, labels)) or NOTHING, chance) for string, chance in found)


def told(decision: np.ndarray, decode: Decode, labels: Sequence[str]) -> str:
    """A string in words."""
    return " ".join(_names(spelled(decision[None], decode.blank)[0], labels)) or NOTHING


def _names(string: Sequence[int], labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(labels[c] if c < len(labels) else str(c) for c in string)


def _truth(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    if labels is None:
        return None
    return check_strings(labels, len(outputs), outputs.shape[-1], decode.blank, source=source)


def _decided(outputs: np.ndarray, decode: Decode) -> np.ndarray:
    return ctc.best_path(outputs, decode.blank)


def _answered(outputs: np.ndarray, decode: Decode, labels: Sequence[str]) -> Answer:
    (string,) = _decided(outputs[None], decode)
    words = _names(spelled(string[None], decode.blank)[0], labels)
    return Answer(told(string, decode, labels), steps=words)


def _paired(truth: np.ndarray, decisions: np.ndarray, decode: Decode) -> tuple[np.ndarray, np.ndarray]:
    """Along an alignment of the fewest edits; the blank stands for nothing."""
    pairs = [
        (decode.blank if a is None else a, decode.blank if b is None else b)
        for wanted, found in zip(spelled(truth, decode.blank), spelled(decisions, decode.blank), strict=True)
        for a, b in ctc.aligned(wanted, found)
    ]
    rows = np.array(pairs, np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


TRANSCRIBE = Kind(
    _truth, _answered, "word accuracy", _decided, labelled=True, told=told, paired=_paired, strings=True, ranked=ranked
)  # fmt: skip
