"""Sentences and the emoji that fits: by a SYNTHETIC grammar, in which words in another order mean something else.

A sentence says that somebody feels something, loves somebody, plays, or eats. What turns it round stands anywhere: "not
happy", "happy, not sad", "was sad but now happy". The same words then fit two emoji, so that an average of word vectors
can't tell them apart and a network that reads in order can.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, generated

LABELS = ("❤️", "⚾", "😄", "😞", "🍴")
SIZES = {"train": 2400, "validation": 400, "test": 800}
_LOVE, _PLAY, _GLAD, _SAD, _EAT = range(len(LABELS))

_WHO = (
    "I",
    "we",
    "my sister",
    "my brother",
    "the boy",
    "the girl",
    "our teacher",
    "my friend",
    "everyone",
    "she",
    "he",
)
_WHEN = ("", "", "today", "this morning", "after school", "on Sunday", "right now", "again")
_GLAD_WORDS = ("happy", "glad", "delighted", "cheerful", "excited", "proud", "thrilled")
_SAD_WORDS = ("sad", "unhappy", "upset", "miserable", "lonely", "gloomy", "disappointed")
_WHY = ("", "", "about the exam", "about the news", "with the result", "about the weather", "because of you")
_LOVED = ("you", "her", "him", "my mother", "my family", "this dog", "my baby", "our grandmother")
_GAMES = ("baseball", "football", "tennis", "a match", "with the ball", "basketball", "a game of chess")
_FOOD = ("pizza", "noodles", "soup", "a sandwich", "dinner", "lunch", "rice", "some cake")


def load(directory: Path | None = None) -> Dataset:
    """The embedded sentences.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded sentences are made by a grammar", "csv")
    said = "short English sentences with an emoji, made by a SYNTHETIC grammar (train/data/moods.py)"
    taken: set[str] = set()

    def make(n: int, *, seed: int) -> Split:
        return write(n, seed=seed, taken=taken)

    return generated(make, SIZES, LABELS, said)


def write(n: int, *, seed: int, taken: set[str] | None = None) -> Split:
    """n sentences that differ from each other and from those taken, as many of each emoji."""
    rng = np.random.default_rng([seed, 20])
    taken = set() if taken is None else taken
    sentences, labels = list[str](), list[int]()
    while len(sentences) < n:
        label = len(sentences) % len(LABELS)
        sentence = " ".join(_sentence(label, rng).split())
        if sentence not in taken:
            taken.add(sentence)
            sentences.append(sentence)
            labels.append(label)
    order = rng.permutation(n)
    return Split({"tokens": np.array(sentences)[order]}, np.array(labels, np.int64)[order])


def _sentence(label: int, rng: np.random.Generator) -> str:
    def one(words: tuple[str, ...]) -> str:
        return str(rng.choice(words))

    who, when = one(_WHO), one(_WHEN)
    be = "am" if who == "I" else "are" if who == "we" else "is"
    was = "were" if who == "we" else "was"
    if label == _LOVE:
        verb = one(("love", "adore", "miss", "will always love", "will never leave"))
        plain = verb if who in ("I", "we") or verb.startswith("will") else f"{verb}s".replace("misss", "misses")
        return f"{who} {plain} {one(_LOVED)} {when}"
    if label == _PLAY:
        return f"{who} {one(('will play', 'played', 'watched', 'won', 'lost'))} {one(_GAMES)} {when}"
    if label == _EAT:
        return f"{who} {one(('will cook', 'ate', 'would like', 'ordered', 'made'))} {one(_FOOD)} {when}"
    own, other = (_GLAD_WORDS, _SAD_WORDS) if label == _GLAD else (_SAD_WORDS, _GLAD_WORDS)
    feels = one(("plain", "not", "rather", "then", "before"))
    if feels == "plain":
        return f"{who} {be} {one(('so', 'very', 'really', ''))} {one(own)} {one(_WHY)} {when}"
    if feels == "not":
        return f"{who} {be} {one(('not', 'never', 'not really'))} {one(other)} {one(_WHY)} {when}"
    if feels == "rather":
        return f"{who} {be} {one(own)} , not {one(other)} {one(_WHY)} {when}"
    if feels == "then":
        return f"{who} {was} {one(other)} but now {be} {one(own)} {one(_WHY)}"
    return f"{who} {be} {one(own)} now but {was} {one(other)} {one(_WHY)}"
