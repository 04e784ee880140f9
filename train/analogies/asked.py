"""Questions as samples: three words and, of all words, the right one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, permutations

import numpy as np

from train.data import Split

Question = tuple[str, str, str, str]


def among(pairs: Iterable[tuple[str, str]]) -> list[Question]:
    """Every question that pairs of one relation make: a is to b as c is to d, and the other way round."""
    told = [[(*one, *other), (*one[::-1], *other[::-1])] for one, other in permutations(pairs, 2)]
    return [question for both in told for question in both]


def asked(questions: Sequence[Question], words: Sequence[str]) -> Split:
    """Questions as `train.objectives.skip_gram` is judged by them: "query", a text of three words, and for each of
    `words` 1 if it is the answer, -1 if the question holds it, else 0, (n, words)."""
    place = {word: i for i, word in enumerate(words)}
    labels = np.zeros((len(questions), len(words)), np.int8)
    for row, (a, b, c, d) in zip(labels, questions, strict=True):
        row[[place[a], place[b], place[c]]] = -1
        row[place[d]] = 1
    return Split({"query": np.array([" ".join(question[:3]) for question in questions], np.str_)}, labels)


def drawn(questions: Sequence[Question], sizes: Sequence[int], seed: int) -> list[list[Question]]:
    """Disjoint sets of these sizes, or of less in the same proportions where there are not as many; each question
    once."""
    every = list({question[:3]: question for question in questions}.values())
    order = np.random.default_rng(seed).permutation(len(every))
    scale = min(1.0, len(every) / sum(sizes))
    ends = np.cumsum([0, *(int(size * scale) for size in sizes)])
    return [[every[i] for i in order[a:b]] for a, b in pairwise(ends)]
