"""Connectionist temporal classification: from what each time step says to the string that it spells.

A path is one class a time step; it spells what is left when runs of a class are made one and blanks are taken out
(Graves, Fernández, Gomez, Schmidhuber 2006, "Connectionist temporal classification: labelling unsegmented sequence data
with recurrent neural networks", section 3).
"""

from __future__ import annotations

import math

import numpy as np


def best_path(outputs: np.ndarray, blank: int) -> np.ndarray:
    """What the likeliest path spells (section 3.2, "best path decoding"), which need not be the likeliest string.

    Args:
        outputs: (n, steps, classes), logits or probabilities.
        blank: its class.

    Returns:
        (n, steps + 1) classes, each row filled up with the blank.
    """
    path = np.argmax(outputs, axis=-1)
    kept = path != blank
    kept[:, 1:] &= path[:, 1:] != path[:, :-1]
    found = np.full((len(path), path.shape[1] + 1), blank, np.int64)
    rows, steps = np.nonzero(kept)
    found[rows, (np.cumsum(kept, axis=1) - 1)[rows, steps]] = path[rows, steps]
    return found


def prefix_search(chances: np.ndarray, blank: int, *, width: int = 8) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest strings and their probabilities, largest first, by beam search over prefixes: all paths of a beam's
    prefix are summed (Hannun, Maas, Jurafsky, Ng 2014, "First-pass large vocabulary continuous speech recognition
    using bi-directional recurrent DNNs", algorithm 1, without a language model).

    Args:
        chances: probabilities (steps, classes).
        blank: its class.
        width: prefixes that are kept after each step. A probability is what the paths through them add up to: exact
            where none had to be dropped, else too small.
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {
        (): (1.0, 0.0)
    }  # ending in the blank, ending in its last class
    for step in np.asarray(chances, np.float64):
        found: dict[tuple[int, ...], list[float]] = {}
        for prefix, (silent, sounding) in beams.items():
            stays = found.setdefault(prefix, [0.0, 0.0])
            stays[0] += (silent + sounding) * step[blank]
            if prefix:
                stays[1] += sounding * step[prefix[-1]]
            for c, chance in enumerate(step):
                if c == blank:
                    continue
                # A class after itself is a new one only with a blank between them.
                before = silent if prefix and prefix[-1] == c else silent + sounding
                found.setdefault((*prefix, c), [0.0, 0.0])[1] += before * chance
        kept = sorted(found, key=lambda prefix: (-sum(found[prefix]), prefix))[:width]
        beams = {prefix: (found[prefix][0], found[prefix][1]) for prefix in kept}
    return [(prefix, silent + sounding) for prefix, (silent, sounding) in beams.items()]


def likelihood(chances: np.ndarray, string: tuple[int, ...], blank: int) -> float:
    """The logarithm of the probability that some path spells a string: the forward recursion (section 4.1, equations 5
    to 8), each step scaled to 1.

    Args:
        chances: probabilities (steps, classes).
    """
    states = np.full(2 * len(string) + 1, blank)
    states[1::2] = string
    # From one class to the next past the blank between them, unless they are the same.
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    forward, total = np.zeros(len(states)), 0.0
    forward[0] = 1.0
    for t, step in enumerate(np.asarray(chances, np.float64)):
        moved = forward.copy()
        if t == 0:
            moved[1:2] = 1.0
        else:
            moved[1:] += forward[:-1]
            moved[2:] += np.where(skips[2:], forward[:-2], 0.0)
        forward = moved * step[states]
        scale = forward.sum()
        if scale == 0:
            return -math.inf
        forward, total = forward / scale, total + math.log(scale)
    last = float(forward[-2:].sum())
    return total + math.log(last) if last > 0 else -math.inf


def aligned(wanted: list[int], found: list[int]) -> list[tuple[int | None, int | None]]:
    """Pairs of what was wanted and what was found in its place, None where one of both has nothing: an alignment of the
    fewest edits, substitutions before insertions before deletions (Levenshtein 1966; Wagner, Fischer 1974)."""
    rows, columns = len(wanted) + 1, len(found) + 1
    least = [[i + j if not i or not j else 0 for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            least[i][j] = min(
                least[i - 1][j - 1] + (wanted[i - 1] != found[j - 1]), least[i][j - 1] + 1, least[i - 1][j] + 1
            )
    i, j = len(wanted), len(found)
    pairs: list[tuple[int | None, int | None]] = []
    while i or j:
        if i and j and least[i][j] == least[i - 1][j - 1] + (wanted[i - 1] != found[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((wanted[i], found[j]))
        elif j and least[i][j] == least[i][j - 1] + 1:
            j -= 1
            pairs.append((None, found[j]))
        else:
            i -= 1
            pairs.append((wanted[i], None))
    return pairs[::-1]


def edits(wanted: list[int], found: list[int]) -> int:
    """The fewest substitutions, insertions and deletions that make one of the other."""
    return sum(a != b for a, b in aligned(wanted, found))
