"""Data sets: fixed, disjoint splits of raw samples, with where they come from."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from edgeproof.errors import Refused, nearest
from train.recipe import Recipe


@dataclass(frozen=True)
class Split:
    """Raw samples (n, ...) by input name, with labels where there are any: a class a sample, (n,), or a time step, (n,
    steps), or a string a sample, (n, longest), filled up with -1, or numbers that come next, (n, steps, columns), or
    for each item, (n, items), 1 where it was liked later, -1 where the history holds it, else 0."""

    samples: Mapping[str, np.ndarray]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self.samples.values())))


@dataclass(frozen=True)
class Dataset:
    """A data set ready for training.

    Attributes:
        name: as in `--data`.
        title: what it is, for cards; a synthetic one says so.
        licence: under which its makers give it.
        synthetic: made by a generator, not measured.
        train, validation, test: disjoint; only `train` is ever fitted.
        labels: names of the classes, where the data set knows them.
        strange: what to calibrate with beside the training split, where samples to come are unlike what is trained on:
            a detector's ranges must reach as far as what it is to detect. Disjoint from the other splits.
        rate: samples a second, of a set of sounds, or time steps, of series; of scores time steps a quarter note.
        columns: names of the columns, of a set of series.
        text: sentences to learn from, (n,), of a set whose samples only ask about them: its training split then is what
            is asked in no other.
    """

    name: str
    title: str
    licence: str
    synthetic: bool
    train: Split
    validation: Split
    test: Split
    labels: tuple[str, ...] = ()
    strange: Split | None = None
    rate: int = 0
    columns: tuple[str, ...] = ()
    text: np.ndarray | None = None

    def __post_init__(self) -> None:
        sizes = {split: len(getattr(self, split)) for split in ("train", "validation", "test")}
        if not all(sizes.values()):
            raise Refused(
                f"data: every split of {self.name} must hold samples.",
                received=", ".join(f"{split} {size}" for split, size in sizes.items()),
                fix="pass the folder that holds the whole set with --data-dir",
            )

    def sha256(self) -> str:
        """Of every sample and label, split by split."""
        return self._sha256

    @cached_property
    def _sha256(self) -> str:  # asked for in contract, state, samples and card, and large
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test, *([self.strange] if self.strange else [])):
            for name, array in sorted(split.samples.items()):
                digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
            if split.labels is not None:
                kind = np.float64 if split.labels.dtype.kind == "f" else np.int64
                digest.update(np.ascontiguousarray(split.labels, kind).data)
        if self.text is not None:
            digest.update("\n".join(map(str, self.text)).encode())
        return digest.hexdigest()


def load(recipe: Recipe, name: str, directory: Path | None) -> Dataset:
    """The data set that `--data name` means for a recipe.

    Args:
        directory: where the makers' files lie; None: the cache, filled by a download with pinned hashes.

    Raises:
        Refused: unknown name, files that are missing or damaged, or classes other than the recipe's own.
    """
    if name not in recipe.data:
        raise Refused(
            "train: --data must be a set that the recipe can read.", received=name, fix=nearest(name, recipe.data)
        )
    dataset = importlib.import_module(recipe.data[name]).load(directory)
    assert isinstance(dataset, Dataset)
    return _in_order(dataset, recipe.labels) if recipe.labels and dataset.labels else dataset


def _in_order(dataset: Dataset, labels: tuple[str, ...]) -> Dataset:
    """The data set with its classes numbered as the recipe names them."""
    if sorted(dataset.labels) != sorted(labels):
        raise Refused(
            f"data: the classes of {dataset.name} must be those of the recipe.",
            received=", ".join(dataset.labels),
            fix=f"name them {', '.join(labels)}",
        )
    if dataset.labels == labels:
        return dataset
    number = np.array([labels.index(name) for name in dataset.labels])

    def renumbered(split: Split) -> Split:
        return split if split.labels is None else Split(split.samples, number[split.labels])

    return dataclasses.replace(
        dataset,
        train=renumbered(dataset.train),
        validation=renumbered(dataset.validation),
        test=renumbered(dataset.test),
        labels=labels,
    )


class Generator(Protocol):
    """`n` samples with labels, the same ones for the same seed."""

    def __call__(self, n: int, *, seed: int) -> Split: ...


def generated(
    make: Generator,
    sizes: Mapping[str, int],
    labels: tuple[str, ...],
    what: str,
    *,
    rate: int = 0,
    columns: tuple[str, ...] = (),
) -> Dataset:
    """An embedded set by a generator: train, validation and test of these sizes, each with a seed of its own.

    Args:
        what: the samples are, for the title, which puts their number before it; it must say SYNTHETIC.
        rate: samples a second, of sounds, or time steps, of series.
        columns: names of the columns, of series.
    """
    train, validation, test = (make(n, seed=seed) for seed, n in enumerate(sizes.values()))
    return Dataset(
        name="embedded",
        title=f"{sum(sizes.values()):,} {what}",
        licence="Apache-2.0",
        synthetic=True,
        train=train,
        validation=validation,
        test=test,
        labels=labels,
        rate=rate,
        columns=columns,
    )


def embedded_only(directory: Path | None, what: str, other: str = "") -> None:
    """Embedded data takes no folder.

    Args:
        what: it is, and where it comes from.
        other: a data set that does take one.

    Raises:
        Refused: one is given, which would be passed over in silence.
    """
    if directory is not None:
        named = f"name the data set in it, as in --data {other}, or " if other else ""
        raise Refused(
            f"train: {what}, not from a folder.",
            received=f"--data-dir {directory}",
            fix=f"{named}leave --data-dir out",
        )


def stratified(labels: np.ndarray, sizes: tuple[int, ...], seed: int) -> list[np.ndarray]:
    """Disjoint index sets of these sizes, each with the classes in the proportions of the whole, sorted.

    What is left over is the last set. Sizes are met exactly: shares are rounded by largest remainder.

    Raises:
        Refused: fewer samples than the sizes ask for.
    """
    if sum(sizes) > len(labels):
        raise Refused(
            f"data: splits of {', '.join(map(str, sizes))} samples need as many.",
            received=f"{len(labels)} samples",
            fix="pass the folder that holds the whole set with --data-dir",
        )
    rng = np.random.default_rng(seed)
    left = {int(c): rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)}
    sets = []
    for size in sizes:
        total = sum(map(len, left.values()))
        exact = {c: size * len(members) / total for c, members in left.items()}
        counts = {c: int(share) for c, share in exact.items()}
        by_remainder = sorted(exact, key=lambda c: (counts[c] - exact[c], c))
        for c in by_remainder[: size - sum(counts.values())]:
            counts[c] += 1
        sets.append(np.sort(np.concatenate([left[c][: counts[c]] for c in left])))
        left = {c: members[counts[c] :] for c, members in left.items()}
    sets.append(np.sort(np.concatenate(list(left.values()))))
    return sets
