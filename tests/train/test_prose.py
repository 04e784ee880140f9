"""Texts to learn writing from."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeproof.errors import Refused
from train.data import prose, shakespeare


def test_the_manual_has_each_paragraph_once() -> None:
    text = prose.manual()
    assert len(text) > 300_000
    paragraphs = [part for part in text.split("\n\n") if part]
    assert len(set(paragraphs)) == len(paragraphs)
    assert "list comprehension" in text
    assert "\n|" not in text, "drawn tables are mostly spaces"


def test_stretches_cover_the_parts_of_a_text_and_never_mix_them() -> None:
    text = "".join(f"{i:05d} " for i in range(4000))  # each character tells where it stands
    dataset = prose.dataset(text, name="t", title="t", licence="")
    train, held, test = (split.samples["tokens"] for split in (dataset.train, dataset.validation, dataset.test))
    assert {len(s) for part in (train, held, test) for s in part} == {prose.LENGTH}
    assert "".join(held) in text
    assert "".join(test) in text
    assert text.index(held[0]) == 24000 * 85 // 100
    assert text.index(test[0]) == 24000 * 90 // 100
    assert text.index(train[-1]) + prose.LENGTH <= text.index(held[0])
    assert text.index(train[1]) == prose.LENGTH // 2
    with pytest.raises(Refused, match="3,200 characters or more"):
        prose.dataset(text[:2000], name="t", title="t", licence="")


def test_shakespeare_is_his(shared: Path) -> None:
    dataset = shakespeare.load(shared / "data" / "tinyshakespeare")
    assert dataset.title.startswith("1,115,394 characters")
    assert str(dataset.train.samples["tokens"][0]).startswith("First Citizen:")


def test_files_that_are_missing_or_no_text_are_refused(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(Refused, match=r"must hold input\.txt"):
            shakespeare.load(folder)
    (tmp_path / "input.txt").write_bytes(b"ab\xff")
    with pytest.raises(Refused, match="offset 2"):
        shakespeare.load(tmp_path)
    with pytest.raises(Refused, match="--data shakespeare"):
        prose.load(tmp_path)
