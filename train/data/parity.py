"""Odd or even: two classes made of a data set of digits."""

from __future__ import annotations

import dataclasses

from train.data import Dataset, Split

LABELS = ("even", "odd")


def of(dataset: Dataset) -> Dataset:
    """The same pictures in the same splits, labelled 0 for an even and 1 for an odd digit."""

    def halved(split: Split) -> Split:
        assert split.labels is not None
        return Split(split.samples, split.labels % 2)

    return dataclasses.replace(
        dataset,
        title=f"{dataset.title}, labelled even and odd",
        train=halved(dataset.train),
        validation=halved(dataset.validation),
        test=halved(dataset.test),
        labels=LABELS,
    )
