"""Vocabularies are those of the training split, most frequent first."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgeproof.contract import Frontend
from train import learned, registry
from train.data import Dataset, Split

TEXTS = np.array(["b a a .", "a c B"])
SETS = Dataset(
    "t",
    "t",
    "",
    False,
    *[Split({"tokens": t, "query": t}) for t in (TEXTS, np.array(["unseen"]), np.array(["unheard"]))],
)


def steps(op: str, size: int, **more: object) -> dict[str, object]:
    told = Frontend("tokens", "text", ({"op": op, "vocabulary": size, "length": 4, **more}, {"op": "scale"}))
    recipe = dataclasses.replace(registry.load("rnn_classify"), frontends=lambda settings: (told,))
    (found,) = learned.frontends(recipe, {}, SETS)
    assert found.steps[1:] == told.steps[1:]
    return found.steps[0]


def test_words_by_frequency_then_alphabet_up_to_the_size() -> None:
    assert steps("words", 5)["vocabulary"] == ["a", "b", "."]
    assert steps("words", 99)["vocabulary"] == ["a", "b", ".", "c"]
    assert steps("words", 4, lower=False)["vocabulary"] == ["a", "."]
    assert steps("words", 2)["vocabulary"] == []


def test_characters_keep_their_case_unless_asked() -> None:
    assert steps("characters", 5)["vocabulary"] == " a."
    assert steps("characters", 99, lower=True)["vocabulary"] == " ab.c"


def test_merges_join_the_most_frequent_pair_and_none_that_occurs_once() -> None:
    # " a" twice (97 is a, 32 the space), then nothing else twice.
    assert steps("pairs", 99 + 258)["vocabulary"] == [[34, 99]]
    assert steps("pairs", 258)["vocabulary"] == []


def test_a_vocabulary_that_is_left_out_is_the_data_set_s_classes() -> None:
    told = Frontend("query", "text", ({"op": "words", "vocabulary": None, "length": 4},))
    found = learned.whole(told, dataclasses.replace(SETS, labels=("x", "y")))
    assert found.steps == ({"op": "words", "vocabulary": ["x", "y"], "length": 4},)


def test_what_is_whole_stays() -> None:
    assert steps("words", 5) == {"op": "words", "vocabulary": ["a", "b", "."], "length": 4}
    (own,) = learned.frontends(registry.load("mlp"), registry.load("mlp").defaults(), SETS)
    assert own == registry.load("mlp").frontends({})[0]
