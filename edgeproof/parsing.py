"""The tree of a sentence, by a score for each two neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgeproof.trees import Tree

# the vectors and the scores of what joins these left and right vectors, (n, width) each -> (n, width), (n,)
Join = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def greedy(words: Sequence[str], leaves: np.ndarray, join: Join) -> tuple[Tree, np.ndarray]:
    """Join the two neighbours with the highest score, again and again (Socher et al. 2011, section 3.3, greedily).

    Args:
        words: of the sentence.
        leaves: their vectors, (n, width).

    Returns:
        The tree, without labels, and the vectors of its nodes, (2n - 1, width). Of equal scores the first wins.
    """
    standing, vectors, pairs = list(range(len(words))), list(leaves), list[tuple[int, int]]()
    while len(standing) > 1:
        row = np.stack([vectors[node] for node in standing])
        joined, scores = join(row[:-1], row[1:])
        best = int(np.argmax(scores))
        pairs.append((standing[best], standing[best + 1]))
        standing[best : best + 2] = [len(vectors)]
        vectors.append(joined[best])
    return Tree(tuple(words), tuple(pairs)), np.stack(vectors)


def fold(tree: Tree, leaves: np.ndarray, join: Join) -> np.ndarray:
    """The vectors of a tree's nodes, (2n - 1, width), from those of its words, all nodes of one height at a time."""
    heights = np.array(tree.heights())
    vectors = np.zeros((len(heights), leaves.shape[1]), np.float32)
    vectors[: len(leaves)] = leaves
    pairs = np.array(tree.pairs, np.int64).reshape(-1, 2)
    for height in range(1, int(heights[-1]) + 1):
        nodes = np.flatnonzero(heights == height)
        left, right = pairs[nodes - len(leaves)].T
        vectors[nodes] = join(vectors[left], vectors[right])[0]
    return vectors
