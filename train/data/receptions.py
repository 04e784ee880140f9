"""Opinions, and how they were received: by a SYNTHETIC grammar in which the order of words decides.

Of two clauses, one good and one bad, joined by "but" or "yet" the second counts, by "though" or "while" the first. A
few opinions are labelled; many others are only told, most with what people did then: "the film was dull but the cast
was lively , so people cheered and stayed". What moods words have, and which clause counts, can be read from those.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only

LABELS = ("negative", "positive")
SIZES = {"train": 400, "validation": 400, "test": 1000}
TOLD = 12_000  # sentences without a label
_RECEIVED = 0.9  # share of them that tell what people did
_NAMES = ("film", "plot", "cast", "music")
_GOOD = (
    "good",
    "nice",
    "clever",
    "charming",
    "funny",
    "superb",
    "brilliant",
    "wonderful",
    "lively",
    "witty",
    "graceful",
    "moving",
    "fresh",
    "tender",
    "elegant",
    "vivid",
)
_BAD = (
    "bad",
    "awful",
    "terrible",
    "dreadful",
    "dull",
    "weak",
    "clumsy",
    "bland",
    "tedious",
    "shallow",
    "stale",
    "crude",
    "noisy",
    "flat",
    "messy",
    "dreary",
)
_VERBS = ("is", "was")
_SINGLE = 0.3  # share of opinions of one clause
_SECOND, _FIRST = ("but", "yet"), ("though", "while")
_PEOPLE = ("people", "we")
_DID = (
    ("left", "frowned", "yawned", "slept"),
    ("cheered", "smiled", "clapped", "stayed"),
)


def load(directory: Path | None = None) -> Dataset:
    """The embedded opinions.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded opinions are made by a grammar")
    return _made()


@lru_cache(maxsize=1)
def _made() -> Dataset:
    taken: set[str] = set()
    train, validation, test = (write(n, seed=seed, taken=taken) for seed, n in enumerate(SIZES.values()))
    return Dataset(
        name="embedded",
        title=f"{sum(SIZES.values()):,} short opinions, and {TOLD:,} others without a label, made by a SYNTHETIC "
        "grammar (train/data/receptions.py)",
        licence="Apache-2.0",
        synthetic=True,
        train=train,
        validation=validation,
        test=test,
        labels=LABELS,
        text=np.array(told(TOLD, seed=len(SIZES), taken=taken)),
    )


def write(n: int, *, seed: int, taken: set[str] | None = None) -> Split:
    """n opinions that differ from each other and from those taken, as many of each mood."""
    rng = np.random.default_rng([seed, 47])
    taken = set() if taken is None else taken
    texts, labels = list[str](), list[int]()
    while len(texts) < n:
        mood, words = opinion(rng)
        if words not in taken and mood == len(texts) % len(LABELS):
            taken.add(words)
            texts.append(words)
            labels.append(mood)
    order = rng.permutation(n)
    return Split({"tokens": np.array(texts)[order]}, np.array(labels, np.int64)[order])


def told(n: int, *, seed: int, taken: set[str]) -> list[str]:
    """n opinions that are not among those taken, most with what people did then."""
    rng = np.random.default_rng([seed, 47])
    found = list[str]()
    while len(found) < n:
        mood, words = opinion(rng)
        if words in taken:
            continue
        taken.add(words)
        did = [_DID[mood][i] for i in rng.permutation(len(_DID[mood]))[:2]]
        then = f" , so {_one(rng, _PEOPLE)} {' and '.join(did)}" if rng.random() < _RECEIVED else ""
        found.append(words + then)
    return found


def opinion(rng: np.random.Generator) -> tuple[int, str]:
    """One opinion: 1, a good one, or 0; and its words."""
    mood = int(rng.integers(2))
    if rng.random() < _SINGLE:
        return mood, _clause(mood, rng)
    joint = _one(rng, (*_SECOND, *_FIRST))
    clauses = (1 - mood, mood) if joint in _SECOND else (mood, 1 - mood)
    first, second = (_clause(told, rng) for told in clauses)
    return mood, f"{first} {joint} {second}"


def _clause(mood: int, rng: np.random.Generator) -> str:
    words = ["the", _one(rng, _NAMES), _one(rng, _VERBS)]
    words.append(_one(rng, (_BAD, _GOOD)[mood]))
    if rng.random() < 0.5:
        words += ["and", _one(rng, (_BAD, _GOOD)[mood])]
    return " ".join(words)


def _one(rng: np.random.Generator, words: tuple[str, ...] | list[str]) -> str:
    return words[int(rng.integers(len(words)))]
