"""Sentences with emoji: by the grammar, and from CSV files, bad rows among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from edgeproof.frontend import text
from train.__main__ import main
from train.data import csv_sentences, moods, skipping


def test_sentences_differ_and_each_emoji_has_as_many() -> None:
    dataset = moods.load()
    splits = (dataset.train, dataset.validation, dataset.test)
    hashes = [digest for split in splits for digest in sample_hashes(split.samples["tokens"])]
    assert len(set(hashes)) == len(hashes) == 3600
    for split, size in zip(splits, moods.SIZES.values(), strict=True):
        assert np.bincount(split.labels).tolist() == [size // 5] * 5
    assert "SYNTHETIC" in dataset.title
    np.testing.assert_array_equal(moods.write(40, seed=3).samples["tokens"], moods.write(40, seed=3).samples["tokens"])


def test_the_same_words_fit_two_emoji() -> None:
    """What an average of word vectors can't do: some bags of words are there with both labels."""
    split = moods.write(4000, seed=9)
    meant: dict[tuple[str, ...], set[int]] = {}
    for sentence, label in zip(split.samples["tokens"], split.labels, strict=True):
        meant.setdefault(tuple(sorted(text.split(str(sentence)))), set()).add(int(label))
    assert sum(len(labels) > 1 for labels in meant.values()) > 10
    assert {frozenset(labels) for labels in meant.values() if len(labels) > 1} == {frozenset({2, 3})}


def laid(root: Path, train: bytes, test: bytes = b"x y,0\nz,1\n") -> Path:
    (root / "train.csv").write_bytes(train)
    (root / "test.csv").write_bytes(test)
    return root


GOOD = "".join(f'"text {i}, {"ab"[i % 2]}",{i % 2},,\n' for i in range(14)).encode()


def test_rows_are_sentence_and_label(tmp_path: Path) -> None:
    dataset = csv_sentences.load(laid(tmp_path, b"sentence,label\n" + GOOD, "né,1\nz,0\n".encode()))
    assert dataset.labels == ("0", "1")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (12, 2, 2)
    assert dataset.test.samples["tokens"].tolist() == ["né", "z"]
    assert dataset.test.labels.tolist() == [1, 0]


def test_labels_may_be_names(tmp_path: Path) -> None:
    named = GOOD.replace(b",0,", b",sad,").replace(b",1,", b",glad,")
    assert csv_sentences.load(laid(tmp_path, named, b"z,sad\n")).labels == ("glad", "sad")


BAD = [
    (GOOD + b"no label here\n", b"z,1\n", r"train\.csv, line 15: no label here"),
    (GOOD, b"z,7\n", r"test\.csv, line 1: 7"),
    (GOOD, b'a,0\n\n"text 3, b",1\n', r"test\.csv, line 3: text 3, b"),
]


@pytest.mark.parametrize(("train", "test", "match"), BAD)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, train: bytes, test: bytes, match: str) -> None:
    with pytest.raises(Refused, match=match) as refused:
        csv_sentences.load(laid(tmp_path, train, test))
    assert "--skip-bad" in refused.value.fix


def test_bad_rows_are_passed_over_and_listed_where_asked(tmp_path: Path) -> None:
    with skipping.skipping(True) as skipped:
        dataset = csv_sentences.load(laid(tmp_path, GOOD + b"lonely\n", b"a,0\nb,9\n"))
    assert (len(skipped), len(dataset.test)) == (2, 1)
    assert ["line 15: lonely" in skipped[0], "line 2: 9" in skipped[1]] == [True, True]
    with pytest.raises(Refused):  # outside, nothing is passed over
        skipping.bad("rule", received="x", fix="y")


@pytest.mark.parametrize(
    ("train", "match"),
    [
        (b"caf\xe9,1\n", r"train\.csv, line 1: byte 0xe9"),
        (GOOD + b"\xff,1\n", r"train\.csv, line 15: byte 0xff"),
        (b"a,0\nb,0\n", "two classes"),
        (b"a,0\nb,2\n", "none of 1"),
        (b"", "no row"),
    ],
)
def test_files_that_are_not_such_are_refused(tmp_path: Path, train: bytes, match: str) -> None:
    with pytest.raises(Refused, match=match):
        csv_sentences.load(laid(tmp_path, train))


def test_the_command_line_lists_what_it_passes_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = laid(tmp_path, GOOD + b"lonely\n", b"a,0\nb,1\n")
    ask = ["emoji", "--data", "csv", "--data-dir", str(folder), "--set", "classes=2", "--only-samples", "--out"]
    assert main([*ask, str(tmp_path / "out")]) == 2
    assert "line 15: lonely" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*ask, str(tmp_path / "out"), "--skip-bad"]) == 0
    assert "1 rows passed over" in capsys.readouterr().err
    assert (tmp_path / "out" / "samples.npz").exists()
