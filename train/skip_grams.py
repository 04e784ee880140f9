"""What skip-grams are drawn from: texts as numbers, frequencies, windows (Mikolov, Sutskever, Chen, Corrado, Dean 2013,
"Distributed representations of words and phrases and their compositionality", section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tokens:
    """Sentences one after another: `words` (n,), the number of each word, and `sentences` (n,), that of its own."""

    words: np.ndarray
    sentences: np.ndarray

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def of(cls, rows: Iterable[list[int]]) -> Tokens:
        """Sentences as lists of numbers, one after another."""
        known = [np.array(row, np.int32) for row in rows]
        places = [np.full(len(row), i, np.int32) for i, row in enumerate(known)]
        nothing = np.empty(0, np.int32)
        return cls(np.concatenate([nothing, *known]), np.concatenate([nothing, *places]))

    def where(self, kept: np.ndarray) -> Tokens:
        """Those words that are kept, closer together."""
        return Tokens(self.words[kept], self.sentences[kept])


def frequencies(words: np.ndarray, size: int) -> np.ndarray:
    """Share of each word among all, (size,)."""
    return np.asarray(np.bincount(words, minlength=size) / max(1, len(words)))


def kept(frequency: np.ndarray, threshold: float) -> np.ndarray:
    """Probability with which an occurrence of each word stays (equation 5): √(threshold / frequency), at most 1."""
    if not threshold:
        return np.ones_like(frequency)
    return np.asarray(np.minimum(1.0, np.sqrt(threshold / np.maximum(frequency, 1e-12))))


def noise(frequency: np.ndarray, power: float = 0.75) -> np.ndarray:
    """Probability of each word as a negative sample: its frequency to the power of 3/4 (section 2.2)."""
    weights = frequency**power
    return np.asarray(weights / weights.sum())


def pairs(tokens: Tokens, window: int, rng: np.random.Generator) -> np.ndarray:
    """Each word with each one near it, (pairs, 2): no more words away than a number drawn for it from 1 to `window`,
    and in the same sentence (Mikolov, Chen, Corrado, Dean 2013, "Efficient estimation of word representations",
    section 3.2)."""
    reach = rng.integers(1, window + 1, len(tokens))
    found = [np.empty((0, 2), np.int32)]
    for far in range(1, window + 1):
        left, right = slice(None, -far or None), slice(far, None)
        same = tokens.sentences[left] == tokens.sentences[right]
        both = np.stack([tokens.words[left], tokens.words[right]], axis=1)
        found += [both[same & (reach[left] >= far)], both[same & (reach[right] >= far)][:, ::-1]]
    return np.concatenate(found)
