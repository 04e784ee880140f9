"""Texts to numbers and back: by hand, by a naive byte-pair encoder, and for any text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof import frontend
from edgeproof.contract import Frontend, sample_hashes
from edgeproof.errors import Refused
from edgeproof.frontend import files, text

WORDS: dict[str, object] = {"op": "words", "vocabulary": ["the", "cat", "'", "don't", "."], "length": 6}
MERGES = [[ord("t") + 2, ord("h") + 2], [258, ord("e") + 2], [ord(" ") + 2, 259]]
PAIRS: dict[str, object] = {"op": "pairs", "vocabulary": MERGES, "length": 40, "fill": "after"}


def numbers(step: dict[str, object], *texts: str) -> np.ndarray:
    return frontend.apply(Frontend("tokens", "text", (step,)), np.array(texts))


def test_words_are_counted_from_two_and_stand_last() -> None:
    found = numbers(WORDS, "The cat.", "Don't!", "a b c d e f g the")
    assert found.dtype == np.int32
    assert found.tolist() == [[0, 0, 0, 2, 3, 6], [0, 0, 0, 0, 5, 1], [1, 1, 1, 1, 1, 1]]
    assert numbers({**WORDS, "fill": "after"}, "the cat")[0].tolist() == [2, 3, 0, 0, 0, 0]
    assert numbers({**WORDS, "lower": False}, "The the")[0].tolist() == [0, 0, 0, 0, 1, 2]


def test_characters_are_counted_from_two() -> None:
    step: dict[str, object] = {"op": "characters", "vocabulary": "ab é", "length": 5}
    assert numbers(step, "aé", "b A").tolist() == [[0, 0, 0, 2, 5], [0, 0, 3, 4, 1]]


def test_marks_and_words_are_told_apart_in_any_script() -> None:
    assert text.split("I'm here, ok?") == ["i'm", "here", ",", "ok", "?"]
    assert text.split("Ärger: naïve_1 (x)") == ["ärger", ":", "naïve_1", "(", "x", ")"]
    assert text.split("日本語 слово") == ["日本語", "слово"]


def naive(piece: bytes, merges: list[list[int]]) -> list[int]:
    """Byte pairs as the paper has them: the merges one after another, each wherever it fits."""
    tokens = [2 + byte for byte in piece]
    for k, (a, b) in enumerate(merges):
        at = 0
        while at < len(tokens) - 1:
            if tokens[at : at + 2] == [a, b]:
                tokens[at : at + 2] = [258 + k]
            at += 1
    return tokens


@given(st.lists(st.text(alphabet="abc é", min_size=1, max_size=12), min_size=1, max_size=5), st.integers(0, 30))
def test_byte_pairs_are_those_of_a_naive_encoder(texts: list[str], size: int) -> None:
    from train import learned

    merges = learned._pairs(texts, 258 + size)
    step: dict[str, object] = {"op": "pairs", "vocabulary": merges, "length": 60, "fill": "after"}
    for line, said in zip(numbers(step, *texts), texts, strict=True):
        expected = [number for piece in text.pieces(said) for number in naive(piece.encode(), merges)]
        assert [n for n in line.tolist() if n] == expected


@given(st.text(max_size=30))
def test_byte_pairs_give_any_text_back(said: str) -> None:
    said = said.encode("utf-8", "ignore").decode()  # lone surrogates have no bytes
    assert text.written(numbers({**PAIRS, "length": 200}, said)[0], PAIRS) == said.rstrip("\0")


@given(st.text(alphabet="abcdef \n", max_size=30))
def test_known_characters_come_back(said: str) -> None:
    step: dict[str, object] = {"op": "characters", "vocabulary": "abcdef \n", "length": 30}
    assert text.written(numbers(step, said)[0], step) == said
    assert text.size(step) == 10


def test_words_come_back_as_they_are_written() -> None:
    step: dict[str, object] = {"op": "words", "vocabulary": ["hi", ",", "you", "(", ")", "!"], "length": 9}
    assert text.written(numbers(step, "Hi, you (you)!")[0], step) == "hi, you (you)!"
    assert text.written([0, 2, 1, 4, 99], step) == "hi � you �"
    assert (text.size(step), text.size(PAIRS)) == (8, 261)


@given(st.sampled_from([WORDS, PAIRS]), st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_text_is_numbers_of_the_vocabulary(step: dict[str, object], texts: list[str]) -> None:
    texts = [said.encode("utf-8", "replace").decode() for said in texts]
    found = numbers(step, *texts)
    assert found.shape == (len(texts), step["length"])
    assert 0 <= found.min() <= found.max() < text.size(step)


@pytest.mark.parametrize(
    "step",
    [
        {**WORDS, "fill": "middle"},
        {**WORDS, "vocabulary": ["a", "a"]},
        {**PAIRS, "vocabulary": [[2, 400]]},
        {"op": "words", "length": 3},
    ],
)
def test_steps_that_no_frontend_has_are_refused(step: dict[str, object]) -> None:
    with pytest.raises(Refused, match="must have the arguments it takes"):
        numbers(step, "a")


def test_texts_are_strings_and_other_kinds_are_not() -> None:
    for kind, samples in (("text", np.zeros((2, 3))), ("array", np.array(["a"])), ("image", np.array(["a"]))):
        with pytest.raises(Refused, match="takes"):
            frontend.apply(Frontend("x", kind), samples)
    with pytest.raises(Refused, match="must be one string"):
        frontend.apply(Frontend("x", "text", (WORDS,)), np.array([["a", "b"]]))


def test_a_text_has_one_hash_whatever_stands_beside_it() -> None:
    assert sample_hashes(np.array(["ab", "c"]))[1] == sample_hashes(np.array(["c"]))[0]
    assert len(set(sample_hashes(np.array(["ab", "c", "é"])))) == 3


# --- files ---

TOLD = Frontend("tokens", "text", (WORDS,))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"the cat\n", "the cat"),
        (b"\xef\xbb\xbfthe\r\n", "the"),
        ("é\n\n".encode(), "é\n"),
    ],
)
def test_a_file_is_its_text(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(data)
    assert str(files.read(path, TOLD)) == said


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"caf\xe9", r"byte 0xe9 at offset 3"), (b" \n ", "white space"), (b"", "0 characters")],
)
def test_files_that_hold_no_text_are_refused(tmp_path: Path, data: bytes, match: str) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(data)
    with pytest.raises(Refused, match=match):
        files.read(path, TOLD)


def test_a_sentence_is_no_path_and_a_path_no_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note").write_text("x")
    assert [files.is_path(s) for s in ("note", "lost.txt", "a note", "a\nb", "x" * 5000)] == [True, True] + [False] * 3


SCRIPTS: list[dict[str, Any]] = [
    {"op": "characters", "vocabulary": "ab é", "length": 4},
    {"op": "words", "vocabulary": ["hi", ",", "(", ")", "you"], "length": 4},
    {"op": "pairs", "vocabulary": MERGES, "length": 4},
]


@given(st.sampled_from(SCRIPTS), st.text(alphabet="ab éhi,(you)the ", min_size=1, max_size=9), st.data())
def test_pieces_are_what_the_whole_text_grows_by(step: dict[str, Any], prompt: str, data: st.DataObject) -> None:
    before = text.numbered(prompt, step)
    if step["op"] == "pairs":  # of whole characters: half of one is told once the rest has come
        said = data.draw(st.text(alphabet="aé𝄞 the", max_size=8))
        after = text.numbered(said, step) if said else []
    else:
        after = data.draw(st.lists(st.integers(1, text.size(step) - 1), max_size=12))
    whole, known = text.written([*before, *after], step), text.written(before, step)
    assert "".join(text.pieced(after, before, step)) == whole[len(known) :]
