"""Answers by search: the likeliest token always, drawn ones, or a beam of several hypotheses at a time.

A search is a generator: it gives hypotheses, rows of tokens, and is sent the logits of the token after each. Whoever
drives it decides how many run together: a device one after another, training those of all its samples in one batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np

from edgeproof.decode.write import Taste, chances
from edgeproof.errors import Refused
from edgeproof.frontend.text import PADDING, UNKNOWN

Tokens = tuple[int, ...]
_NEVER = (UNKNOWN,)


@dataclass(frozen=True)
class Hypothesis:
    """An answer, whole: its tokens without the end, and the logarithm of its probability with it."""

    tokens: Tokens
    log_probability: float

    def score(self, normalise: float) -> float:
        """The log probability over the length's penalty, ((5 + length) / 6) ** normalise, the end counted (Wu et al.
        2016, "Google's neural machine translation system", equation 14)."""
        return self.log_probability / penalty(len(self.tokens) + 1, normalise)


Search = Generator[list[Tokens], np.ndarray, list[Hypothesis]]


@dataclass(frozen=True)
class Manner:
    """How an answer is searched for.

    Attributes:
        beam: hypotheses kept at a time; 1: the likeliest token always.
        normalise: how much longer answers are preferred over shorter ones; 0: not at all, by probability alone.
        taste: tokens are drawn to this taste; None: not drawn.
        seed: of the draws.

    Raises:
        Refused: no hypothesis, a beam of drawn tokens, or a preference below 0.
    """

    beam: int = 1
    normalise: float = 0.6
    taste: Taste | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        drawn = self.taste is not None and self.taste.temperature > 0
        if self.beam < 1 or not 0 <= self.normalise < math.inf or (drawn and self.beam > 1):
            raise Refused(
                "answer: a beam keeps 1 hypothesis or more, prefers length by 0 or more, and draws nothing.",
                received=f"beam {self.beam}, length {self.normalise:g}" + (", a temperature above 0" if drawn else ""),
                fix="a beam of 4 and 0.6 are usual; leave the temperature out, or the beam",
            )

    def search(self, most: int) -> Search:
        """A search for an answer of at most so many tokens, the end not counted."""
        if self.taste is not None and self.taste.temperature > 0:
            return drawn(most, self.taste, self.seed)
        return beam(most, self.beam, self.normalise)


def beam(most: int, width: int, normalise: float = 0.0) -> Search:
    """The best answers of a beam search, best first, at most `width` of them.

    At each step the `width` likeliest continuations of the hypotheses kept; those that end are set apart. It is over
    when no hypothesis that goes on can come before `width` of those. Behind the last token there is room for only the
    end comes.
    """
    kept: list[tuple[Tokens, float]] = [((), 0.0)]
    ended: list[Hypothesis] = []

    def rank(hypothesis: Hypothesis) -> tuple[float, Tokens]:
        return -hypothesis.score(normalise), hypothesis.tokens

    while kept:
        logits = yield [tokens for tokens, _ in kept]
        total = np.array([told for _, told in kept])[:, None] + log_chances(logits)
        if len(kept[0][0]) == most:
            total[:, np.arange(total.shape[1]) != PADDING] = -np.inf
        order = np.argsort(-total, axis=None, kind="stable")[:width]
        going = []
        for row, token in zip(*np.unravel_index(order, total.shape), strict=True):
            told = float(total[row, token])
            if told == -math.inf:
                continue
            if token == PADDING:
                ended.append(Hypothesis(kept[row][0], told))
            else:
                going.append(((*kept[row][0], int(token)), told))
        ended = sorted(ended, key=rank)[:width]
        best = max((told for _, told in going), default=-math.inf) / penalty(most + 1, normalise)
        kept = [] if len(ended) == width and ended[-1].score(normalise) >= best else going
    return ended


def drawn(most: int, taste: Taste, seed: int) -> Search:
    """One answer, token by token to a taste; its probability is the model's, whatever the taste."""
    rng = np.random.default_rng(seed)
    tokens: Tokens = ()
    told = 0.0
    while True:
        (logits,) = yield [tokens]
        token = PADDING
        if len(tokens) < most:
            found = chances(logits, taste, _NEVER)
            token = int(rng.choice(len(found), p=found))
        told += float(log_chances(logits)[token])
        if token == PADDING:
            return [Hypothesis(tokens, told)]
        tokens = (*tokens, token)


def log_chances(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities along the last axis, the unknown apart: it is never written."""
    values = np.asarray(logits, np.float64).copy()
    values[..., list(_NEVER)] = -np.inf
    values -= values.max(axis=-1, keepdims=True)
    return np.asarray(values - np.log(np.exp(values).sum(axis=-1, keepdims=True)))


def penalty(length: int, normalise: float) -> float:
    """What the log probability of an answer of this length is divided by."""
    return float(((5 + length) / 6) ** normalise)


def together(
    searches: Sequence[Search], following: Callable[[np.ndarray, list[Tokens]], np.ndarray]
) -> list[list[Hypothesis]]:
    """What searches find, side by side.

    Args:
        following: logits of the token after each hypothesis, (rows, tokens), from the index of the search that each
            belongs to, (rows,), and the hypotheses; in one call all have the same length.
    """
    found: list[list[Hypothesis]] = [[] for _ in searches]
    waiting = {i: next(search) for i, search in enumerate(searches)}
    while waiting:
        rows = np.repeat(list(waiting), [len(given) for given in waiting.values()])
        logits = following(rows, [tokens for given in waiting.values() for tokens in given])
        ends = np.cumsum([len(given) for given in waiting.values()])
        for (i, _), told in zip(list(waiting.items()), np.split(logits, ends[:-1]), strict=True):
            try:
                waiting[i] = searches[i].send(told)
            except StopIteration as over:
                found[i] = over.value
                del waiting[i]
    return found


def rows_of(hypotheses: Sequence[Tokens], length: int) -> np.ndarray:
    """Hypotheses as rows of the graph's input, (n, length) int32: padding, the tokens, padding."""
    rows = np.full((len(hypotheses), length), PADDING, np.int32)
    for row, tokens in zip(rows, hypotheses, strict=True):
        row[1 : 1 + len(tokens)] = tokens
    return rows
