"""An operation on batches of trees in brackets: the words' numbers, and which nodes each node joins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeproof import trees
from edgeproof.errors import Refused
from edgeproof.frontend import text


def tree(texts: np.ndarray, *, vocabulary: Sequence[str], length: int, levels: int, lower: bool = True) -> np.ndarray:
    """Trees of at most `length` words and `levels` levels above them: (n,) text -> (n, length, 3) int32.

    Column 0 holds the words' numbers (0 padding, 1 unknown, the vocabulary from 2 on), columns 1 and 2 the rows of the
    left and the right part of each node above the words. Rows count through the words, 0 to length - 1, then the nodes,
    from length on. The last row of columns 1 and 2 names the root. Labels are passed over.

    Raises:
        Refused: a text that is no tree, or one that is larger.
    """
    table = text.table(vocabulary)
    return np.stack([_rows(trees.read(str(one)), table, length, levels, lower) for one in texts])


def _rows(found: trees.Tree, table: dict[str, int], length: int, levels: int, lower: bool) -> np.ndarray:
    n, height = len(found.words), found.heights()[-1]
    if n > length or height > levels:
        raise Refused(
            f"tree: a tree may have {length} words and {levels} levels above them.",
            received=f"{n} words, {height} levels: {found.text()[:80]}",
            fix="cut the sentence, or train with a larger length and levels",
        )
    rows = np.zeros((length, 3), np.int32)
    words = [word.lower() if lower else word for word in found.words]
    rows[:n, 0] = [table.get(word, text.UNKNOWN) for word in words]
    places = [node if node < n else length + node - n for node in range(2 * n - 1)]
    for at, (left, right) in enumerate(found.pairs):
        rows[at, 1:] = places[left], places[right]
    rows[-1, 1:] = places[-1]
    return rows
