"""What frontends learn from the training split, and a vocabulary also from a text without labels: its entries, the mean
and spread of columns."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from edgeproof import trees
from edgeproof.contract import Decode, Frontend
from edgeproof.frontend import apply, score, text
from train.data import Dataset
from train.recipe import Recipe

Token = TypeVar("Token", str, tuple[int, ...])


def frontends(recipe: Recipe, settings: dict[str, Any], dataset: Dataset) -> tuple[Frontend, ...]:
    """A recipe's frontends, whole.

    A number in place of a vocabulary counts all that the step can give, padding and the unknown among it: the rows of
    the table that a network looks its inputs up in. Data that knows fewer leaves rows unused. None in place of a
    vocabulary stands for the classes of the data set, in place of columns' names, of a length or of a rate for those
    that it has, in place of columns' means and deviations for what the steps before give.
    """
    return tuple(whole(frontend, dataset) for frontend in recipe.frontends(settings))


def decode(recipe: Recipe, frontends: tuple[Frontend, ...]) -> Decode:
    """A recipe's decoding, whole: a forecast is in the units of the columns that it is made from."""
    found = recipe.decode
    scales = [step for frontend in frontends for step in frontend.steps if step["op"] == "standardise"]
    if found.kind != "forecast" or not scales:
        return found
    return dataclasses.replace(found, mean=tuple(scales[0]["mean"]), deviation=tuple(scales[0]["deviation"]))


def whole(frontend: Frontend, dataset: Dataset) -> Frontend:
    """A frontend with what it lacks, learned."""
    steps: tuple[dict[str, Any], ...] = ()
    for step in frontend.steps:
        missing = [
            key for key, value in step.items() if value is None or (key == "vocabulary" and isinstance(value, int))
        ]
        if missing:
            before = partial(apply, dataclasses.replace(frontend, steps=steps), dataset.train.samples[frontend.input])
            step = {**step, **LEARNED[step["op"]](step, before, dataset)}
        steps = (*steps, step)
    return dataclasses.replace(frontend, steps=steps)


Values = Callable[[], np.ndarray]


def _told(step: dict[str, Any], before: Values, dataset: Dataset) -> dict[str, Any]:
    known: dict[str, Values | Callable[[], Any]] = {
        "names": lambda: list(dataset.columns),
        "length": lambda: (*before().shape, 0)[1],
        "rate": lambda: dataset.rate,
    }
    return {key: known[key]() for key, value in step.items() if value is None}


def _spread(step: dict[str, Any], before: Values, dataset: Dataset) -> dict[str, Any]:
    """Mean and standard deviation of each column; 1 where a column never changes. Seven digits, as float32 has."""
    values = before()
    rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    told = {"mean": mean, "deviation": np.where(deviation > 0, deviation, 1.0)}
    return {key: [float(f"{number:.7g}") for number in found] for key, found in told.items()}


def _vocabulary(learn: Callable[[list[str], int], Any]) -> Callable[..., dict[str, Any]]:
    def learned(step: dict[str, Any], before: Values, dataset: Dataset) -> dict[str, Any]:
        if step["vocabulary"] is None:
            return _labels(step, before, dataset)
        lower = step.get("lower", step["op"] in ("words", "tree"))
        known = before() if dataset.text is None else np.concatenate([before(), dataset.text])
        texts = [str(sample).lower() if lower else str(sample) for sample in known]
        return {"vocabulary": learn(texts, step["vocabulary"])}

    return learned


def _characters(texts: list[str], size: int) -> str:
    return "".join(_frequent((char for sample in texts for char in sample), size - text.FIRST))


def _words(texts: list[str], size: int) -> list[str]:
    return _frequent((word for sample in texts for word in text.split(sample, lower=False)), size - text.FIRST)


def _leaves(texts: list[str], size: int) -> list[str]:
    return _frequent((word for sample in texts for word in trees.read(sample).words), size - text.FIRST)


def _frequent(tokens: Iterable[str], most: int) -> list[str]:
    """The most frequent tokens, the first of them first; equally frequent ones in the alphabet's order."""
    return _likeliest(Counter(tokens), most)


def _likeliest(counts: Mapping[Token, int], most: int) -> list[Token]:
    return sorted(counts, key=lambda token: (-counts[token], token))[: max(0, most)]


def _pairs(texts: list[str], size: int) -> list[list[int]]:
    """Byte-pair merges (Sennrich, Haddow, Birch 2016, algorithm 1): again and again the most frequent pair, of equally
    frequent ones that with the smallest numbers; never one that occurs but once."""
    counts = Counter(piece for sample in texts for piece in text.pieces(sample))
    spelled = {piece: [text.FIRST + byte for byte in piece.encode()] for piece in counts}
    merges: list[list[int]] = []
    found: Counter[tuple[int, int]] = Counter()
    where: dict[tuple[int, int], set[str]] = {}

    def count(piece: str, sign: int) -> None:
        numbers = spelled[piece]
        for pair in pairwise(numbers):
            found[pair] += sign * counts[piece]
            where.setdefault(pair, set()).add(piece)

    for piece in counts:
        count(piece, 1)
    while len(merges) < size - text.FIRST - 256 and found:
        pair = min(found, key=lambda p: (-found[p], p))
        if found[pair] < 2:
            break
        merges.append(list(pair))
        for piece in where.pop(pair):
            count(piece, -1)
            spelled[piece] = text.join(spelled[piece], pair, text.FIRST + 255 + len(merges))
            count(piece, 1)
        found = Counter({p: n for p, n in found.items() if n > 0})
    return merges


def _notes(step: dict[str, Any], before: Values, dataset: Dataset) -> dict[str, Any]:
    values = before()
    found: dict[tuple[int, ...], int] = {}
    for voice, place in np.ndindex(values.shape[2], step["grid"]):
        for note, n in zip(*np.unique(values[:, place :: step["grid"], voice], return_counts=True), strict=True):
            found[voice, place, int(note)] = int(n)
    return {"vocabulary": [list(entry) for entry in _likeliest(found, step["vocabulary"] - text.FIRST)]}


def _chords(step: dict[str, Any], before: Values, dataset: Dataset) -> dict[str, Any]:
    """For each of the most frequent harmonies the chord that it most often is."""
    values = before()
    rows, counts = np.unique(values[:, :: step["grid"]].reshape(-1, values.shape[2]), axis=0, return_counts=True)
    known = {tuple(chord): int(n) for chord, n in zip(rows.tolist(), counts, strict=True)}
    total: Counter[score.Harmony] = Counter()
    chord_of: dict[score.Harmony, tuple[int, ...]] = {}
    for chord in _likeliest(known, len(known)):
        total[score.harmony(chord)] += known[chord]
        chord_of.setdefault(score.harmony(chord), chord)
    chosen = _likeliest({chord_of[harmony]: n for harmony, n in total.items()}, step["vocabulary"] - text.FIRST)
    return {"vocabulary": [list(chord) for chord in chosen]}


def _labels(step: dict[str, Any], before: Values, dataset: Dataset) -> dict[str, Any]:
    return {"vocabulary": list(dataset.labels)}


# op -> from the step, what the steps before make of the training split, and the data set, to the arguments it lacks
LEARNED: dict[str, Callable[[dict[str, Any], Values, Dataset], dict[str, Any]]] = {
    "characters": _vocabulary(_characters),
    "words": _vocabulary(_words),
    "pairs": _vocabulary(_pairs),
    "tree": _vocabulary(_leaves),
    "columns": _told,
    "band_pass": _told,
    "samples": _told,
    "log_mel": _told,
    "standardise": _spread,
    "titles": _labels,
    "notes": _notes,
    "chords": _chords,
}
