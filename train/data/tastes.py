"""Users and films by a SYNTHETIC generator: a few hidden tastes, and films that more people see than others.

A film and a user each have a hidden vector; how likely one likes the other grows with their product and with the film's
fame. What a user likes is drawn without replacement, and in no order of time but chance.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only, generated
from train.histories import split

ITEMS, TASTES = 200, 6
SIZES = {"train": 1500, "validation": 300, "test": 600}
_FAME, _TASTE = 0.7, 1.8
_FIRST = ("Amber", "Blue", "Crimson", "Distant", "Empty", "Frozen", "Golden", "Hidden", "Iron", "Jade",
          "Last", "Midnight", "Northern", "Open", "Paper", "Quiet", "Red", "Silent", "Tall", "Winter")  # fmt: skip
_SECOND = ("Harbour", "River", "Garden", "Empire", "Letter", "Road", "Summer", "Station", "Mirror", "Mountain")
TITLES = tuple(f"{first} {second}" for second in _SECOND for first in _FIRST)


def load(directory: Path | None = None) -> Dataset:
    """Users by a generator; samples are what train.histories makes of them."""
    embedded_only(directory, "the embedded users are generated", "movielens")

    def make(n: int, *, seed: int) -> Split:
        return split(users(n, seed=seed), TITLES, list(SIZES)[seed])

    return generated(make, SIZES, TITLES, "SYNTHETIC users with six hidden tastes, and 200 films of unequal fame")


def users(n: int, *, seed: int) -> list[np.ndarray]:
    """Of each user the films liked, 20 to 60 of them, in the order of time."""
    films = np.random.default_rng(99)  # the same films for whatever users
    vectors, fame = films.normal(size=(ITEMS, TASTES)), np.sort(films.normal(size=ITEMS))[::-1]
    rng = np.random.default_rng([7, seed])
    found = []
    for taste in rng.normal(size=(n, TASTES)):
        # the largest of logits plus Gumbel noise are a draw without replacement (Vieira 2014)
        keys = _FAME * fame + _TASTE * (vectors @ taste) / np.sqrt(TASTES) + rng.gumbel(size=ITEMS)
        found.append(rng.permutation(np.argsort(-keys)[: rng.integers(20, 61)]))
    return found
