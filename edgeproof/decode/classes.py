"""Outputs that decide: one class a sample, yes or no, one class a time step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeproof.contract import Decode
from edgeproof.decode.kind import Answer, Kind, each_step, told
from edgeproof.errors import Refused
from edgeproof.metrics import decisions, softmax


def check_labels(labels: np.ndarray, shape: tuple[int, ...], classes: int, *, source: str) -> np.ndarray:
    """Labels as int64 of this shape, (n,) or (n, steps), or why they can't be those of outputs of so many classes."""
    whole = labels.ndim == len(shape) and labels.dtype.kind in "iu"
    if whole and labels.shape == shape and (not labels.size or (labels.min() >= 0 and labels.max() < classes)):
        return labels.astype(np.int64)
    if not whole or labels.shape != shape:
        received = f"{labels.dtype} of shape {labels.shape}, for {shape[0]} samples"
    else:
        worst = np.unravel_index(int(np.argmax((labels < 0) | (labels >= classes))), labels.shape)
        received = f"label {labels[worst]} at sample {worst[0]}" + (f", step {worst[1]}" if len(shape) > 1 else "")
    each = "a sample" if len(shape) == 1 else f"for each of {shape[1]} time steps of a sample"
    raise Refused(
        f"labels: {source} must hold one whole number from 0 to {classes - 1} {each}.",
        received=received,
        fix="correct the labels, or export with the contract that has all the classes",
    )


def probabilities(outputs: np.ndarray, decode: Decode) -> np.ndarray:
    """What outputs say in probabilities, along the last axis."""
    values = outputs.astype(np.float64)
    return softmax(values) if decode.scores == "logits" else values


def names(labels: Sequence[str], classes: int) -> Sequence[str]:
    """The classes' names: their numbers, where labels are not as many."""
    return labels if len(labels) == classes else [str(i) for i in range(classes)]


def _classified(outputs: np.ndarray, decode: Decode, labels: Sequence[str]) -> Answer:
    values = probabilities(outputs.reshape(-1), decode)
    called, order = names(labels, len(values)), np.argsort(-values, kind="stable")
    ranking = tuple((called[i], float(values[i])) for i in order)
    return Answer(ranking[0][0], ranking[0][1], ranking)


def _detected(outputs: np.ndarray, decode: Decode, labels: Sequence[str]) -> Answer:
    above = int(_above(outputs[None], decode)[0])
    return Answer(labels[above] if len(labels) == 2 else ("no", "yes")[above])


def _above(outputs: np.ndarray, decode: Decode) -> np.ndarray:
    return np.asarray(outputs.reshape(len(outputs)) > decode.threshold, np.int64)


def _labelled(outputs: np.ndarray, decode: Decode, labels: Sequence[str]) -> Answer:
    called, chosen = names(labels, outputs.shape[-1]), np.argmax(outputs, axis=-1)
    return Answer(told(chosen, decode, called), steps=tuple(called[i] for i in chosen))


def _of_samples(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    classes = 2 if decode.kind == "detect" else outputs.reshape(len(outputs), -1).shape[1]
    return None if labels is None else check_labels(labels, (len(outputs),), classes, source=source)


def _of_steps(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    return None if labels is None else check_labels(labels, outputs.shape[:2], outputs.shape[-1], source=source)


CLASSIFY = Kind(_of_samples, _classified, "accuracy", lambda outputs, decode: decisions(outputs), labelled=True)
DETECT = Kind(_of_samples, _detected, "auc", _above, labelled=True)
LABEL = Kind(_of_steps, _labelled, "accuracy a step", each_step, labelled=True)
