"""A student's losses against numpy, and what is traced in its teacher against Keras's own attention."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgeproof.errors import Refused
from edgeproof.metrics import softmax
from models.bert import build_bert
from train import registry
from train.data import Dataset, receptions
from train.objectives.distilled import Between, Traced, apart, softly
from train.run import prepared
from train.study import differences


def few(n: int) -> Dataset:
    dataset = receptions.load()
    assert dataset.text is not None
    return dataclasses.replace(dataset, text=dataset.text[:n])


def settings(**others: Any) -> dict[str, Any]:
    return {**registry.load("bert_student").defaults(), "teacher_epochs": 2, "distilling_epochs": 2, **others}


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


@pytest.mark.parametrize(("blocks", "looked_at"), [(1, [1]), (2, [0, 1])])
def test_what_lies_between_is_compared_block_by_block(blocks: int, looked_at: list[int]) -> None:
    """The loss by numpy, and its gradient by two-sided differences, projections included."""
    recipe, rng = registry.load("bert_student"), np.random.default_rng(0)
    with differences.precision("float64"):
        objective = prepared(recipe, settings(blocks=blocks), few(16))
        between = objective._between
        assert isinstance(between, Between)
        differences.jitter([*objective.model.trainable_variables, *objective.teacher.trainable_variables], 0)
        tokens = {"tokens": between.train.tensors["tokens"][:4]}
        mine, its = (Traced(model)(tokens["tokens"], training=False) for model in (objective.model, objective.teacher))
        table, hidden = between.projections.numpy()
        expected = np.square(mine["embedding"][0].numpy() @ table - its["embedding"][0]).mean()
        for i, at in enumerate(looked_at):
            expected += np.square(mine["attention"][i].numpy() - its["attention"][at]).mean()
            expected += np.square(mine["hidden"][i].numpy() @ hidden - its["hidden"][at]).mean()
        given = {"tokens": tf.constant(tokens["tokens"])}

        def loss() -> Any:
            return between.loss(None, between.call(given, training=True))

        np.testing.assert_allclose(float(loss()), expected, rtol=1e-9)
        with tf.GradientTape() as tape:
            value = loss()
        slopes = tape.gradient(value, between.weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        reached = 0
        for weight, slope in zip(between.weights, slopes, strict=True):
            along = rng.normal(size=weight.shape)
            here, told = weight.numpy(), float(np.sum(tf.convert_to_tensor(slope).numpy() * along))
            sides = []
            for step in (1e-6, -1e-6):
                weight.assign(here + step * along)
                sides.append(float(loss()))
            weight.assign(here)
            np.testing.assert_allclose(told, (sides[0] - sides[1]) / 2e-6, rtol=1e-4, atol=1e-7)
            reached += told != 0
    assert reached == len(between.weights)


@pytest.mark.all
def test_a_student_nears_its_teacher_which_stays_as_it_is() -> None:
    recipe, some = registry.load("bert_student"), few(300)
    objective = prepared(recipe, settings(epochs=2), some)
    figures = [objective.epoch(i, lambda share: None) for i in range(2)]
    teacher = [w.numpy().copy() for w in objective.teacher.weights]
    figures += [objective.epoch(i, lambda share: None) for i in range(2, objective.epochs)]
    assert [f["stage"] for f in figures] == [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]
    assert figures[3]["loss"] < figures[2]["loss"]
    assert figures[5]["loss"] < figures[4]["loss"]
    for before, weight in zip(teacher, objective.teacher.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), before)

    own = registry.load("bert_tiny")
    alone = prepared(own, {**own.defaults(), "pretraining_epochs": 0, "epochs": 2}, some)
    for index in range(2):
        alone.epoch(index, lambda share: None)
    for weight, before in zip(alone.model.weights, teacher, strict=True):
        np.testing.assert_array_equal(weight.numpy(), before, err_msg="the teacher is what its own recipe gives")


def test_texts_are_cut_and_the_labelled_ones_are_read_too() -> None:
    some = few(50)
    assert some.text is not None
    objective = prepared(registry.load("bert_student"), settings(), some)
    tokens = objective.train.tensors["tokens"]
    assert len(tokens) == 50 + len(some.train)
    (step,) = objective.frontends["tokens"].steps
    for text, row in zip(some.text, tokens, strict=False):
        words = str(text).split(" , ")[0].split()
        assert [step["vocabulary"][number - 2] for number in row if number] == words


def test_what_no_teacher_can_teach_is_refused() -> None:
    recipe, some = registry.load("bert_student"), few(10)
    for wrong in ({"heads": 1}, {"blocks": 3}):
        with pytest.raises(Refused, match="--set heads=2 --set blocks=1"):
            prepared(recipe, settings(**wrong), some)
    with pytest.raises(Refused, match="needs texts"):
        prepared(recipe, settings(), dataclasses.replace(some, text=None))
