"""Operations on batches of texts, in plain Python and numpy: characters, words, byte pairs, to whole numbers and back.

0 is padding and 1 what the vocabulary lacks; its entries follow from 2 on. A text takes `length` numbers: what is
longer loses its end, what is shorter is filled up before its first token (so that a recurrent network ends on the text)
or, with `fill="after"`, behind its last. `fill="shifted"` is likewise, one later: the padding before its first token is
what a network begins to write on, that behind its last what ends it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from edgeproof.errors import Refused

PADDING, UNKNOWN, FIRST = 0, 1, 2
_FILLS = ("before", "after", "shifted")
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_PIECE = re.compile(r"\s?\w+|\s?[^\w\s]+|\s+")
_CLOSING = frozenset(".,;:!?)]}%…")
_OPENING = frozenset("([{")


def characters(
    texts: np.ndarray, *, vocabulary: str, length: int, lower: bool = False, fill: str = "before"
) -> np.ndarray:
    """Each character a number: (n,) text -> (n, length) int32."""
    return _numbers(texts, length, fill, table(vocabulary), lambda text: list(_cased(text, lower)))


def words(
    texts: np.ndarray, *, vocabulary: Sequence[str], length: int, lower: bool = True, fill: str = "before"
) -> np.ndarray:
    """Each word, and each mark that is no part of one, a number: (n,) text -> (n, length) int32."""
    return _numbers(texts, length, fill, table(vocabulary), lambda text: split(text, lower=lower))


def pairs(
    texts: np.ndarray, *, vocabulary: Sequence[Sequence[int]], length: int, lower: bool = False, fill: str = "before"
) -> np.ndarray:
    """Byte pairs (Sennrich, Haddow, Birch 2016, algorithm 1, on UTF-8 bytes): (n,) text -> (n, length) int32.

    Args:
        vocabulary: the merges, two numbers each, in the order in which they were learned. Byte b is number 2 + b, the
            k-th merge 258 + k; nothing is unknown.
    """
    merges = _merges(_hashable(vocabulary))

    def numbers(text: str) -> list[int]:
        return [number for piece in pieces(_cased(text, lower)) for number in _merged(piece, merges)]

    return _rows([numbers(str(text)) for text in _batch(texts)], length, fill)


def split(text: str, *, lower: bool = True) -> list[str]:
    """A text's words and marks."""
    return _WORD.findall(_cased(text, lower))


def pieces(text: str) -> list[str]:
    """The parts of a text that byte pairs never reach across: words, marks, white space, each with the space before."""
    return _PIECE.findall(text)


def written(numbers: Iterable[int], step: dict[str, Any]) -> str:
    """The text of numbers that a step of this module gave; padding is left out.

    Args:
        step: {"op": "characters" | "words" | "pairs", "vocabulary": ..., ...}, as in the contract.
    """
    op, vocabulary = step["op"], step["vocabulary"]
    kept = [int(number) for number in numbers if int(number) != PADDING]
    if op == "pairs":
        known = _spelled(_hashable(vocabulary))
        return b"".join(known.get(number, b"") for number in kept).decode("utf-8", "replace")
    told = [
        str(vocabulary[n - FIRST]) if FIRST <= n < FIRST + len(vocabulary) else "\N{REPLACEMENT CHARACTER}"
        for n in kept
    ]
    return "".join(told) if op == "characters" else _joined(told)


def numbered(text: str, step: dict[str, Any]) -> list[int]:
    """The numbers of a whole text by a step of this module, none of them padding, however long it is."""
    whole = {key: value for key, value in step.items() if key != "op"} | {
        "length": max(1, len(text.encode())),
        "fill": "after",
    }
    row: np.ndarray = SCRIPTS[step["op"]](np.array([text]), **whole)[0]
    return [int(number) for number in row if number != PADDING]


def pieced(numbers: Iterable[int], before: Sequence[int], step: dict[str, Any]) -> Iterator[str]:
    """What each number adds to the text of those before it; "" while a character lacks bytes."""
    # How a number is written depends on the one before it at most: a word's space, the bytes of a character begun.
    told = list(before)[-1:] if step["op"] == "words" else []
    known = written(told, step)
    for number in numbers:
        told.append(number)
        now = written(told, step)
        if step["op"] == "pairs" and now.endswith("\N{REPLACEMENT CHARACTER}"):
            yield ""
            continue
        yield now[len(known) :]
        told = told[-1:] if step["op"] == "words" else []
        known = written(told, step)


def size(step: dict[str, Any]) -> int:
    """How many numbers a step of this module can give: padding, the unknown, and the vocabulary."""
    return FIRST + len(step["vocabulary"]) + (256 if step["op"] == "pairs" else 0)


def _cased(text: str, lower: bool) -> str:
    return text.lower() if lower else text


def _batch(texts: np.ndarray) -> np.ndarray:
    if texts.ndim != 1:
        raise Refused(
            "text: a text must be one string.",
            received=f"an array of shape {texts.shape[1:]} for each sample",
            fix="pass one string a sample",
        )
    return texts


def _numbers(
    texts: np.ndarray, length: int, fill: str, table: dict[str, int], cut: Callable[[str], list[str]]
) -> np.ndarray:
    rows = [[table.get(token, UNKNOWN) for token in cut(str(text))] for text in _batch(texts)]
    return _rows(rows, length, fill)


def _rows(rows: list[list[int]], length: int, fill: str) -> np.ndarray:
    if fill not in _FILLS:
        raise ValueError(f"fill is one of {', '.join(_FILLS)}. Received: {fill!r}")
    out = np.full((len(rows), length), PADDING, np.int32)
    for line, numbers in zip(out, rows, strict=True):
        lead = int(fill == "shifted")
        kept = numbers[: length - lead]
        if kept:
            start = length - len(kept) if fill == "before" else lead
            line[start : start + len(kept)] = kept
    return out


def _joined(words: list[str]) -> str:
    """Words with spaces between them, marks where they are usually written."""
    text = ""
    for word in words:
        close = not text or word in _CLOSING or text[-1] in _OPENING
        text += word if close else " " + word
    return text


def table(vocabulary: Sequence[str]) -> dict[str, int]:
    """The number of each entry of a vocabulary."""
    return _table(tuple(vocabulary))


@lru_cache(maxsize=8)
def _table(vocabulary: tuple[str, ...]) -> dict[str, int]:
    if len(set(vocabulary)) < len(vocabulary):
        raise ValueError("the entries of a vocabulary differ from each other")
    return {entry: FIRST + i for i, entry in enumerate(vocabulary)}


Merges = dict[tuple[int, int], int]


def _hashable(vocabulary: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in vocabulary)


@lru_cache(maxsize=8)
def _merges(vocabulary: tuple[tuple[int, int], ...]) -> Merges:
    for i, pair in enumerate(vocabulary):
        if not all(FIRST <= number < FIRST + 256 + i for number in pair):
            raise ValueError(f"merge {i} joins what is known before it. Received: {pair}")
    return {pair: FIRST + 256 + i for i, pair in enumerate(vocabulary)}


def _merged(piece: str, merges: Merges) -> list[int]:
    numbers = [FIRST + byte for byte in piece.encode()]
    while len(numbers) > 1:
        first = min(pairwise(numbers), key=lambda pair: merges.get(pair, sys.maxsize))
        if first not in merges:
            break
        numbers = join(numbers, first, merges[first])
    return numbers


def join(numbers: list[int], pair: tuple[int, int], merged: int) -> list[int]:
    """Numbers with each occurrence of a pair, from the left, replaced by one number."""
    out, at = [], 0
    while at < len(numbers):
        if tuple(numbers[at : at + 2]) == pair:
            out.append(merged)
            at += 2
        else:
            out.append(numbers[at])
            at += 1
    return out


@lru_cache(maxsize=8)
def _spelled(vocabulary: tuple[tuple[int, int], ...]) -> dict[int, bytes]:
    known = {FIRST + byte: bytes([byte]) for byte in range(256)}
    for i, (a, b) in enumerate(vocabulary):
        known[FIRST + 256 + i] = known[a] + known[b]
    return known


# the operations that turn a text into tokens, by name
SCRIPTS: dict[str, Callable[..., np.ndarray]] = {"characters": characters, "words": words, "pairs": pairs}
