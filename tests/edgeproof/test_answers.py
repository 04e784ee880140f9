"""Answers: what is scored, and how the likeliest, drawn and beam answers are searched for."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from edgeproof import metrics
from edgeproof.contract import Decode
from edgeproof.decode import decided, truth
from edgeproof.decode.search import Manner, Tokens, beam, penalty, rows_of, together
from edgeproof.decode.write import Taste
from edgeproof.errors import Refused
from edgeproof.frontend import text

DECODE = Decode("answer", "logits")


def model(seed: int, tokens: int) -> Callable[[Tokens], np.ndarray]:
    """Random logits of the token after each hypothesis, always the same for the same one."""
    return lambda told: np.random.default_rng([seed, len(told), *told]).normal(size=tokens) * 2


def searched(follow: Callable[[Tokens], np.ndarray], *searches: Any) -> list[list[Any]]:
    return together(searches, lambda rows, told: np.stack([follow(tokens) for tokens in told]))


def enumerated(follow: Callable[[Tokens], np.ndarray], tokens: int, most: int) -> dict[Tokens, float]:
    """The log probability of every answer there is; the unknown, 1, is in none."""
    found = {}
    for length in range(most + 1):
        for answer in itertools.product(range(2, tokens), repeat=length):
            total = 0.0
            for i, token in enumerate((*answer, 0)):
                logits = follow(answer[:i])
                logits[1] = -np.inf
                total += special.log_softmax(logits)[token]
            found[answer] = float(total)
    return found


@given(st.integers(0, 999), st.integers(3, 5), st.integers(1, 3), st.sampled_from([0.0, 0.6, 1.0]))
@settings(max_examples=25, deadline=None)
def test_a_beam_that_holds_everything_finds_what_enumeration_finds(
    seed: int, tokens: int, most: int, normalise: float
) -> None:
    follow = model(seed, tokens)
    every = enumerated(follow, tokens, most)
    (found,) = searched(follow, beam(most, 4 * len(every), normalise))
    assert {h.tokens for h in found} == set(every)
    for hypothesis in found:
        assert hypothesis.log_probability == pytest.approx(every[hypothesis.tokens])
    scores = [every[h.tokens] / ((5 + len(h.tokens) + 1) / 6) ** normalise for h in found]
    assert scores == sorted(scores, reverse=True)


@given(st.integers(0, 999), st.integers(3, 8), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_a_beam_of_one_takes_the_likeliest_always(seed: int, tokens: int, most: int) -> None:
    follow = model(seed, tokens)
    told: Tokens = ()
    while len(told) < most:
        logits = follow(told)
        logits[1] = -np.inf
        if not (token := int(np.argmax(logits))):
            break
        told = (*told, token)
    cold = Manner(taste=Taste(temperature=0.0))
    for found in searched(follow, Manner().search(most), beam(most, 1, 1.0), cold.search(most)):
        assert [h.tokens for h in found] == [told]


@given(st.integers(0, 999), st.integers(3, 6), st.integers(2, 5), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_exact_match_is_what_writing_by_itself_gets_to_the_letter(seed: int, tokens: int, length: int, n: int) -> None:
    follow = model(seed, tokens)
    rng = np.random.default_rng(seed)
    (own,) = searched(follow, Manner().search(length - 1))
    others = [tuple(rng.integers(1, tokens, rng.integers(0, length)).tolist()) for _ in range(n)]
    answers = [own[0].tokens, *others]
    written = rows_of(answers, length)
    outputs = np.stack([[follow(tuple(row[1 : 1 + i])) for i in range(length)] for row in written])
    wanted = truth(DECODE, None, [written], outputs, source="test")
    assert wanted is not None
    expected = [answer == own[0].tokens for answer in answers]
    np.testing.assert_array_equal(metrics.exact_match(outputs, wanted), np.array(expected, float))


def test_searches_side_by_side_find_what_each_finds_alone() -> None:
    follow = model(3, 6)
    manners = [Manner(), Manner(beam=3), Manner(taste=Taste(1.0), seed=1)]
    alone = [searched(follow, manner.search(4))[0] for manner in manners]
    assert searched(follow, *(manner.search(4) for manner in manners)) == alone


def test_drawn_answers_have_their_chances() -> None:
    follow = model(5, 4)
    every = enumerated(follow, 4, 2)
    found = searched(follow, *(Manner(taste=Taste(1.0), seed=seed).search(2) for seed in range(3000)))
    for answer, told in every.items():
        share = np.mean([hypotheses[0].tokens == answer for hypotheses in found])
        if len(answer) < 2:  # behind the last token there is room for, the end is no draw
            assert share == pytest.approx(np.exp(told), abs=0.04)


def test_what_stands_behind_the_end_decides_nothing() -> None:
    outputs = np.eye(4)[[[2, 0, 3, 3], [1, 2, 3, 0]]]
    assert decided(outputs, DECODE).tolist() == [[2, 0, 0, 0], [0, 0, 0, 0]]  # type: ignore[union-attr]


def test_penalties_are_those_of_the_paper() -> None:
    assert penalty(1, 0.6) == 1
    assert penalty(7, 0.5) == pytest.approx(2**0.5)


@pytest.mark.parametrize("bad", [{"beam": 0}, {"normalise": -1.0}, {"beam": 2, "taste": Taste(0.8)}])
def test_manners_that_can_not_be_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="beam keeps 1"):
        Manner(**bad)


def test_shifted_rows_begin_with_padding_and_leave_the_end_its_room() -> None:
    rows = text.characters(np.array(["ab", "abcdef", ""]), vocabulary="abcdef", length=4, fill="shifted")
    assert rows.tolist() == [[0, 2, 3, 0], [0, 2, 3, 4], [0, 0, 0, 0]]
    step = {"op": "characters", "vocabulary": "abcdef", "length": 4, "fill": "shifted"}
    assert text.written(rows[0], step) == "ab"
    assert text.numbered("abcdef", step) == [2, 3, 4, 5, 6, 7]
