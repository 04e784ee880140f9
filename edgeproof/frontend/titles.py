"""An operation on lists of titles, "Title one | Title two": which of a vocabulary are there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from edgeproof.errors import Refused

BETWEEN = " | "


def titles(texts: np.ndarray, *, vocabulary: Sequence[str]) -> np.ndarray:
    """Titles as a row of length 1: (n,) text -> (n, titles) float32, 1 / √(titles there) where one is, else 0.

    Upper and lower case are the same; a title that is there twice counts once.

    Raises:
        Refused: a title that the vocabulary lacks, with the nearest that it has, or none at all.
    """
    if texts.ndim != 1:
        raise Refused(
            "titles: a list of titles must be one string.",
            received=f"an array of shape {texts.shape[1:]} for each sample",
            fix=f'pass one string a sample, "First title{BETWEEN}Second title"',
        )
    places = _places(tuple(vocabulary))
    out = np.zeros((len(texts), len(vocabulary)), np.float32)
    for row, text in zip(out, texts, strict=True):
        told = [title.strip() for title in str(text).replace("\n", BETWEEN).split("|")]
        for title in filter(None, told):
            if title.casefold() not in places:
                raise _unknown(title, vocabulary)
            row[places[title.casefold()]] = 1.0
        if not row.any():
            raise Refused(
                "titles: a history must hold one title or more.",
                received=f'"{str(text)[:60]}"',
                fix=f'pass what the user liked, "First title{BETWEEN}Second title"',
            )
        row /= np.sqrt(row.sum())
    return out


@lru_cache(maxsize=8)
def _places(vocabulary: tuple[str, ...]) -> dict[str, int]:
    places = {str(title).casefold(): i for i, title in enumerate(vocabulary)}
    if len(places) < len(vocabulary):
        raise ValueError("titles differ from each other by more than case")
    return places


def _unknown(title: str, vocabulary: Sequence[str]) -> Refused:
    import difflib  # seldom needed

    folded = {str(known).casefold(): str(known) for known in vocabulary}
    close = difflib.get_close_matches(title.casefold(), list(folded), n=3, cutoff=0.4)
    begun = [known for key, known in folded.items() if key.startswith(title.casefold())][:3]
    near = begun or [folded[key] for key in close]
    return Refused(
        f"titles: each title must be one of the {len(vocabulary):,} that the model knows.",
        received=f'"{title[:80]}"',
        fix="did you mean " + " or ".join(f'"{known}"' for known in near) + "?" if near else "leave it out",
    )
