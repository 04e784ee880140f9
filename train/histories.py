"""What recommenders share: samples of what users liked, in the order of time, and the most liked items for everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeproof import metrics
from edgeproof.frontend.titles import BETWEEN
from train.data import Dataset, Split

LEAST = 5  # items in a history, and to come
CUTS = {"train": (0.3, 0.5, 0.7), "validation": (0.5,), "test": (0.5,)}


def split(liked: Sequence[np.ndarray], titles: Sequence[str], part: str) -> Split:
    """Samples of users: what one liked up to some time, as titles, and for each item whether it was liked after.

    Args:
        liked: of each user, indices of items in the order of time, 2 * LEAST or more of them.
        part: "train", where each user is cut at three times, or "validation" or "test", where each is cut in the
            middle.
    """
    texts: list[str] = []
    rows: list[np.ndarray] = []
    for items in liked:
        for at in dict.fromkeys(
            int(np.clip(round(share * len(items)), LEAST, len(items) - LEAST)) for share in CUTS[part]
        ):
            row = np.zeros(len(titles), np.int8)
            row[items[:at]], row[items[at:]] = -1, 1
            rows.append(row)
            texts.append(BETWEEN.join(titles[i] for i in items[:at]))
    return Split({"history": np.array(texts, np.str_)}, np.array(rows).reshape(len(rows), len(titles)))


def popularity(dataset: Dataset) -> np.ndarray:
    """For each test user and item how often training's users liked it, (n, items)."""
    assert dataset.train.labels is not None
    # a user is there once for each cut: each time with all that was liked
    counts = (dataset.train.labels != 0).sum(axis=0).astype(np.float64)
    return np.broadcast_to(counts, (len(dataset.test), len(counts)))


def most_liked(dataset: Dataset, settings: Mapping[str, object]) -> np.ndarray:
    """Recall of the most liked items for everyone, those of the history left out: (n,)."""
    assert dataset.test.labels is not None
    return metrics.recall(popularity(dataset), dataset.test.labels)
