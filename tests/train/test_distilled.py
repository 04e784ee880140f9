"""A student's losses against numpy, and what is traced in its teacher against Keras's own attention."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgeproof.errors import Refused
from edgeproof.metrics import softmax
from models.bert import build_bert
from train import registry
from train.data import receptions
from train.objectives.distilled import Traced, apart, softly
from train.run import prepared


def test_losses_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    mine, its = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    np.testing.assert_allclose(float(apart(tf.constant(mine), tf.constant(its))), np.square(mine - its).mean())
    for temperature in (1.0, 2.5):
        p, q = softmax(its / temperature), softmax(mine / temperature)
        found = float(softly(tf.constant(its), tf.constant(mine), temperature))
        np.testing.assert_allclose(found, -(p * np.log(q)).sum(axis=1).mean())
    same = float(softly(tf.constant(its), tf.constant(its), 1.0))
    assert same < float(softly(tf.constant(its), tf.constant(mine), 1.0))


def test_traced_scores_are_those_whose_softmax_keras_attends_by() -> None:
    model = build_bert(length=5, vocabulary=9, units=8, blocks=2, heads=2)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    tokens = rng.integers(0, 9, (4, 5)).astype(np.int32)
    found = Traced(model)(tokens, training=False)
    assert (len(found["embedding"]), len(found["attention"]), len(found["hidden"])) == (1, 2, 2)
    for i in range(2):
        into = keras.Model(model.input, model.get_layer(f"read{i + 1}_norm1").output)(tokens)
        _, weights = model.get_layer(f"read{i + 1}_attention")(into, into, return_attention_scores=True)
        np.testing.assert_allclose(softmax(found["attention"][i].numpy()), weights.numpy(), rtol=1e-4, atol=1e-6)
        hidden = keras.Model(model.input, model.get_layer(f"read{i + 1}_add2").output)(tokens)
        np.testing.assert_allclose(found["hidden"][i].numpy(), hidden.numpy(), rtol=1e-5)


def test_a_student_nears_its_teacher_which_stays_as_it_is() -> None:
    recipe, dataset = registry.load("bert_student"), receptions.load()
    assert dataset.text is not None
    some = dataclasses.replace(dataset, text=dataset.text[:300])
    settings = {**recipe.defaults(), "teacher_pretraining": 0, "teacher_epochs": 2, "distilling_epochs": 2, "epochs": 2}
    objective = prepared(recipe, settings, some)
    figures = [objective.epoch(i, lambda share: None) for i in range(2)]
    teacher = [w.numpy().copy() for w in objective._teacher.model.weights]
    figures += [objective.epoch(i, lambda share: None) for i in range(2, objective.epochs)]
    assert [f["stage"] for f in figures] == [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]
    assert figures[3]["loss"] < figures[2]["loss"]
    assert figures[5]["loss"] < figures[4]["loss"]
    for before, weight in zip(teacher, objective._teacher.model.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), before)
    with pytest.raises(Refused, match="heads=2"):
        prepared(recipe, {**settings, "heads": 1}, some)
