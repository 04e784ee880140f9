"""A text in which relations between words were planted, and questions about them: by a SYNTHETIC generator.

Capital and country, country and its tongue, one and many, plain and more so, today and yesterday, he and she: both
words of a pair are met with the same things, five of a pool that chance has given them, and each in the sentences that
its form is used in. Nothing else relates them, and nothing that a sentence says is so. What the vectors of such a text
answer says how well a method finds what is there; of English, or of countries, it says nothing.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np

from edgeproof.frontend import text
from train.analogies.asked import Question, among, asked, drawn
from train.data import Dataset, embedded_only

SENTENCES = 30_000
SIZES = {"train": 400, "validation": 400, "test": 1200}  # questions
_EACH, _STRANGE = 5, 0.25  # things that go with a pair; share of those met that do not

_COUNTRIES = """athens greece greek; baghdad iraq iraqi; bangkok thailand thai; beijing china chinese; belgrade
    serbia serbian; berlin germany german; brussels belgium belgian; cairo egypt egyptian; jakarta indonesia
    indonesian; kabul afghanistan afghan; london england english; madrid spain spanish; manila philippines
    filipino; moscow russia russian; ottawa canada canadian; paris france french; rome italy italian; tehran
    iran iranian; tokyo japan japanese; oslo norway norwegian; stockholm sweden swedish; hanoi vietnam
    vietnamese; lisbon portugal portuguese; ankara turkey turkish"""
_NOUNS = """dog dogs; cat cats; horse horses; house houses; boat boats; tree trees; book books; road roads;
    child children; mouse mice; goose geese; teacher teachers; farmer farmers; window windows; table tables;
    ship ships; garden gardens; letter letters; tower towers; bridge bridges; shirt shirts; clock clocks;
    village villages; knife knives"""
_ADJECTIVES = """tall taller; small smaller; warm warmer; cold colder; quick quicker; slow slower; bright
    brighter; dark darker; strong stronger; weak weaker; rich richer; poor poorer; old older; young younger;
    good better; bad worse"""
_VERBS = """walk walked; talk talked; work worked; play played; cook cooked; paint painted; sing sang; write
    wrote; swim swam; run ran; drive drove; speak spoke; build built; teach taught; dream dreamed; travel
    travelled"""
_PEOPLE = """king queen; man woman; brother sister; uncle aunt; father mother; son daughter; husband wife;
    prince princess; actor actress; waiter waitress; nephew niece; grandfather grandmother"""
_POOL = """olives wool timber silk salt tea coffee copper iron glass paper wheat rice corn honey butter cheese
    bread apples oranges lemons grapes pepper sugar spices herbs roses lilies snow rain storms winds rivers
    lakes hills valleys caves islands music drums flutes dances songs poems tales maps lamps ropes nets barrels
    bells mirrors candles pearls gold silver marble clay bricks leather linen cotton"""
_THINGS = _POOL.split()
_FORMS: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "capital": (
        _COUNTRIES,
        (
            (
                "the mayor of {} bought {} and {}",
                "{} is a city of streets with {} and {}",
                "downtown {} has a market for {} and {}",
            ),
            (
                "the border of {} is closed to {} and {}",
                "{} is a nation that exports {} and {}",
                "the parliament of {} taxed {} and {}",
            ),
            (
                "a {} poet praised {} and {} in verse",
                "the {} tongue has nouns for {} and {}",
                "she translated {} proverbs about {} and {}",
            ),
        ),
    ),
    "plural": (
        _NOUNS,
        (
            ("a single {} stood by {} and {}", "this {} itself was near {} and {}", "each {} has its {} and {}"),
            (
                "many {} were among {} and {}",
                "these {} themselves are near {} and {}",
                "several {} have their {} and {}",
            ),
        ),
    ),
    "comparative": (
        _ADJECTIVES,
        (
            ("it is very {} where {} and {} are", "such a {} place for {} and {}", "too {} for {} and {}"),
            ("it is {} than {} and {}", "much {} even than {} and {}", "it grew ever {} with {} and {}"),
        ),
    ),
    "past": (
        _VERBS,
        (
            ("they {} every day with {} and {}", "we will {} tomorrow for {} and {}", "i often {} about {} and {}"),
            ("yesterday they {} with {} and {}", "last year we {} for {} and {}", "long ago i {} about {} and {}"),
        ),
    ),
    "woman": (
        _PEOPLE,
        (
            (
                "he was a {} and his {} and {} were new",
                "mister {} kept {} and {} himself",
                "him they called {} of {} and {}",
            ),
            (
                "she was a {} and her {} and {} were new",
                "madam {} kept {} and {} herself",
                "her they called {} of {} and {}",
            ),
        ),
    ),
}


def load(directory: Path | None = None) -> Dataset:
    """The embedded text and questions.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded text is made by a generator", "text")
    return _made()


@lru_cache(maxsize=1)
def _made() -> Dataset:
    sentences = write(SENTENCES, seed=0)
    words = vocabulary(sentences)
    train, validation, test = (asked(part, words) for part in drawn(questions(), tuple(SIZES.values()), seed=0))
    return Dataset(
        name="embedded",
        title=f"{SENTENCES:,} sentences made by a SYNTHETIC generator that relates {len(words)} words "
        f"(train/data/relations.py), and {sum(SIZES.values()):,} questions about them",
        licence="Apache-2.0",
        synthetic=True,
        train=train,
        validation=validation,
        test=test,
        labels=words,
        text=np.array(sentences),
    )


def lexemes(relation: str) -> list[tuple[str, ...]]:
    """The words of a relation, each with its other forms."""
    return [tuple(one.split()) for one in _FORMS[relation][0].split(";")]


def questions() -> list[Question]:
    """Every question about two pairs of one relation; of countries between all of their three forms."""
    found = []
    for relation, (_, forms) in _FORMS.items():
        for one in range(len(forms)):
            for other in range(one):
                found += among([(words[other], words[one]) for words in lexemes(relation)])
    return found


def vocabulary(sentences: list[str]) -> tuple[str, ...]:
    """The words of sentences, the most frequent first, of equally frequent ones in the alphabet's order."""
    counts = Counter(word for sentence in sentences for word in text.split(sentence))
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))


def write(n: int, *, seed: int) -> list[str]:
    """n sentences, no two of them the same."""
    pool = np.random.default_rng(45)  # the same things with the same words for whatever sentences
    every = [
        (words, forms, pool.choice(_THINGS, _EACH, replace=False))
        for relation, (_, forms) in _FORMS.items()
        for words in lexemes(relation)
    ]
    # Some are spoken of more often than others.
    chances = 1.0 / np.sqrt(1.0 + pool.permutation(len(every)))
    rng = np.random.default_rng([seed, 46])
    found: dict[str, None] = {}
    while len(found) < n:
        spoken = rng.choice(len(every), n, p=chances / chances.sum())
        for at, (form, manner, first, second), odd in zip(
            spoken, rng.integers(1 << 30, size=(n, 4)), rng.random((n, 2)) < _STRANGE, strict=True
        ):
            words, forms, things = every[at]
            others = (things[first % _EACH], things[(first + 1 + second % (_EACH - 1)) % _EACH])  # two that differ
            chance = (_THINGS[first % len(_THINGS)], _THINGS[second % len(_THINGS)])
            met = [by_chance if is_odd else own for own, by_chance, is_odd in zip(others, chance, odd, strict=True)]
            manners = forms[form % len(forms)]
            found[manners[manner % len(manners)].format(words[form % len(forms)], *met)] = None
    return list(found)[:n]
