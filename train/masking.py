"""Words hidden in texts, to be told from those around them (Devlin et al. 2018, section 3.1, task 1)."""

from __future__ import annotations

import numpy as np

from edgeproof.frontend.text import FIRST, UNKNOWN

HIDDEN, OTHER = 0.8, 0.1  # shares of the chosen ones that are masked, and that are another word; the rest stay


def masked(
    tokens: np.ndarray, share: float, vocabulary: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows with words chosen at random hidden, and what they were.

    A masked word is an unknown one: that a text has such words, and that they are to be guessed, is the same.

    Args:
        tokens: (n, length).
        share: of the words that are chosen; in each row one at least.
        vocabulary: numbers that there are; the words are those from 2 on.

    Returns:
        (n, length) tokens, and (n, length) the token that was there where one was chosen, else -1.
    """
    words = tokens >= FIRST
    drawn = np.where(words, rng.random(tokens.shape), np.inf)
    chosen = words & ((drawn < share) | (drawn == drawn.min(axis=1, keepdims=True)))
    how = rng.random(tokens.shape)
    random = rng.integers(FIRST, vocabulary, tokens.shape)
    seen = np.where(chosen & (how < HIDDEN), UNKNOWN, tokens)
    seen = np.where(chosen & (how >= HIDDEN) & (how < HIDDEN + OTHER), random, seen)
    return seen.astype(tokens.dtype), np.where(chosen, tokens, -1).astype(np.int32)
