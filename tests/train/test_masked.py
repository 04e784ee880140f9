"""Masked words: which, how, and their loss against numpy; the opinions; what is learned without labels."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.errors import Refused
from edgeproof.metrics import softmax
from train import registry
from train.data import receptions
from train.masking import masked
from train.objectives.masked import criterion
from train.run import prepared


@given(st.integers(1, 8), st.integers(2, 12), st.floats(0, 1), st.integers(0, 999))
def test_only_words_are_hidden_and_each_row_has_one(n: int, length: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 9, (n, length)).astype(np.int32)
    seen, wanted = masked(tokens, share, 9, rng)
    chosen = wanted >= 0
    np.testing.assert_array_equal(wanted[chosen], tokens[chosen])
    np.testing.assert_array_equal(seen[~chosen], tokens[~chosen])
    assert (tokens[chosen] >= 2).all()
    assert (chosen.any(axis=1) == (tokens >= 2).any(axis=1)).all()
    assert seen.min() >= 0
    assert seen.max() < 9


def test_of_the_chosen_ones_80_in_100_are_masked_10_another_word_and_10_stay() -> None:
    tokens = np.full((4000, 20), 5, np.int32)
    seen, wanted = masked(tokens, 0.15, 1002, np.random.default_rng(0))
    chosen = wanted >= 0
    assert abs(chosen.mean() - 0.15) < 0.01
    shares = [(seen[chosen] == 1).mean(), ((seen != 1) & (seen != 5))[chosen].mean(), (seen == 5)[chosen].mean()]
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.01)


def test_the_loss_is_the_mean_cross_entropy_of_the_chosen_words() -> None:
    rng = np.random.default_rng(0)
    logits, wanted = rng.normal(size=(3, 4, 6)), rng.integers(-1, 6, (3, 4))
    p = softmax(logits)
    each = [-np.log(p[i, j, wanted[i, j]]) for i in range(3) for j in range(4) if wanted[i, j] >= 0]
    np.testing.assert_allclose(float(criterion(tf.constant(wanted), tf.constant(logits))), np.mean(each))


def mood(text: str) -> int:
    """By the rule in the module's docstring, from the words alone."""
    words = text.split(" , so ")[0].split()
    joint = next((word for word in words if word in ("but", "yet", "though", "while")), None)
    if joint:
        at = words.index(joint)
        words = words[at + 1 :] if joint in ("but", "yet") else words[:at]
    good, bad = (any(word in words for word in some) for some in (receptions._GOOD, receptions._BAD))
    assert good != bad
    return int(good)


def test_opinions_are_labelled_and_received_by_the_clause_that_counts() -> None:
    dataset = receptions.load()
    assert dataset.text is not None
    assert "SYNTHETIC" in dataset.title
    for split, n in zip((dataset.train, dataset.validation, dataset.test), receptions.SIZES.values(), strict=True):
        assert split.labels is not None
        assert [mood(str(text)) for text in split.samples["tokens"]] == split.labels.tolist()
        assert np.bincount(split.labels).tolist() == [n // 2, n // 2]
    bare = {str(text).split(" , so ")[0] for text in dataset.text}
    assert not bare & {str(text) for text in dataset.test.samples["tokens"]}
    for text in dataset.text[:500]:
        did = [word for word in str(text).split() if word in sum(receptions._DID, ())]
        assert all(word in receptions._DID[mood(str(text))] for word in did)
    with pytest.raises(Refused, match="made by a grammar"):
        receptions.load(Path("x"))


def test_texts_teach_the_encoder_and_labels_are_not_needed_for_it() -> None:
    recipe, dataset = registry.load("bert_tiny"), receptions.load()
    assert dataset.text is not None
    some = dataclasses.replace(dataset, text=dataset.text[:400])
    settings = {**recipe.defaults(), "pretraining_epochs": 2, "epochs": 2}
    objective = prepared(recipe, settings, some)
    before = [w.numpy().copy() for w in objective.model.trainable_variables]
    figures = [objective.epoch(i, lambda share: None) for i in range(2)]
    assert [f["stage"] for f in figures] == [1.0, 1.0]
    assert figures[1]["loss"] < figures[0]["loss"]
    moved = [np.abs(w.numpy() - b).max() > 0 for w, b in zip(objective.model.trainable_variables, before, strict=True)]
    assert moved == [True] * (len(moved) - 2) + [False, False], "all but the classifier"
    assert "400 sentences" in objective.facts(some)["text"]
    step = objective.frontends["tokens"].steps[0]
    assert "cheered" in step["vocabulary"], "words of the text have numbers"
    with pytest.raises(Refused, match="pretraining_epochs=0"):
        prepared(recipe, settings, dataclasses.replace(dataset, text=None))
