"""Models that write: which token comes next, drawn again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgeproof.decode.kind import Kind, each_step, first_input, no_words
from edgeproof.errors import Refused
from edgeproof.frontend.text import PADDING, UNKNOWN
from edgeproof.metrics import softmax


@dataclass(frozen=True)
class Taste:
    """How the next token is drawn.

    Attributes:
        temperature: logits are divided by it; 0: the likeliest token always.
        top_k: only so many of the likeliest are drawn from; 0: all.
        top_p: only the likeliest, as many as hold this much of the probability (Holtzman et al. 2020, "The curious case
            of neural text degeneration"); 1: all.

    Raises:
        Refused: a temperature or top_k below 0, or a top_p outside (0, 1].
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.temperature < float("inf") and self.top_k >= 0 and 0 < self.top_p <= 1):
            raise Refused(
                "write: temperature must be 0 or more, top_k 0 or more, top_p above 0 and at most 1.",
                received=f"temperature {self.temperature:g}, top_k {self.top_k}, top_p {self.top_p:g}",
                fix="temperature 0.8, top_k 40 and top_p 0.95 are usual",
            )


def chances(logits: np.ndarray, taste: Taste, never: Sequence[int] = (PADDING, UNKNOWN)) -> np.ndarray:
    """The probability of each token to be drawn, (tokens,); those of `never` are not."""
    values = np.asarray(logits, np.float64).copy()
    values[list(never)] = -np.inf
    if taste.temperature == 0:
        return np.asarray(np.eye(len(values))[int(np.argmax(values))])
    order = np.argsort(-values, kind="stable")
    if taste.top_k:
        values[order[taste.top_k :]] = -np.inf
    with np.errstate(over="ignore"):  # a tiny temperature takes all but the largest to -inf, whose chance is 0
        found = softmax((values - values.max()) / taste.temperature)
    if taste.top_p < 1:
        before = np.cumsum(found[order]) - found[order]
        found[order[before >= taste.top_p]] = 0.0
    return np.asarray(found / found.sum())


def drawn(
    following: Callable[[Sequence[int]], np.ndarray], prompt: Sequence[int], taste: Taste, seed: int
) -> Iterator[int]:
    """Tokens after a prompt, without end.

    Args:
        following: the logits of the token after these, (tokens,).
    """
    rng = np.random.default_rng(seed)
    tokens = list(prompt)
    while True:
        found = chances(following(tokens), taste)
        tokens.append(int(rng.choice(len(found), p=found)))
        yield tokens[-1]


WRITE = Kind(first_input, no_words, "compression", each_step)
