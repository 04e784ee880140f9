"""What answers: its loss against numpy, what the nearest training sample says, and the settings of real sentences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from train import nearest, registry, settings
from train.objectives.answering import criterion

ROWS = np.array([[5, 3, 0, 0, 0], [2, 0, 0, 0, 0]], np.int32)  # what stands behind the first 0 counts for nothing
COUNTED = [3, 2]


@given(smoothing=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_loss_is_the_cross_entropy_with_a_truth_partly_spread(smoothing: float, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(2, 5, 6)) * 3
    log_chances = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    truth = (1 - smoothing) * np.eye(6)[ROWS] + smoothing / 6
    each = -(truth * log_chances).sum(axis=-1)
    wanted = sum(each[i, :n].sum() for i, n in enumerate(COUNTED)) / sum(COUNTED)
    found = float(criterion(tf.constant(ROWS), tf.constant(logits), smoothing))
    assert found == pytest.approx(wanted, rel=1e-9)


def test_the_nearest_training_sample_answers() -> None:
    known = np.array(["I see a bird.", "Where is the house?", "He eats bread."])
    answers = np.array(["Jag ser en fågel.", "Var är huset?", "Han äter bröd."])
    given = np.array(["where is my house", "she eats bread", "I see birds", "He eats bread."])
    assert nearest.copied(known, answers, given) == [answers[1], answers[2], answers[0], answers[2]]
    twice = nearest.copied(np.array(["the same", "the same"]), np.array(["first", "second"]), np.array(["the same"]))
    assert twice == ["first"]


def test_real_sentences_bring_their_settings() -> None:
    recipe = registry.load("translate")
    plain, lstm, transformer = (
        settings.resolve(recipe, data, wishes)
        for data, wishes in (("embedded", {}), ("tatoeba", {}), ("tatoeba", {"variant": "transformer"}))
    )
    assert (plain["script"], lstm["script"], transformer["script"]) == ("characters", "pairs", "pairs")
    same = ["script", "length", "vocabulary", "answer_length", "answer_vocabulary"]  # one text for both
    assert [lstm[key] for key in same] == [transformer[key] for key in same]
    written = recipe.frontends(lstm)[1].steps[-1]
    assert (written["op"], written["fill"], written["vocabulary"]) == ("pairs", "shifted", lstm["answer_vocabulary"])
