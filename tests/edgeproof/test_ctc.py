"""Connectionist temporal classification against the enumeration of all paths, edits against a plain recursion."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof import ctc, metrics
from edgeproof.contract import Contract, Decode, Graph, Tensor
from edgeproof.decode import answer, decided, truth
from edgeproof.decode.transcribe import ranked
from edgeproof.errors import Refused


def spells(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    """Runs made one, blanks taken out."""
    return tuple(c for c, _ in itertools.groupby(path) if c != blank)


def enumerated(chances: np.ndarray, blank: int) -> dict[tuple[int, ...], float]:
    """The probability of each string: all paths, one by one."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(chances.shape[1]), repeat=len(chances)):
        chance = math.prod(chances[t, c] for t, c in enumerate(path))
        found[spells(path, blank)] = found.get(spells(path, blank), 0.0) + chance
    return found


def drawn(steps: int, classes: int, seed: int) -> np.ndarray:
    return np.asarray(metrics.softmax(np.random.default_rng(seed).normal(0, 2, (steps, classes))))


sizes = st.tuples(st.integers(1, 5), st.integers(2, 4), st.integers(0, 3), st.integers(0, 999))


@given(sizes)
def test_a_search_that_drops_nothing_finds_every_string_with_its_probability(size: tuple[int, int, int, int]) -> None:
    steps, classes, blank, seed = size[0], size[1], size[2] % size[1], size[3]
    chances = drawn(steps, classes, seed)
    wanted = enumerated(chances, blank)
    found = ctc.prefix_search(chances, blank, width=10_000)
    told = {string: chance for string, chance in found if chance > 0}
    assert told.keys() == {string for string, chance in wanted.items() if chance > 0}
    for string, chance in told.items():
        assert chance == pytest.approx(wanted[string], rel=1e-9)
    assert [chance for _, chance in found] == sorted((chance for _, chance in found), reverse=True)
    narrow = ctc.prefix_search(chances, blank, width=2)
    assert len(narrow) <= 2
    assert all(chance <= wanted[string] + 1e-12 for string, chance in narrow)


@given(sizes)
def test_the_forward_recursion_is_the_sum_over_all_paths(size: tuple[int, int, int, int]) -> None:
    steps, classes, blank, seed = size[0], size[1], size[2] % size[1], size[3]
    chances = drawn(steps, classes, seed)
    for string, chance in enumerated(chances, blank).items():
        assert ctc.likelihood(chances, string, blank) == pytest.approx(math.log(chance), rel=1e-9, abs=1e-9)
    impossible = next(c for c in range(classes) if c != blank)
    assert ctc.likelihood(chances, (impossible,) * (steps + 1), blank) == -math.inf


@given(sizes)
def test_the_best_path_spells_what_the_likeliest_path_does(size: tuple[int, int, int, int]) -> None:
    steps, classes, blank, seed = size[0], size[1], size[2] % size[1], size[3]
    chances = np.stack([drawn(steps, classes, seed), drawn(steps, classes, seed + 1)])
    found = ctc.best_path(chances, blank)
    assert found.shape == (2, steps + 1)
    for row, string in zip(chances, found, strict=True):
        spelled = spells(tuple(int(c) for c in row.argmax(axis=1)), blank)
        assert string.tolist() == [*spelled, *[blank] * (steps + 1 - len(spelled))]


def test_the_likeliest_string_need_not_be_the_best_path() -> None:
    """Graves et al. 2006, section 3.2: here the best path is silence, though more paths say "a"."""
    chances = np.array([[0.4, 0.6], [0.4, 0.6]])
    assert ctc.best_path(chances[None], 1).tolist() == [[1, 1, 1]]
    (string, chance), *_ = ctc.prefix_search(chances, 1)
    assert string == (0,)
    assert chance == pytest.approx(0.64)


def levenshtein(a: list[int], b: list[int]) -> int:
    """As its definition says."""
    if not a or not b:
        return len(a) + len(b)
    return min(levenshtein(a[1:], b[1:]) + (a[0] != b[0]), levenshtein(a[1:], b) + 1, levenshtein(a, b[1:]) + 1)


strings = st.lists(st.integers(0, 2), max_size=5)


@given(strings, strings)
def test_edits_are_the_fewest_and_the_alignment_has_as_many(wanted: list[int], found: list[int]) -> None:
    pairs = ctc.aligned(wanted, found)
    assert ctc.edits(wanted, found) == levenshtein(wanted, found) == sum(a != b for a, b in pairs)
    assert [a for a, _ in pairs if a is not None] == wanted
    assert [b for _, b in pairs if b is not None] == found


# --- the way to decode ---

SPELL = Decode("transcribe", "y", blank=2)
LABELS = ("no", "yes", "blank")


def path(*classes: int) -> np.ndarray:
    return np.asarray(np.eye(3)[list(classes)] * 9.0)


def test_a_string_is_told_scored_and_aligned() -> None:
    outputs = np.stack([path(0, 0, 2, 0, 1), path(2, 2, 2, 2, 2)])
    assert answer(outputs[0], SPELL, LABELS).label == "no no yes"
    assert answer(outputs[0], SPELL, LABELS).steps == ("no", "no", "yes")
    assert answer(outputs[1], SPELL, LABELS).label == "(nothing)"
    assert ranked(outputs[0], SPELL, LABELS, 4)[0][0] == "no no yes"
    assert ranked(outputs[1], SPELL, LABELS, 4)[0][0] == "(nothing)"
    wanted = truth(SPELL, np.array([[0, 1, -1], [1, -1, -1]]), [], outputs, source="s")
    assert wanted is not None
    assert wanted.tolist() == [[0, 1, 2, 2], [1, 2, 2, 2]]
    # One word too many, one too few, of three: the mean is 1 less the word error rate.
    values = metrics.word_accuracy(outputs, wanted)
    assert np.mean(values) == pytest.approx(1 - 2 / 3)
    found = decided(outputs, SPELL)
    assert found is not None
    from edgeproof.decode import KINDS

    true, instead = KINDS["transcribe"].paired(wanted, found, SPELL)
    assert sorted(zip(true.tolist(), instead.tolist(), strict=True)) == [(0, 0), (1, 1), (1, 2), (2, 0)]


def test_a_beam_ranks_and_may_find_what_the_best_path_does_not() -> None:
    """Graves 2012, "Supervised sequence labelling with recurrent neural networks", figure 7.4: in two steps of the
    blank, 0.6, and a word, 0.4, silence is the likeliest path, 0.36, and the word the likeliest string, 0.64."""
    outputs = np.log(np.array([[0.4, 1e-9, 0.6]] * 2))
    assert answer(outputs, SPELL, LABELS).label == "(nothing)"
    found = answer(outputs, SPELL, LABELS, beam=4)
    assert (found.label, found.probability) == ("no", pytest.approx(0.64))
    assert found.ranking[:2] == (("no", found.probability), ("(nothing)", pytest.approx(0.36)))
    classes = Decode("classify", "y")
    assert answer(outputs[0], classes, LABELS, beam=4) == answer(outputs[0], classes, LABELS)


@pytest.mark.parametrize(
    ("labels", "received"),
    [
        (np.zeros(2, int), "shape"),
        (np.zeros((2, 3)), "float64"),
        (np.zeros((3, 3), int), "shape"),
        (np.array([[0, 1], [3, -1]]), "label 3 at sample 1, place 0"),
        (np.array([[0, 1], [-1, 0]]), "after the end of sample 1"),
    ],
)
def test_labels_that_are_no_strings_are_refused(labels: np.ndarray, received: str) -> None:
    with pytest.raises(Refused, match="the string that it spells") as refused:
        truth(SPELL, labels, [], np.zeros((2, 5, 3)), source="s")
    assert received in refused.value.received


@pytest.mark.parametrize("blank", [-1, 3])
def test_a_contract_s_blank_is_one_of_its_classes(blank: int) -> None:
    graph = Graph("main", (Tensor("x", (None, 5)),), (Tensor("y", (None, 5, 3)),))
    good = Contract("m", (graph,), decode=SPELL)
    assert Contract.from_json(good.to_json()) == good
    bad = Contract("m", (graph,), decode=Decode("transcribe", "y", blank=blank))
    with pytest.raises(Refused) as refused:
        Contract.from_json(bad.to_json())
    assert f"blank {blank}" in refused.value.received
