"""Binary trees over words in the Penn Treebank's brackets: `(3 (2 not) (1 bad))`, a label, then a word or two parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.errors import Refused

_TOKEN = re.compile(r"[()]|[^\s()]+")
_SHOWN = 40


@dataclass(frozen=True)
class Tree:
    """A binary tree. Its nodes are numbered: the words from 0 on, then what joins two nodes before it; the last is the
    root.

    Attributes:
        words: in order, n of them.
        pairs: the left and the right part of each of the n - 1 nodes above them.
        labels: of all 2n - 1 nodes, as they are written.
    """

    words: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...] = ()
    labels: tuple[str, ...] = ()

    def heights(self) -> list[int]:
        """Of each node: 0 for a word, else 1 more than that of its higher part."""
        found = [0] * len(self.words)
        for left, right in self.pairs:
            found.append(1 + max(found[left], found[right]))
        return found

    def spans(self) -> list[tuple[int, int]]:
        """First word of each node, and the one behind its last."""
        found = [(i, i + 1) for i in range(len(self.words))]
        for left, right in self.pairs:
            found.append((found[left][0], found[right][1]))
        return found

    def text(self) -> str:
        """The words with a space between them."""
        return " ".join(self.words)

    def brackets(self, labels: Sequence[str] = ()) -> str:
        """The tree as it is read, with these labels of its nodes or its own."""
        named = labels or self.labels
        told = [f"({name} {word})" for name, word in zip(named, self.words, strict=False)]
        for name, (left, right) in zip(named[len(self.words) :], self.pairs, strict=True):
            told.append(f"({name} {told[left]} {told[right]})")
        return told[-1]


def read(text: str, source: str = "the text") -> Tree:
    """The tree in brackets; a part is `(label word)` or `(label part part)`.

    Raises:
        Refused: anything else, with the place where it is not a tree.
    """
    words: list[tuple[str, str]] = []
    joined: list[tuple[str, int, int]] = []
    stack: list[list[str | int]] = [[]]  # what stands in each open bracket: labels, words, and nodes by number
    for found in _TOKEN.finditer(text):
        token, where = found.group(), f"{source}, character {found.start() + 1}"
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) == 1:
            raise _wrong(where, 'a ")" without its "("')
        else:
            stack[-2].append(_closed(stack.pop(), words, joined, where))
    (*_, root) = stack[0] or [""]
    if len(stack) > 1 or len(stack[0]) != 1 or isinstance(root, str):
        raise _wrong(source, f'{len(stack) - 1} "(" without a ")"' if len(stack) > 1 else f"{text[:_SHOWN]}")
    n = len(words)

    def number(node: int) -> int:
        return node if node >= 0 else n - 1 - node

    return Tree(
        tuple(word for _, word in words),
        tuple((number(left), number(right)) for _, left, right in joined),
        (*(label for label, _ in words), *(label for label, _, _ in joined)),
    )


def is_tree(text: str) -> bool:
    """Whether a text is written in brackets; else it is a sentence."""
    return text.lstrip().startswith("(")


def _closed(
    inside: list[str | int], words: list[tuple[str, str]], joined: list[tuple[str, int, int]], where: str
) -> int:
    """The node that a closed bracket makes: a word's from 0 on, another's from -1 downwards."""
    match inside:
        case [str(label), str(word)]:
            words.append((label, word))
            return len(words) - 1
        case [str(label), int(left), int(right)]:
            joined.append((label, left, right))
            return -len(joined)
    raise _wrong(where, f"({' '.join(part if isinstance(part, str) else '(...)' for part in inside)})"[:_SHOWN])


def _wrong(where: str, received: str) -> Refused:
    return Refused(
        "tree: a tree must be written in brackets, each of a label and a word or of a label and two parts.",
        received=f"{where}: {received}",
        fix='as in "(3 (2 It) (3 (2 is) (3 good)))"',
    )
