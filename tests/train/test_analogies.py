"""Word vectors in their makers' layouts, and what they answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.errors import Refused
from train.analogies import questions, vectors
from train.analogies.__main__ import main
from train.data import skipping

ROWS = {"man": [1, 0, 0.1], "woman": [1, 1, 0], "king": [3, 0, 1], "queen": [3, 1, 1], "apple": [0, 0, 5]}
LINES = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in ROWS.items())
LAYOUTS = {"glove.txt": LINES, "word2vec.txt": f"5 3\n{LINES}", "v.json": json.dumps(ROWS), "bom.txt": "\ufeff" + LINES}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_three_layouts_are_read_alike(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LAYOUTS[name])
    found = vectors.read(tmp_path / name)
    assert found.words == tuple(ROWS)
    np.testing.assert_array_equal(found.rows, np.array(list(ROWS.values()), np.float32))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (LINES + "pear 1 2\n", r"v\.txt, line 6: 'pear' with 2 numbers"),
        (LINES + "pear 1 2 x\n", r"line 6: 'pear'"),
        ("man 1 nan 2\n", "line 1: 'man'"),
        ("man\n", "line 1: 'man' with 0 numbers"),
        ('{"man": [1, 2], "king": [1]}', "entry 2: 'king' with 1 numbers"),
        ('{"man": [[1, 2]]}', "entry 1"),
        ('{"man": {"a": 1}}', "entry 1"),
        ('{"man": [1,', "must be whole JSON"),
        ("", "must hold words"),
        ("[1]", "line 1"),
    ],
)
def test_rows_that_are_none_are_refused_by_line(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(Refused, match=match):
        vectors.read(tmp_path / "v.txt")


def test_rows_that_are_none_are_passed_over_where_asked(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(LINES + "pear 1 2\n" + "man 9 9 9\n")
    with skipping.skipping(True) as skipped:
        found = vectors.read(tmp_path / "v.txt")
    assert (len(skipped), found.words) == (1, tuple(ROWS))
    assert found.rows[0].tolist() == pytest.approx([1, 0, 0.1])


def test_vectors_are_written_as_they_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    vectors.write(vectors.Vectors(("a", "b", "c", "é"), rows), tmp_path / "v.txt")
    assert (tmp_path / "v.txt").read_text("utf-8").startswith("4 3\na ")
    found = vectors.read(tmp_path / "v.txt")
    assert found.words == ("a", "b", "c", "é")
    np.testing.assert_array_equal(found.rows, rows)
    assert main([str(tmp_path / "v.txt"), "--write", str(tmp_path / "again.txt")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'again.txt'}: 4 words, 3 numbers each\n"
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "v.txt").read_bytes()
    with pytest.raises(Refused, match="without white space"):
        vectors.write(vectors.Vectors(("a b",), rows[:1]), tmp_path / "v.txt")


def test_a_checkpoint_gives_its_vectors(tmp_path: Path) -> None:
    from edgeproof.contract import Contract, Decode, Frontend, Graph, Tensor
    from models.word_vectors import build_word_vectors
    from train import checkpoint

    model, words = build_word_vectors(words=4, width=3), ["a", "b", "c", "d"]
    graph = Graph("main", (Tensor("query", (None, 3), "int32"),), (Tensor("scores", (None, 4)),))
    step = {"op": "words", "vocabulary": words, "length": 3}
    contract = Contract(
        "v", (graph,), frontends=(Frontend("query", "text", (step,)),), decode=Decode("recommend", "scores")
    )
    checkpoint.write(tmp_path / "v.h5", model, contract)
    found = vectors.read(tmp_path / "v.h5")
    assert found.words == tuple(words)
    np.testing.assert_array_equal(found.rows, model.get_layer("vectors").get_weights()[0][2:])
    step["vocabulary"] = words[:2]
    checkpoint.write(tmp_path / "v.h5", model, contract)
    with pytest.raises(Refused, match="4 vectors, 2 words"):
        vectors.read(tmp_path / "v.h5")
    (tmp_path / "v.h5").write_bytes(b"no")
    with pytest.raises(Refused, match="one of word vectors"):
        vectors.read(tmp_path / "v.h5")


@given(st.integers(4, 12), st.integers(1, 5), st.integers(0, 999))
def test_answers_are_those_of_the_plainest_search(n: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, width)).astype(np.float32)
    known = vectors.Vectors(tuple(f"w{i}" for i in range(n)), rows)
    a, b, c = (int(i) for i in rng.choice(n, 3, replace=False))
    target = rows[b] - rows[a] + rows[c]
    cosine = {
        i: float(target @ rows[i] / np.linalg.norm(target) / np.linalg.norm(rows[i]))
        for i in range(n)
        if i not in (a, b, c)
    }
    best, score = questions.answer(known, f"w{a}", f"w{b}", f"w{c}")[0]
    assert score == pytest.approx(max(cosine.values()), abs=1e-5)
    (judged,) = questions.judge(known, [questions.Section("s", ((f"w{a}", f"w{b}", f"w{c}", best),))])
    assert judged.right.tolist() == [True]


def test_the_shared_vectors_answer_208_of_258_capitals(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = shared / "data"
    given_ = [str(data / "glove_5k_50d" / "glove-50d-5k.json"), "--questions"]
    assert main([*given_, str(data / "analogy" / "questions-words-capitals.txt")]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "208 of 258 right, 80.62%" in last
    assert "258 of 2,283 covered" in last


def test_the_command_line_answers_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "v.txt"
    path.write_text(LINES)
    assert main([str(path), "Man", "woman", "king"]) == 0
    assert capsys.readouterr().out.startswith("queen ")
    for wrong in ([], ["man", "king"], ["man", "woman", "pear"], ["man", "king", "--write", str(tmp_path / "x")]):
        assert main([str(path), *wrong]) == 2
        assert "fix: " in capsys.readouterr().err
    (tmp_path / "q.txt").write_text(": royal\nman woman king queen\nman woman\n")
    assert main([str(path), "--questions", str(tmp_path / "q.txt")]) == 2
    assert "line 3: man woman" in capsys.readouterr().err
    (tmp_path / "q.txt").write_text("man woman king queen\nman woman pear plum\n: none\na b c d\n")
    assert main([str(path), "--questions", str(tmp_path / "q.txt")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "1 of 1 right" in said[0]
    assert "1 of 2 covered" in said[0]
    assert "none of 1 covered" in said[1]
