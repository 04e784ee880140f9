"""Passages of documentation, and folders of texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from train.data import passages, text_folder


def test_every_library_has_its_passages_in_each_split_and_none_is_in_two() -> None:
    dataset = passages.load()
    hashes: list[str] = []
    for split, count in zip((dataset.train, dataset.validation, dataset.test), passages.EACH.values(), strict=True):
        assert np.bincount(split.labels).tolist() == [count] * len(passages.LIBRARIES)
        hashes += sample_hashes(split.samples["tokens"])
        words = [len(str(text).split()) for text in split.samples["tokens"]]
        assert min(words) >= passages.FEWEST - 1  # one may be cut off at the end
        assert max(map(len, split.samples["tokens"])) <= passages.LONGEST
    assert len(set(hashes)) == len(hashes)
    assert not dataset.synthetic


@pytest.mark.parametrize(
    ("docstring", "prose"),
    [
        ("One  line.\n\nMore\nof it.", "One line. More of it."),
        ("What.\n\nParameters\n----------\nx : int", "What."),
        ("What.\n\nArgs:\n    x: a number.", "What."),
        ("What.\n\n>>> f()\n1", "What."),
        ("What.\n\n    .. versionadded:: 1.0", "What."),
        ("Parameters\n----------\nx : int", ""),
        ("word " * 200, ("word " * 120).strip()),
    ],
)
def test_a_passage_is_the_prose_before_the_sections(docstring: str, prose: str) -> None:
    assert passages.passage(docstring) == prose


def test_a_folder_is_not_taken_for_embedded_data(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="--data folder"):
        passages.load(tmp_path)


def laid(root: Path, texts: dict[str, bytes]) -> Path:
    for name, data in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


GOOD = {f"{split}/{kind}/{i}.txt": f"{kind} {split} {i}\nagain".encode() for split in ("train", "test")
        for kind in ("neg", "pos") for i in range(8)}  # fmt: skip


def test_a_folder_of_texts_is_read_in_utf_8_on_one_line(tmp_path: Path) -> None:
    dataset = text_folder.load(laid(tmp_path, {**GOOD, "test/pos/z.txt": "né  \n x".encode() + b"y" * 3000}))
    assert dataset.labels == ("neg", "pos")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (14, 2, 17)
    said = str(dataset.test.samples["tokens"][-1])
    assert said.startswith("né xyy")
    assert len(said) == text_folder.LONGEST
    assert "neg train" in " ".join(dataset.train.samples["tokens"])


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        ({"train/neg/bad.txt": b"\xff\xfe"}, r"bad\.txt: byte 0xff at offset 0"),
        ({"test/neg/same.txt": b"neg train 0\nagain"}, "the same text in"),
        ({"train/new/1.txt": b"x"}, "same classes"),
        ({"train/neg/empty.txt": b""}, r"empty\.txt: 0 characters"),
    ],
)
def test_folders_that_are_not_such_are_refused(tmp_path: Path, texts: dict[str, bytes], match: str) -> None:
    with pytest.raises(Refused, match=match):
        text_folder.load(laid(tmp_path, {**GOOD, **texts}))
