"""One neuron: its step, the rule by which it learns, and decisions by weights that a person chose."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from models.layers import Step
from models.perceptron import VARIANTS, build_decision, build_perceptron

RNG = np.random.default_rng(0)


def drawn(variant: str) -> keras.Model:
    model = build_perceptron(variant=variant)
    model.set_weights([RNG.normal(0, 0.2, w.shape) for w in model.weights])
    return model


@given(st.lists(st.floats(-1e6, 1e6, width=32).filter(lambda x: x <= 0 or x > 4e-7), min_size=1))
def test_a_step_is_one_above_zero_and_zero_elsewhere(values: list[float]) -> None:
    x = np.array(values, np.float32)
    np.testing.assert_allclose(np.asarray(Step()(x)), (x > 0).astype(np.float32), atol=1e-7)


def test_a_neuron_is_a_weight_a_pixel_and_a_threshold() -> None:
    for variant in VARIANTS:
        assert build_perceptron(variant=variant).count_params() == 28 * 28 + 1


def test_the_neuron_is_what_numpy_makes_of_its_weights() -> None:
    x = RNG.uniform(size=(200, 28, 28, 1)).astype(np.float32)
    for variant in VARIANTS:
        model = drawn(variant)
        w, b = map(np.asarray, model.get_layer("neuron").weights)
        z = (x.reshape(200, -1).astype(np.float64) @ w + b)[:, 0]
        assert 20 < (z > 0).sum() < 180
        yes = keras.ops.softmax(model(x))[:, 1]
        wanted = (z > 0).astype(float) if variant == "step" else 1 / (1 + np.exp(-z))
        np.testing.assert_allclose(yes, wanted, atol=1e-5)


def test_the_gradient_of_a_step_is_the_perceptron_s_rule() -> None:
    """Rosenblatt: w += rate (wanted - given) x; nothing moves where the answer is right."""
    model = drawn("step")
    x, wanted = RNG.uniform(size=(50, 28, 28, 1)).astype(np.float32), RNG.integers(0, 2, 50)
    w, b = map(np.asarray, model.get_layer("neuron").weights)
    flat = x.reshape(50, -1)
    given = (flat @ w + b)[:, 0] > 0
    assert 5 < (given != wanted).sum() < 45
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits))
    slope, of_bias = tape.gradient(loss, model.trainable_variables)
    step = (wanted - given.astype(int)).astype(np.float64)
    scale = 40.0  # between the neuron's answers of 0 and 1 lie 40 units of the logit
    np.testing.assert_allclose(-np.asarray(slope)[:, 0] / scale, step @ flat, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(-float(of_bias[0]) / scale, step.sum(), rtol=1e-5)


@given(st.lists(st.integers(-5, 9), min_size=1, max_size=4), st.integers(-3, 12))
def test_a_decision_is_whether_the_weights_come_to_the_threshold(weights: list[int], threshold: int) -> None:
    model = build_decision(weights=tuple(map(float, weights)), threshold=float(threshold))
    assert not model.trainable_weights
    rows = list(itertools.product((0, 1), repeat=len(weights)))
    wanted = [[float(sum(w for w, yes in zip(weights, row, strict=True) if yes) >= threshold)] for row in rows]
    np.testing.assert_allclose(np.asarray(model(np.array(rows, np.float32))), wanted, atol=1e-6)


def test_the_weather_decides_alone() -> None:
    decide = build_decision()
    rows = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]], np.float32)
    np.testing.assert_allclose(np.asarray(decide(rows))[:, 0], [1, 0, 1, 0], atol=1e-6)


def test_what_a_neuron_can_not_be_is_refused() -> None:
    with pytest.raises(ValueError, match="Received: 'sigmoid'"):
        build_perceptron(variant="sigmoid")
    with pytest.raises(ValueError, match="Received"):
        build_decision(weights=())
