"""Word vectors as their makers publish them, word2vec's text, GloVe's text, JSON, and as a checkpoint here has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof import atomic
from edgeproof.contract import Contract
from edgeproof.errors import Refused
from edgeproof.frontend.text import FIRST
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
    """Vectors of a file, whichever of the three layouts it has, or of a checkpoint of `word_vectors`, `.h5`. Of a word
    that is there twice the first counts.

    Raises:
        Refused: missing, in another encoding, empty, or with a row that is none; the row is named, unless rows are to
            be passed over (`train.data.skipping`).
    """
    if not path.is_file():
        raise Refused("vectors: the file must exist.", received=str(path), fix="check the path")
    if path.suffix == ".h5":
        return _checkpoint(path)
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


def write(vectors: Vectors, path: Path) -> None:
    """As word2vec's text: a line of how many words and how many numbers each, then a line a word.

    Raises:
        Refused: a place that can't be written, or a word with white space in it, which the layout has no way to tell.
    """
    broken = [word for word in vectors.words if word.split() != [word]]
    if broken:
        raise Refused(
            "vectors: words in word2vec's text must be without white space.",
            received=repr(broken[0][:40]),
            fix="leave such words out",
        )
    rows = (" ".join([word, *map(str, row)]) for word, row in zip(vectors.words, vectors.rows, strict=True))
    atomic.write_text(path, "\n".join([f"{len(vectors.words)} {vectors.rows.shape[1]}", *rows]) + "\n")


def _checkpoint(path: Path) -> Vectors:
    """The table "vectors" of a checkpoint, and the words that its contract tells of."""
    import h5py  # a third of a second

    try:
        with h5py.File(path, "r") as file:
            contract = Contract.from_json(file.attrs.get(Contract.KEY, ""), source=str(path))
            rows = np.array(file["model_weights/vectors/vectors/embeddings"], np.float32)[FIRST:]
    except (OSError, KeyError) as error:
        raise Refused(
            "vectors: a checkpoint must be one of word vectors.",
            received=f"{path}: {error}",
            fix="python -m train word_vectors",
        ) from error
    words = tuple(map(str, contract.frontends[0].stated("vocabulary"))) if contract.frontends else ()
    if len(words) != len(rows):
        raise Refused(
            "vectors: a checkpoint must have as many vectors as words.",
            received=f"{path}: {len(rows)} vectors, {len(words)} words",
            fix="train it again",
        )
    return Vectors(words, rows)


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
