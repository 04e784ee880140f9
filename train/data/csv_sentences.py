"""Sentences with labels in CSV files: DIR/train.csv, DIR/test.csv and, if there is, DIR/validation.csv.

A row is a sentence and its label, a whole number from 0 or a name; further columns, which course material has, are
passed over, as is a header that says "sentence" or "text".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, Split, skipping, stratified, tables

_HELD_OUT = 7  # every so many training rows, one is for validation where no file is
_LAYOUT = "lay it out as DIR/train.csv and DIR/test.csv, a sentence and its label in each row"
_HEADS = ("sentence", "text")


def load(directory: Path | None = None) -> Dataset:
    """Sentences by label, those of the training file first seen once each.

    Raises:
        Refused: no folder or file, a row that is none, a label that training lacks, or a sentence in two splits.
    """
    if directory is None:
        raise Refused("csv: sentences must be given.", received="no --data-dir", fix=_LAYOUT)
    names = [
        name for name in ("train", "validation", "test") if name != "validation" or _file(directory, name).exists()
    ]
    rows = {name: _rows(_file(directory, name)) for name in names}
    labels = _labels([label for _, label, _ in rows["train"]])
    taken: dict[str, str] = {}
    splits = {name: _split(rows[name], name, _file(directory, name), labels, taken) for name in names}
    train = splits["train"]
    assert train.labels is not None
    if "validation" not in splits:
        held_out, rest = stratified(train.labels, (len(train) // _HELD_OUT,), seed=0)
        tokens = train.samples["tokens"]
        splits["validation"] = Split({"tokens": tokens[held_out]}, train.labels[held_out])
        splits["train"] = Split({"tokens": tokens[rest]}, train.labels[rest])
    return Dataset(
        name="csv",
        title=f"{sum(map(len, splits.values())):,} sentences of CSV files",
        licence="not stated",
        synthetic=False,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        labels=labels,
    )


def _file(directory: Path, name: str) -> Path:
    return directory / f"{name}.csv"


def _rows(path: Path) -> list[tuple[str, str, str]]:
    """Sentence, label and place of each row."""
    found: list[tuple[str, str, str]] = []
    for where, row in tables.rows(path, "csv", _LAYOUT):
        if not found and row[0].strip().lower() in _HEADS:
            continue
        sentence, label = (" ".join(cell.split()) for cell in (*row, "")[:2])
        if sentence and label:
            found.append((sentence, label, where))
        else:
            skipping.bad(
                "csv: a row must hold a sentence and its label.", received=f"{where}: {','.join(row)[:80]}", fix=_LAYOUT
            )
    return found


def _labels(told: list[str]) -> tuple[str, ...]:
    """Names of the classes: numbers by size, names by the alphabet."""
    if all(label.isdecimal() for label in told):
        return tuple(map(str, range(max(map(int, told), default=-1) + 1)))
    return tuple(sorted(set(told)))


def _split(
    rows: list[tuple[str, str, str]], name: str, path: Path, labels: tuple[str, ...], taken: dict[str, str]
) -> Split:
    sentences, numbers = [], []
    for sentence, label, where in rows:
        if label not in labels:
            skipping.bad(
                "csv: a label must be one that training has.",
                received=f"{where}: {label}",
                fix=f"known: {', '.join(labels)}",
            )
        elif taken.setdefault(sentence, name) != name:
            skipping.bad(
                "csv: a sentence must be in one split alone.",
                received=f"{where}: {sentence[:60]}, which {taken[sentence]}.csv has too",
                fix="delete one of them",
            )
        else:
            sentences.append(sentence)
            numbers.append(labels.index(label))
    missing = [label for i, label in enumerate(labels) if i not in numbers]
    if name == "train" and (missing or len(labels) < 2):
        raise Refused(
            "csv: training must have two classes or more, each with a sentence.",
            received=f"{path}: none of {', '.join(missing)}" if missing else f"{path}: {', '.join(labels) or 'no row'}",
            fix=_LAYOUT,
        )
    return Split({"tokens": np.array(sentences, np.str_)}, np.array(numbers, np.int64))
