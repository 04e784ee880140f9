"""Word vectors as their makers publish them: word2vec's text, GloVe's text, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import skipping

_LAYOUTS = "a word and its numbers on each line (GloVe, word2vec's text with its header), or a JSON object of lists"


@dataclass(frozen=True)
class Vectors:
    """Words in the file's order, most frequent first as a rule, and their vectors as rows, (words, width) float32."""

    words: tuple[str, ...]
    rows: np.ndarray

    @property
    def index(self) -> dict[str, int]:
        """Where each word stands."""
        return {word: i for i, word in enumerate(self.words)}


def read(path: Path) -> Vectors:
    """Vectors of a file, whichever of the three layouts it has. Of a word that is there twice the first counts.

    Raises:
        Refused: missing, in another encoding, empty, or with a row that is none; the row is named, unless rows are to
            be passed over (`train.data.skipping`).
    """
    if not path.is_file():
        raise Refused("vectors: the file must exist.", received=str(path), fix="check the path")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            "vectors: the file must be in UTF-8.", received=f"{path}: offset {error.start}", fix="save it as UTF-8"
        ) from error
    rows = _json(text, path) if text.lstrip()[:1] == "{" else _lines(text, path)
    found: dict[str, np.ndarray] = {}
    width = 0
    for where, word, numbers in rows:
        try:
            vector = np.array(numbers, np.float32)
        except (ValueError, TypeError, OverflowError):
            vector = np.empty(0, np.float32)
        width = width or (vector.size if vector.ndim == 1 else 0)
        if not word or vector.shape != (width,) or not width or not np.isfinite(vector).all():
            skipping.bad(
                f"vectors: each word must have as many finite numbers as the first, {width or 'one or more'}.",
                received=f"{where}: {word[:40]!r} with {vector.size} numbers",
                fix=_LAYOUTS,
            )
        else:
            found.setdefault(word, vector)
    if not found:
        raise Refused("vectors: the file must hold words with their vectors.", received=f"{path}: none", fix=_LAYOUTS)
    return Vectors(tuple(found), np.stack(list(found.values())))


def _json(text: str, path: Path) -> Iterator[tuple[str, str, object]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("vectors: the file must be whole JSON.", received=f"{path}: {error}", fix=_LAYOUTS) from error
    return ((f"{path}, entry {i + 1}", word, numbers) for i, (word, numbers) in enumerate(value.items()))


def _lines(text: str, path: Path) -> Iterator[tuple[str, str, object]]:
    for i, line in enumerate(text.split("\n")):
        cells = line.rstrip().split(" ")
        header = i == 0 and len(cells) == 2 and all(cell.isdecimal() for cell in cells)
        if line.strip() and not header:
            yield f"{path}, line {i + 1}", cells[0], cells[1:]
