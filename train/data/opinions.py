"""Opinions as trees whose every phrase has a mood from 0, very bad, to 4, very good: by a SYNTHETIC grammar.

Words have a mood of their own, and what stands before them changes it: "very" and "utterly" take it to the end of its
side, "slightly" back towards the middle, "not" turns it round and weakens it, "never" turns it round and strengthens
it. Of two clauses joined by "but" the second counts, by "though" the first, by "and" both. Written as the Stanford
Sentiment Treebank is: `(3 (2 (2 the) (2 film)) (3 (2 is) (3 good)))`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, generated

LABELS = ("very negative", "negative", "neutral", "positive", "very positive")
SIZES = {"train": 2400, "validation": 400, "test": 800}
_MIDDLE = 2
_NAMES = (
    "film", "plot", "cast", "ending", "music", "story", "humour", "pace", "dialogue", "sequel", "hero", "camera",
)  # fmt: skip
_WORDS = {
    -2: ("awful", "terrible", "dreadful", "unbearable", "horrible", "atrocious"),
    -1: ("dull", "weak", "clumsy", "bland", "tedious", "shallow"),
    0: ("long", "loud", "quiet", "short", "modern", "old"),
    1: ("good", "nice", "pleasant", "clever", "charming", "funny"),
    2: ("superb", "brilliant", "wonderful", "magnificent", "perfect", "stunning"),
}
_STRONGER = ("very", "really", "utterly", "extremely")
_WEAKER = ("slightly", "somewhat", "fairly")
_DETERMINERS = ("the", "this", "that", "their", "its")
_VERBS = ("is", "was", "seems", "felt", "remains")

Told = tuple[int, str]  # a phrase: its mood from -2 to 2, and it in brackets


def load(directory: Path | None = None) -> Dataset:
    """The embedded trees.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded trees are made by a grammar", "treebank")
    said = "opinions as trees with the mood of each phrase, made by a SYNTHETIC grammar (train/data/opinions.py)"
    taken: set[str] = set()

    def make(n: int, *, seed: int) -> Split:
        return write(n, seed=seed, taken=taken)

    return generated(make, SIZES, LABELS, said)


def write(n: int, *, seed: int, taken: set[str] | None = None) -> Split:
    """n trees that differ from each other and from those taken, as many of each mood."""
    rng = np.random.default_rng([seed, 21])
    taken = set() if taken is None else taken
    found: list[list[str]] = [[] for _ in LABELS]
    most = -(-n // len(LABELS))
    while any(len(trees) < most for trees in found):
        mood, tree = opinion(rng)
        trees = found[mood + _MIDDLE]
        if tree not in taken and len(trees) < most:
            taken.add(tree)
            trees.append(tree)
    every, labels = np.concatenate([np.array(trees) for trees in found]), np.repeat(np.arange(len(LABELS)), most)
    order = rng.permutation(len(every))[:n]
    return Split({"tree": every[order]}, labels[order].astype(np.int64))


def opinion(rng: np.random.Generator) -> Told:
    """One sentence."""
    said = _clause(rng)
    if rng.random() < 0.6:
        joint = _one(rng, ("but", "though", "and"))
        other = _clause(rng)
        rest = _joined(other[0], _word(joint), other)
        mood = {"but": other[0], "though": said[0], "and": both(said[0], other[0])}[joint]
        said = _joined(mood, said, rest)
    return _joined(said[0], said, _word(_one(rng, (".", "!"))))


def both(first: int, second: int) -> int:
    """The mood of two clauses that both count: halfway, away from the middle, where opposites meet in it."""
    total = first + second
    return int(np.sign(total)) * ((abs(total) + (abs(total) == 3)) // 2)


def changed(word: str, mood: int) -> int:
    """The mood of a phrase after a word that changes it."""
    side = int(np.sign(mood))
    if word in _STRONGER:
        return 2 * side
    if word in _WEAKER:
        return side
    return {"not": -side, "never": -2 * side}[word]


def _clause(rng: np.random.Generator) -> Told:
    subject = _joined(0, _word(_one(rng, _DETERMINERS)), _word(_one(rng, _NAMES)))
    mood = int(rng.integers(-2, 3))
    said = (mood, f"({mood + _MIDDLE} {_one(rng, _WORDS[mood])})")
    for words in ((*_STRONGER, *_WEAKER), ("not", "never")):
        if rng.random() < 0.5:
            word = _one(rng, words)
            said = _joined(changed(word, said[0]), _word(word), said)
    said = _joined(said[0], _word(_one(rng, _VERBS)), said)
    return _joined(said[0], subject, said)


def _one(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]


def _word(word: str) -> Told:
    return 0, f"({_MIDDLE} {word})"


def _joined(mood: int, left: Told, right: Told) -> Told:
    return mood, f"({mood + _MIDDLE} {left[1]} {right[1]})"
