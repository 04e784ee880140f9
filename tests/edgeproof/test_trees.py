"""Trees in brackets: read, written, numbered, folded and found by score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof import parsing, trees
from edgeproof.errors import Refused
from edgeproof.frontend.tree import tree as operation

SAID = "(3 (2 It) (3 (2 is) (3 good)))"
trees_of_words = st.recursive(
    st.sampled_from(["(2 a)", "(1 b)", "(4 -LRB-)"]),
    lambda part: st.tuples(st.integers(0, 4), part, part).map(lambda told: f"({told[0]} {told[1]} {told[2]})"),
    max_leaves=12,
)


def test_a_tree_s_nodes_are_its_words_and_then_what_joins_them() -> None:
    found = trees.read(SAID)
    assert found == trees.Tree(("It", "is", "good"), ((1, 2), (0, 3)), ("2", "2", "3", "3", "3"))
    assert (found.heights(), found.text()) == ([0, 0, 0, 1, 2], "It is good")
    assert found.spans() == [(0, 1), (1, 2), (2, 3), (1, 3), (0, 3)]


@given(trees_of_words)
def test_what_is_read_is_written_again(text: str) -> None:
    found = trees.read(text)
    assert found.brackets() == text
    assert found.spans()[-1] == (0, len(found.words))


@given(st.text(alphabet="() ab3", max_size=30))
def test_other_texts_are_refused_and_nothing_else(text: str) -> None:
    try:
        found = trees.read(text)
    except Refused:
        return
    assert "".join(found.brackets().split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["", "a b", "(3 a b c)", "())", "(1 (2 a) b)", "(1 (2 a) (2 b)", "(2 a) (2 b)"])
def test_what_is_no_tree_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="brackets"):
        trees.read(text)


def test_deep_brackets_do_not_exhaust_the_stack() -> None:
    with pytest.raises(Refused):
        trees.read("(" * 100_000)


def test_the_frontend_numbers_words_and_rows() -> None:
    found = operation(np.array([SAID, "(3 good)"]), vocabulary=["it", "good"], length=4, levels=2)
    wanted = [[[2, 1, 2], [1, 0, 4], [3, 0, 0], [0, 5, 5]], [[3, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]]
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, wanted)
    for limits in ({"length": 2, "levels": 9}, {"length": 9, "levels": 1}):
        with pytest.raises(Refused, match="levels above them"):
            operation(np.array([SAID]), vocabulary=["it"], **limits)


def summed(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors add up; of two neighbours the smallest together are joined first."""
    return left + right, -(left + right)[:, 0]


def test_folding_joins_parts_before_the_whole() -> None:
    vectors = parsing.fold(trees.read(SAID), np.array([[1.0], [2.0], [4.0]]), summed)
    assert vectors[:, 0].tolist() == [1, 2, 4, 6, 7]


def test_greedy_parsing_joins_the_best_neighbours_first() -> None:
    found, vectors = parsing.greedy("abcd", np.array([[5.0], [1.0], [2.0], [9.0]]), summed)
    assert found.pairs == ((1, 2), (0, 4), (5, 3))
    assert vectors[:, 0].tolist() == [5, 1, 2, 9, 3, 8, 17]
