"""Any text to learn word vectors from: DIR/*.txt, in UTF-8; DIR/questions*.txt, if there is any, is what to ask of it.

Questions are four words a line, as word2vec's set has them; those with a word that the text hardly has are left out.
Without such a file the questions are those that English spelling makes: a word is to the same with "s", "ed", "ing" or
"ly" as another is to what? Some of these pairs are none ("new", "news").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import text
from train.analogies import questions
from train.analogies.asked import Question, among, asked, drawn
from train.data import Dataset

MOST, LEAST = 2000, 5  # words that get a vector: the most frequent, each there so often
LONGEST = 40  # words of a stretch
SIZES = {"train": 400, "validation": 400, "test": 1200}  # questions
_FEWEST = 10
_ENDINGS = ("s", "ed", "ing", "ly")


def load(directory: Path | None = None) -> Dataset:
    """The text of a folder, and questions about its words.

    Raises:
        Refused: no folder, no text in it, one in another encoding, a question that is none, or hardly a question whose
            words the text has.
    """
    found = sorted(directory.glob("*.txt")) if directory else []
    given = [path for path in found if path.name.startswith("questions")]
    texts = [path for path in found if path not in given]
    if not texts:
        raise Refused(
            "data: a text to learn word vectors from lies in files of its own.",
            received=f"no .txt file in {directory}" if directory else "no --data-dir",
            fix="--data text --data-dir DIR, with DIR/*.txt",
        )
    stretches = [stretch for path in texts for stretch in _stretches(_read(path))]
    counts = Counter(word for stretch in stretches for word in stretch)
    common = sorted((word for word in counts if counts[word] >= LEAST), key=lambda word: (-counts[word], word))
    words = tuple(common[:MOST])
    every = _asked(given) if given else by_spelling(words)
    known = set(words)
    covered = [question for question in every if known.issuperset(question)]
    parts = drawn(covered, tuple(SIZES.values()), seed=0)
    if min(map(len, parts)) < _FEWEST:
        raise Refused(
            f"data: the text must have the words of {_FEWEST * sum(SIZES.values()) // min(SIZES.values())} questions.",
            received=f"{len(covered):,} of {len(every):,} covered by {len(words):,} words, each {LEAST} times or more",
            fix="pass a longer text, or questions about what it tells of in DIR/questions.txt",
        )
    train, validation, test = (asked(part, words) for part in parts)
    return Dataset(
        name="text",
        title=f"{sum(counts.values()):,} words of {', '.join(path.name for path in texts[:3])}"
        f"{' and others' if len(texts) > 3 else ''}; {len(covered):,} of {len(every):,} questions covered, "
        f"{f'of {given[0].name}' if given else 'made by English spelling'}",
        licence="as the text",
        synthetic=False,
        train=train,
        validation=validation,
        test=test,
        labels=words,
        text=np.array([" ".join(stretch) for stretch in stretches]),
    )


def by_spelling(words: tuple[str, ...]) -> list[Question]:
    """Every question between two pairs of a word and the same with one ending."""
    known = set(words)
    found = []
    for ending in _ENDINGS:
        found += among([(word, word + ending) for word in words if len(word) > 2 and word + ending in known])
    return found


def _asked(paths: list[Path]) -> list[Question]:
    return [
        (a.lower(), b.lower(), c.lower(), d.lower())
        for path in paths
        for section in questions.read(path)
        for a, b, c, d in section.questions
    ]


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            "data: a text must be in UTF-8.", received=f"{path}: offset {error.start}", fix="save it as UTF-8"
        ) from error


def _stretches(body: str) -> Iterator[list[str]]:
    """Lines as words in small letters, marks left out, long ones cut."""
    for line in body.splitlines():
        words = [word for word in text.split(line) if word[0].isalpha()]
        yield from (words[at : at + LONGEST] for at in range(0, len(words), LONGEST))
