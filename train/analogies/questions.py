"""Analogies by the offset of vectors (Mikolov, Yih, Zweig 2013, "Linguistic regularities in continuous space word
representations", section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.analogies.vectors import Vectors
from train.data import skipping

_BATCH = 512


@dataclass(frozen=True)
class Section:
    """Questions under one heading, (n, 4) words each."""

    name: str
    questions: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class Answers:
    """Of a section: whether each question was answered right, (covered,); and how many there were."""

    name: str
    right: np.ndarray
    asked: int


def read(path: Path) -> list[Section]:
    """The questions of a file: four words a line, sections begun by a line ": name", as word2vec's set has them.

    Raises:
        Refused: missing, in another encoding, or a line of another number of words.
    """
    if not path.is_file():
        raise Refused("analogies: the file must exist.", received=str(path), fix="check the path")
    try:
        lines = path.read_bytes().decode().splitlines()
    except UnicodeDecodeError as error:
        raise Refused(
            "analogies: the file must be in UTF-8.", received=f"{path}: offset {error.start}", fix="save it as UTF-8"
        ) from error
    found: list[tuple[str, list[tuple[str, str, str, str]]]] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if line.startswith(":"):
            found.append((line[1:].strip(), []))
        elif len(words) == 4:
            if not found:
                found.append(("", []))
            found[-1][1].append((words[0], words[1], words[2], words[3]))
        elif words:
            skipping.bad(
                "analogies: a question must have four words.",
                received=f"{path}, line {number}: {line[:60]}",
                fix='write "Athens Greece Baghdad Iraq"',
            )
    return [Section(name, tuple(questions)) for name, questions in found]


def answer(vectors: Vectors, a: str, b: str, c: str, *, most: int = 5) -> list[tuple[str, float]]:
    """a is to b as c is to what? The words nearest to b - a + c by cosine, none of the three among them.

    Raises:
        Refused: a word that has no vector.
    """
    missing = [word for word in (a, b, c) if _at(vectors.index, word) is None]
    if missing:
        raise Refused(
            "analogies: every word must have a vector.", received=f"none for {', '.join(missing)}", fix="ask of others"
        )
    asked = np.array([[_at(vectors.index, word) for word in (a, b, c)]])
    scores = _scores(vectors.rows, _unit(vectors.rows), asked)[0]
    order = np.argsort(-scores, kind="stable")[:most]
    return [(vectors.words[i], float(scores[i])) for i in order]


def judge(vectors: Vectors, sections: list[Section]) -> list[Answers]:
    """Each section's questions; those with a word that has no vector are not covered. Case counts only where the
    vectors have the word in no other."""
    index, unit = vectors.index, _unit(vectors.rows)
    found = []
    for section in sections:
        places = [[_at(index, word) for word in question] for question in section.questions]
        covered = np.array([row for row in places if None not in row], np.int64).reshape(-1, 4)
        parts = [covered[i : i + _BATCH] for i in range(0, len(covered), _BATCH)]
        right = [np.argmax(_scores(vectors.rows, unit, part[:, :3]), axis=1) == part[:, 3] for part in parts]
        found.append(Answers(section.name, np.concatenate([np.empty(0, bool), *right]), len(places)))
    return found


def _at(index: dict[str, int], word: str) -> int | None:
    return index.get(word, index.get(word.lower()))


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def _scores(rows: np.ndarray, unit: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Cosines of b - a + c, the vectors as long as they are, with every word, (n, words); -inf for the three."""
    a, b, c = (rows[asked[:, i]] for i in range(3))
    scores = _unit(b - a + c) @ unit.T
    np.put_along_axis(scores, asked, -np.inf, axis=1)
    return np.asarray(scores)
