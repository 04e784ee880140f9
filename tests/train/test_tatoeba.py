"""Pairs of sentences as tatoeba.org's volunteers write them, bad rows among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeproof.errors import Refused
from train.data import skipping, tatoeba

CREDIT = "CC-BY 2.0 (France) Attribution: tatoeba.org #1 (a) & #2 (b)"
GOOD = "".join(f"I see {i} birds.\tJag ser {i} fåglar.\t{CREDIT}\n" for i in range(300)).encode()


def laid(root: Path, content: bytes) -> Path:
    (root / tatoeba.FILE).write_bytes(content)
    return root


def test_pairs_are_in_one_split_each(tmp_path: Path) -> None:
    dataset = tatoeba.load(laid(tmp_path, "\ufeff".encode() + GOOD))
    splits = (dataset.train, dataset.validation, dataset.test)
    pairs = [
        dict(zip(s.samples["tokens"].tolist(), s.samples["written"].tolist(), strict=True)) for s in splits
    ]  # fmt: skip
    assert sum(map(len, pairs)) == 300
    assert {k: v for split in pairs for k, v in split.items()}["I see 7 birds."] == "Jag ser 7 fåglar."
    assert len(dataset.train) > 230
    again = tatoeba.load(tmp_path)
    assert again.sha256() == dataset.sha256()


def test_marks_capitals_and_other_translations_do_not_part_a_sentence(tmp_path: Path) -> None:
    ways = [
        f"{words} {i}{mark}" for i in range(40) for words in ("Run now", "run NOW") for mark in ("", "!", ".", " ?")
    ]
    rows = "".join(f"{way}\tSpring {n}\n" for way in ways for n in range(2)).encode()
    dataset = tatoeba.load(laid(tmp_path, GOOD + rows))
    where: dict[str, set[str]] = {}
    for name in ("train", "validation", "test"):
        for english in getattr(dataset, name).samples["tokens"].tolist():
            if english.lower().startswith("run"):
                where.setdefault(english.split()[2].rstrip("!.?"), set()).add(name)
    assert len(where) == 40
    assert {len(names) for names in where.values()} == {1}
    assert len(set.union(*where.values())) > 1


def test_long_sentences_are_left_out_and_letters_composed(tmp_path: Path) -> None:
    rows = f"{'long ' * 20}\tlång\nShort\tKort fa\u030agel\n".encode()
    dataset = tatoeba.load(laid(tmp_path, GOOD + rows))
    splits = (dataset.train, dataset.validation, dataset.test)
    assert sum(map(len, splits)) == 301
    assert "Kort f\u00e5gel" in [s for split in splits for s in split.samples["written"].tolist()]


BAD = [
    (b"Alone.\n", "line 301: Alone"),
    (b"Empty.\t \tcredit\n", "line 301: Empty"),
    (b"Byte.\tsj\xf6\tcredit\n", "line 301: byte 0xf6"),
]


@pytest.mark.parametrize(("row", "match"), BAD)
def test_a_bad_row_is_named_by_file_and_line_and_can_be_passed_over(tmp_path: Path, row: bytes, match: str) -> None:
    folder = laid(tmp_path, GOOD + row + b"\nGo.\tG\xc3\xa5.\n")
    with pytest.raises(Refused, match=rf"swe\.txt, {match}") as refused:
        tatoeba.load(folder)
    assert "--skip-bad" in refused.value.fix
    with skipping.skipping(True) as skipped:
        dataset = tatoeba.load(folder)
    assert [match in told for told in skipped] == [True]
    assert sum(len(s) for s in (dataset.train, dataset.validation, dataset.test)) == 301


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(Refused, match=r"swe\.txt"):
            tatoeba.load(folder)
