"""Recommendations on the runner: metrics against a slow way to count, titles, what is answered."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof import frontend, metrics
from edgeproof.contract import Contract, Decode, Frontend, Graph, Tensor
from edgeproof.decode import answer, decided, truth
from edgeproof.errors import Refused

RECOMMEND = Decode("recommend", "scores")
TITLES = ("Alien (1979)", "Brazil (1985)", "Heat (1995)", "Heat Two")


def slow(scores: list[float], wanted: list[int], top: int) -> tuple[float, float]:
    """Recall and NDCG of one user, one item after the other."""
    left = [i for i in range(len(scores)) if wanted[i] != -1]
    order: list[int] = []
    while left:
        best = left[0]
        for i in left:
            if scores[i] > scores[best]:
                best = i
        order.append(best)
        left.remove(best)
    hits, gain, ideal, many = 0, 0.0, 0.0, wanted.count(1)
    for rank, item in enumerate(order[:top], start=1):
        if wanted[item] == 1:
            hits += 1
            gain += 1 / math.log2(rank + 1)
    for rank in range(1, min(top, many) + 1):
        ideal += 1 / math.log2(rank + 1)
    return hits / min(top, many), gain / ideal


@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 25), st.integers(0, 999))
def test_recall_and_ndcg_are_what_a_slow_count_gives(n: int, items: int, top: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 12, (n, items)).astype(np.float32)  # ties too
    wanted = rng.choice([-1, 0, 1], (n, items))
    wanted[:, rng.integers(items)] = 1
    expected = np.array([slow(s, w, top) for s, w in zip(scores.tolist(), wanted.tolist(), strict=True)])
    np.testing.assert_allclose(metrics.recall(scores, wanted, top=top), expected[:, 0])
    np.testing.assert_allclose(metrics.ndcg(scores, wanted, top=top), expected[:, 1])


def test_the_best_order_scores_one_and_a_score_for_what_is_there_already_changes_nothing() -> None:
    wanted = np.array([[1, 0, -1, 1, *[0] * 30]])
    scores = np.where(wanted == 1, 5.0, 0.0)
    scores[0, 2] = 1e9
    assert metrics.METRICS["recall@20"](scores, wanted).tolist() == [1.0]
    assert metrics.METRICS["ndcg@20"](scores, wanted).tolist() == [1.0]
    assert metrics.recall(-scores, wanted).tolist() == [0.0]


@pytest.mark.parametrize(
    "labels", [np.array([[1, 0]]), np.array([[1, 0, 2]]), np.array([[0, -1, 0]]), np.array([[1.0, 0.0, 0.0]])]
)
def test_labels_that_are_none_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(Refused, match="1, 0 or -1 for each of 3 items"):
        truth(RECOMMEND, labels, [], np.zeros((1, 3)), source="s")


def test_labels_are_what_outputs_are_scored_against() -> None:
    found = truth(RECOMMEND, np.array([[1, -1, 0]], np.int8), [], np.zeros((1, 3)), source="s")
    assert found is not None
    assert found.tolist() == [[1, -1, 0]]
    assert truth(RECOMMEND, None, [], np.zeros((1, 3)), source="s") is None
    assert decided(np.zeros((1, 3)), RECOMMEND) is None


def test_the_answer_leaves_out_what_the_history_holds() -> None:
    scores, history = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
    assert answer(scores, RECOMMEND, TITLES, {"history": history}).items == ("Brazil (1985)", "Heat Two")
    assert answer(scores, RECOMMEND, TITLES, {"history": history}).label == "Brazil (1985) | Heat Two"
    assert answer(scores, RECOMMEND, (), {"history": history}).items == ("1", "3")
    # the items' tower alone does not know the history
    assert answer(scores, RECOMMEND, TITLES, {"user": np.ones(2)}).items == TITLES
    assert scores.tolist() == [4.0, 3.0, 2.0, 1.0]
    many = answer(np.arange(50.0), RECOMMEND, (), {})
    assert many.items == tuple(str(i) for i in range(49, 29, -1))


def test_the_answer_leaves_out_the_words_of_the_question() -> None:
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    query = np.array([0, 3, 2], np.int32)  # padding, the second word, the first
    assert answer(scores, RECOMMEND, TITLES, {"query": query}).items == ("Heat (1995)", "Heat Two")
    with pytest.raises(Refused, match="in place 2 of 3"):
        answer(scores, RECOMMEND, TITLES, {"query": np.array([3, 1, 2], np.int32)})
    wanted = np.array([[-1, 0, 1, 0]])
    assert metrics.METRICS["recall@1"](scores[None], wanted).tolist() == [0.0]
    assert metrics.METRICS["recall@1"](scores[None, ::-1], wanted[:, ::-1]).tolist() == [0.0]
    assert metrics.METRICS["recall@1"](np.array([[9.0, 1.0, 2.0, 1.0]]), wanted).tolist() == [1.0]


HISTORY = Frontend("history", "text", ({"op": "titles", "vocabulary": list(TITLES)},))


def test_titles_become_a_row_of_length_one() -> None:
    texts = ["Heat (1995)", "alien (1979) |  Heat Two|Heat two", "Alien (1979)\nBrazil (1985) | "]
    found = frontend.apply(HISTORY, np.array(texts))
    half = np.float32(0.5**0.5)
    np.testing.assert_array_equal(found, np.array([[0, 0, 1, 0], [half, 0, 0, half], [half, half, 0, 0]], np.float32))
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Aliens (1979)", 'did you mean "Alien \\(1979\\)"'),
        ("Heat (1995) | heat", 'received: "heat"\n  fix: did you mean "Heat \\(1995\\)" or "Heat Two"'),
        ("zzzz", "leave it out"),
        (" | ", "one title or more"),
    ],
)
def test_a_title_that_is_not_known_is_refused_with_the_nearest(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        frontend.apply(HISTORY, np.array([text]))


def test_a_vocabulary_with_a_title_twice_is_refused() -> None:
    twice = Frontend("history", "text", ({"op": "titles", "vocabulary": ["Heat", "heat"]},))
    with pytest.raises(Refused, match="must have the arguments"):
        frontend.apply(twice, np.array(["Heat"]))
    with pytest.raises(Refused, match="must be one string"):
        frontend.apply(HISTORY, np.array([["Heat Two", "Heat Two"]]))


def test_a_file_recommends_titles_that_the_history_lacks(
    cli: Callable[..., Any], build_onnx: Callable[..., bytes], tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    floats = onnx.TensorProto.FLOAT
    contract = Contract(
        "films",
        (Graph("main", (Tensor("history", (1, 4)),), (Tensor("scores", (1, 4)),)),),
        frontends=(HISTORY,),
        decode=RECOMMEND,
        labels=TITLES,
    )
    fame = np.array([[4.0, 1.0, 3.0, 2.0]], np.float32)
    file = tmp_path / "films.onnx"
    file.write_bytes(
        build_onnx(
            [("Add", ["history", "fame"], ["scores"])],
            [("history", floats, [1, 4])],
            [("scores", floats, [1, 4])],
            {"fame": fame},
            contract=contract,
        )
    )
    said = cli("run", file, "heat (1995) | Brazil (1985)", "Heat Two", "--top", 2)
    assert said.out.splitlines() == [
        "heat (1995) | Brazil (1985): Alien (1979) | Heat Two",
        "Heat Two: Alien (1979) | Heat (1995)",
    ]
    told = json.loads(cli("run", file, "Heat Two", "--json").out)
    assert (told["items"], told["ranking"]) == (["Alien (1979)", "Heat (1995)", "Brazil (1985)"], [])
    assert "did you mean" in cli("run", file, "Heat 2").refused()
