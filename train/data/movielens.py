"""MovieLens as GroupLens gives it (Harper, Konstan 2015): DIR/ratings.csv and DIR/movies.csv.

Liked is what was rated 4 or more. A sixth of the users is for validation and a sixth to test by; films are the thousand
that most of the others liked, and whoever liked fewer than ten of those is left out. Within a user what was liked first
is the history, and what came later is wanted: time divides each user, not the whole set.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, skipping, tables
from train.histories import LEAST, split

ITEMS = 1000
_LIKED = 4.0
_LAYOUT = "pass the unpacked folder of ml-latest-small or a set like it: ratings.csv and movies.csv"
_RATINGS, _MOVIES = ("userId", "movieId", "rating", "timestamp"), ("movieId", "title")


def load(directory: Path | None = None, items: int = ITEMS) -> Dataset:
    """Users and the films that they liked.

    Raises:
        Refused: no folder or file, a header or row that is none, a film without title, or fewer films than are ranked.
    """
    if directory is None:
        raise Refused("movielens: the files must be given.", received="no --data-dir", fix=_LAYOUT)
    names = _titles(directory / "movies.csv")
    liked = _liked(directory / "ratings.csv", names)
    users = [films for _, films in sorted(liked.items())]
    users = [users[i] for i in np.random.default_rng(0).permutation(len(users))]
    held = len(users) // 6
    parts = {"test": users[:held], "validation": users[held : 2 * held], "train": users[2 * held :]}
    counts = Counter(film for films in parts["train"] for film in films)
    chosen = sorted(counts, key=lambda film: (-counts[film], film))[:items]
    if len(chosen) < items:
        raise Refused(
            f"movielens: training's users must like at least {items:,} films.",
            received=f"{directory / 'ratings.csv'}: {len(chosen):,}", fix=_LAYOUT,
        )  # fmt: skip
    place, titles = {film: i for i, film in enumerate(chosen)}, tuple(names[film] for film in chosen)
    kept = {part: [_of(films, place) for films in who] for part, who in parts.items()}
    kept = {part: [films for films in who if len(films) >= 2 * LEAST] for part, who in kept.items()}
    made = {part: split(who, titles, part) for part, who in kept.items()}
    return Dataset(
        name="movielens",
        title=f"MovieLens: {sum(map(len, kept.values())):,} users who liked ten or more of {items:,} films",
        licence="GroupLens: for research, not commercial, not passed on; cite Harper, Konstan 2015",
        synthetic=False,
        train=made["train"],
        validation=made["validation"],
        test=made["test"],
        labels=titles,
    )


def _of(films: list[int], place: dict[int, int]) -> np.ndarray:
    return np.array([place[film] for film in films if film in place], np.int64)


def _titles(path: Path) -> dict[int, str]:
    """Film -> title; films of the same title tell them apart by their number."""
    found: dict[int, str] = {}
    for where, row in tables.rows(path, "movielens", _LAYOUT, _MOVIES):
        title = " ".join(row[1].replace("|", "/").split()) if len(row) > 1 else ""
        if not (row[0].isascii() and row[0].isdecimal()) or not title or int(row[0]) in found:
            skipping.bad(
                "movielens: a film must have a number of its own and a title.",
                received=f"{where}: {','.join(row)[:80]}", fix=_LAYOUT,
            )  # fmt: skip
            continue
        found[int(row[0])] = title
    often = Counter(title.casefold() for title in found.values())
    return {film: f"{title} #{film}" if often[title.casefold()] > 1 else title for film, title in found.items()}


def _liked(path: Path, names: dict[int, str]) -> dict[int, list[int]]:
    """User -> films liked, in the order of time; those of one second by number."""
    found: dict[int, dict[int, int]] = {}
    for where, row in tables.rows(path, "movielens", _LAYOUT, _RATINGS):
        user, film, rating, time = _rating(row)
        if not 0.5 <= rating <= 5 or film not in names:
            skipping.bad(
                "movielens: a rating must have a user, a film of movies.csv, 0.5 to 5 and a time.",
                received=f"{where}: {','.join(row)[:80]}", fix=_LAYOUT,
            )  # fmt: skip
        elif rating >= _LIKED:
            found.setdefault(user, {})[film] = time
    return {user: sorted(films, key=lambda film: (films[film], film)) for user, films in found.items()}


def _rating(row: list[str]) -> tuple[int, int, float, int]:
    """User, film, rating and time; a rating of 0, which there is none of, where a cell is wrong."""
    try:
        user, film, rating, time = row
        return int(user), int(film), float(rating), int(time)
    except ValueError:
        return 0, 0, 0.0, 0
