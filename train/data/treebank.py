"""Sentiment trees as the Stanford Sentiment Treebank has them: DIR/train.txt, dev.txt, test.txt, a tree a line.

Socher et al. 2013: `(3 (2 It) (4 (4 (2 's) (4 ...)) ...))`, each phrase with its mood from 0 to 4.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof import trees
from edgeproof.errors import Refused
from train.data import Dataset, Split, skipping
from train.data.opinions import LABELS

_LAYOUT = "lay it out as DIR/train.txt, DIR/dev.txt and DIR/test.txt, a tree in each line"


def load(directory: Path | None = None) -> Dataset:
    """Trees by the mood of the whole sentence; of those that are there twice the first alone.

    Raises:
        Refused: no folder or file, or a line that is no tree with moods.
    """
    if directory is None:
        raise Refused("treebank: sentiment trees must be given.", received="no --data-dir", fix=_LAYOUT)
    taken: set[str] = set()
    # Those to be judged first: what is in two files is not trained on.
    test, validation, train = (_split(directory / f"{name}.txt", taken) for name in ("test", "dev", "train"))
    return Dataset(
        name="treebank",
        title=f"{len(train) + len(validation) + len(test):,} sentences with the mood of each phrase",
        licence="not stated",
        synthetic=False,
        train=train,
        validation=validation,
        test=test,
        labels=LABELS,
    )


def _split(path: Path, taken: set[str]) -> Split:
    if not path.is_file():
        raise Refused("treebank: the file must exist.", received=str(path), fix=_LAYOUT)
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        place = path.read_bytes()[: error.start].count(b"\n") + 1
        raise Refused(
            "treebank: a file must be in UTF-8.",
            received=f"{path}, line {place}: byte {error.object[error.start]:#04x}",
            fix="save it as UTF-8",
        ) from error
    found, labels = [], []
    for number, line in enumerate(lines, 1):
        if line.strip() and (tree := _tree(line, f"{path}, line {number}")) and tree.brackets() not in taken:
            taken.add(tree.brackets())
            found.append(tree.brackets())
            labels.append(int(tree.labels[-1]))
    return Split({"tree": np.array(found, np.str_)}, np.array(labels, np.int64))


def _tree(line: str, where: str) -> trees.Tree | None:
    """The tree of a line; None where a bad one is passed over."""
    try:
        tree = trees.read(line, where)
    except Refused as error:
        skipping.bad(error.rule, received=error.received, fix=error.fix)
        return None
    if wrong := [label for label in tree.labels if label not in map(str, range(len(LABELS)))]:
        skipping.bad(
            f"treebank: every phrase must have a mood from 0 to {len(LABELS) - 1}.",
            received=f"{where}: {wrong[0][:40]}",
            fix="label it, or leave the sentence out",
        )
        return None
    return tree
