"""What a way to decode consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from edgeproof.contract import Decode


@dataclass(frozen=True)
class Answer:
    """What one sample is told.

    Attributes:
        label: the answer in words; "" when it is numbers.
        probability: of that class; NaN where there is none.
        ranking: (label, probability), largest first; empty where there are no probabilities.
        steps: the label of each time step; empty where a sample has but one.
        values: the numbers themselves in their own units, where they are the answer.
        items: names of what is recommended, the first of them first.
    """

    label: str = ""
    probability: float = float("nan")
    ranking: tuple[tuple[str, float], ...] = ()
    steps: tuple[str, ...] = ()
    values: np.ndarray | None = None
    items: tuple[str, ...] = ()


Truth = Callable[[Decode, "np.ndarray | None", Sequence[np.ndarray], np.ndarray, str], "np.ndarray | None"]


def told(decision: np.ndarray, decode: Decode, labels: Sequence[str]) -> str:
    """The decision of a sample by name: that of the whole, or of each time step, equal ones in a row together."""
    names = [labels[i] if i < len(labels) else str(i) for i in np.atleast_1d(decision)]
    if decision.ndim == 0:
        return names[0]
    return ", ".join(f"{name} x{len(list(run))}" for name, run in groupby(names))


def as_they_are(truth: np.ndarray, decisions: np.ndarray, decode: Decode) -> tuple[np.ndarray, np.ndarray]:
    """Truth and decisions of the same shape."""
    return truth, decisions


@dataclass(frozen=True)
class Kind:
    """A way to decode.

    Attributes:
        truth: what outputs are scored against; see `edgeproof.decode.truth`.
        answer: see `edgeproof.decode.answer`.
        metric: what a score is in where the contract states none; "": outputs are not scored.
        decided: the label's index for each decision of outputs (n, ...); None: nothing is decided.
        labelled: what it is scored against are the samples' labels.
        told: a decision, or the truth, of one sample in words.
        paired: truth and decisions of samples, each true label with what was decided in its place.
        strings: what is decided of a sample is one string: it is the same decision as a whole or not at all.
        ranked: the likeliest answers of one sample with their probabilities, by a beam of so many hypotheses; None:
            there is nothing to search for in its outputs.
        seen: what one sample's output becomes before it is answered, now that the inputs are known, by name; None: what
            it was.
    """

    truth: Truth
    answer: Callable[[np.ndarray, Decode, Sequence[str]], Answer]
    metric: str = ""
    decided: Callable[[np.ndarray, Decode], np.ndarray] | None = None
    labelled: bool = False
    told: Callable[[np.ndarray, Decode, Sequence[str]], str] = told
    paired: Callable[[np.ndarray, np.ndarray, Decode], tuple[np.ndarray, np.ndarray]] = as_they_are
    strings: bool = False
    ranked: Callable[[np.ndarray, Decode, Sequence[str], int], tuple[tuple[str, float], ...]] | None = None
    seen: Callable[[np.ndarray, Mapping[str, np.ndarray]], np.ndarray] | None = None


def first_input(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    """The truth of what is scored against the input itself."""
    return inputs[0]


def no_words(outputs: np.ndarray, decode: Decode, labels: Sequence[str]) -> Answer:
    """The answer where the outputs say it all."""
    return Answer()


def each_step(outputs: np.ndarray, decode: Decode) -> np.ndarray:
    """The largest at each time step: (n, steps, classes) -> (n, steps)."""
    return np.asarray(np.argmax(outputs, axis=-1))
