"""Sentiment trees: by the grammar, from files, and as the objective takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeproof import trees
from edgeproof.errors import Refused
from train.data import opinions, skipping, treebank
from train.objectives import recursive


def mood(tree: trees.Tree) -> list[int]:
    """Moods by the grammar's rules, worked out again from the words' own."""
    found = [int(label) - 2 for label in tree.labels[: len(tree.words)]]
    heads = list(tree.words)
    for left, right in tree.pairs:
        first, word = found[left], heads[left]
        strength = {"not": -1, "never": -2} | dict.fromkeys(("very", "really", "utterly", "extremely"), 2)
        strength |= dict.fromkeys(("slightly", "somewhat", "fairly"), 1)
        joint = heads[right] if right >= len(tree.words) else ""
        if word in strength and left < len(tree.words):
            found.append(int(np.sign(found[right])) * strength[word])
        elif joint == "though" or heads[right] in (".", "!"):
            found.append(first)
        elif joint == "and":
            found.append(opinions.both(first, found[right]))
        else:
            found.append(found[right])
        heads.append(word)
    return [value + 2 for value in found]


def test_the_grammar_s_trees_differ_and_obey_its_rules() -> None:
    split = opinions.write(300, seed=5)
    assert len(set(split.samples["tree"])) == 300
    assert np.bincount(split.labels).tolist() == [60] * 5
    for text, label in zip(split.samples["tree"], split.labels, strict=True):
        tree = trees.read(str(text))
        assert [int(x) for x in tree.labels] == mood(tree), text
        assert int(tree.labels[-1]) == label
        assert len(tree.words) <= 16
        assert tree.heights()[-1] <= 8


def laid(root: Path, train: bytes) -> Path:
    (root / "train.txt").write_bytes(train)
    (root / "dev.txt").write_text("(1 (2 not) (3 fine))\n")
    (root / "test.txt").write_text("(4 (2 very) (3 good))\n")
    return root


def test_files_are_read_and_what_is_judged_is_not_trained_on(tmp_path: Path) -> None:
    found = treebank.load(laid(tmp_path, b"(4 (2 very) (3 good))\n\n(0 (1 bad) (2 it))\n"))
    assert found.train.samples["tree"].tolist() == ["(0 (1 bad) (2 it))"]
    assert found.test.labels.tolist() == [4]


@pytest.mark.parametrize(
    ("line", "told"), [(b"(2 a", "line 2"), (b"(7 a)", "line 2: 7"), (b"(2 \xff)", "line 2: byte 0xff")]
)
def test_bad_lines_are_told_by_file_and_line(tmp_path: Path, line: bytes, told: str) -> None:
    with pytest.raises(Refused) as refusal:
        treebank.load(laid(tmp_path, b"(0 (1 bad) (2 it))\n" + line + b"\n"))
    assert f"train.txt, {told}" in refusal.value.received
    if line != b"(2 \xff)":
        with skipping.skipping(True) as passed:
            assert len(treebank.load(tmp_path).train) == 1
        assert len(passed) == 1


def test_labels_and_neighbours_that_are_no_phrase() -> None:
    tree = trees.read("(0 (1 a) (3 (2 b) (4 c)))")
    assert recursive.labels([tree], 4).tolist() == [[1, 2, 4, -1, 3, 0, -1, -1]]
    assert recursive.others([tree], 4).tolist() == [[[0, 1]]]
