"""Update rules and schedules against the formulas that the page prints, in numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from train.study.rules import RULES, SCHEDULES, momentum
from train.study.studies import optimizers

RATE, EPSILON = 0.1, 1e-7
Formula = Callable[[np.ndarray, list[np.ndarray]], Iterator[np.ndarray]]


def descent(w: np.ndarray, gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    for g in gradients:
        w = w - RATE * g
        yield w


def averaged(w: np.ndarray, gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    v = np.zeros_like(w)
    for g in gradients:
        v = 0.9 * v + 0.1 * g
        w = w - RATE * v
        yield w


def nesterov(w: np.ndarray, gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    v = np.zeros_like(w)
    for g in gradients:
        v = 0.9 * v + 0.1 * g
        w = w - RATE * (0.9 * v + 0.1 * g)
        yield w


def adagrad(w: np.ndarray, gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    s = np.full_like(w, 0.1)
    for g in gradients:
        s = s + g**2
        w = w - RATE * g / np.sqrt(s + EPSILON)
        yield w


def rmsprop(w: np.ndarray, gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    s = np.zeros_like(w)
    for g in gradients:
        s = 0.9 * s + 0.1 * g**2
        w = w - RATE * g / np.sqrt(s + EPSILON)
        yield w


def adam(w: np.ndarray, gradients: list[np.ndarray], decay: float = 0.0) -> Iterator[np.ndarray]:
    m = s = np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        w = w - RATE * decay * w
        w = w - RATE * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + EPSILON)
        yield w


FORMULAS: dict[str, Formula] = {
    "batch": descent,
    "stochastic": descent,
    "mini-batch": descent,
    "momentum": averaged,
    "Nesterov": nesterov,
    "Adagrad": adagrad,
    "RMSprop": rmsprop,
    "Adam": adam,
    "AdamW": lambda w, gradients: adam(w, gradients, decay=0.01),
}


def test_every_rule_has_a_formula_here() -> None:
    assert set(FORMULAS) == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_steps_as_its_formula_says(name: str) -> None:
    rng = np.random.default_rng(4)
    start = rng.standard_normal(6)
    gradients = [rng.standard_normal(6) * 10.0**k for k in rng.uniform(-1, 1, 12)]
    weights = keras.Variable(start, dtype="float32")
    optimizer = RULES[name].make(RATE)
    optimizer.build([weights])
    for g, expected in zip(gradients, FORMULAS[name](start, gradients), strict=True):
        optimizer.apply([tf.constant(g, tf.float32)], [weights])
        np.testing.assert_allclose(weights.numpy(), expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_s_rate_can_be_set_later(name: str) -> None:
    optimizer = RULES[name].make(0.3)
    own = float(optimizer.learning_rate)
    assert RULES[name].own(0.3) == pytest.approx(own)


def test_momentum_is_keras_s_with_the_rate_of_an_average() -> None:
    assert float(momentum(0.5).learning_rate) == pytest.approx(0.05)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0.0, 0.99))
def test_a_weighted_average_has_the_weights_that_it_claims(values: list[float], beta: float) -> None:
    plain, corrected = optimizers.averages(np.array(values), beta)
    for t in range(1, len(values) + 1):
        weights = np.array([(1 - beta) * beta ** (t - i) for i in range(1, t + 1)])
        assert plain[t - 1] == pytest.approx(weights @ values[:t], abs=1e-9)
        assert corrected[t - 1] == pytest.approx(weights @ values[:t] / weights.sum(), abs=1e-7)


def test_schedules_follow_their_formulas() -> None:
    rates = {name: [f(2.0, e, 8) for e in range(8)] for name, (_, f) in SCHEDULES.items()}
    assert rates["constant"] == [2.0] * 8
    assert rates["step"] == pytest.approx([2.0] * 4 + [0.2] * 2 + [0.02] * 2)
    assert rates["exponential"] == pytest.approx([2 * 0.01 ** (e / 8) for e in range(8)])
    assert rates["cosine"] == pytest.approx([1 + math.cos(math.pi * e / 8) for e in range(8)])


def test_descent_on_the_saddle_is_its_closed_form() -> None:
    # x shrinks by 1 - 2α a step, y grows by 1 + 2α.
    path = optimizers.saddle(RULES["batch"], 50)
    steps = np.arange(51)
    np.testing.assert_allclose(path[:, 0], 0.9**steps, rtol=1e-4)
    np.testing.assert_allclose(path[:, 1], 1e-3 * 1.1**steps, rtol=1e-4)
