"""Restricted Boltzmann machines against enumeration in numpy and against scikit-learn."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM

from models.layers import Boltzmann
from train.objectives.boltzmann import Machine
from train.objectives.divergence import Divergence


def machine(features: int, hidden: int, seed: int = 0, scale: float = 0.5, gaussian: bool = False) -> Machine:
    rng = np.random.default_rng(seed)
    shapes = ((features, hidden), (features,), (hidden,))
    kernel, visible, biases = (rng.normal(0, scale, shape).astype(np.float32) for shape in shapes)
    return Machine(kernel, visible, biases, gaussian)


def states(n: int) -> np.ndarray:
    return np.array(list(itertools.product((0.0, 1.0), repeat=n)), np.float32)


def enumerated(subject: Machine, v: np.ndarray, h: np.ndarray) -> np.ndarray:
    """-E(v, h) of every pair, as the definition has it: (visible states, hidden states)."""
    return np.asarray(v @ subject.kernel @ h.T + (v @ subject.visible)[:, None] + h @ subject.hidden)


@settings(max_examples=20)
@given(features=st.integers(1, 6), hidden=st.integers(1, 6), seed=st.integers(0, 99))
def test_energies_and_partition_are_those_of_every_state(features: int, hidden: int, seed: int) -> None:
    subject = machine(features, hidden, seed)
    v, h = states(features), states(hidden)
    joint = enumerated(subject, v, h).astype(np.float64)
    np.testing.assert_allclose(
        -np.asarray(subject.free_energy(v)), np.logaddexp.reduce(joint, axis=1), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(subject.log_partition(), np.logaddexp.reduce(joint.ravel()), rtol=1e-5)
    shares = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(subject.up(v), shares @ h, rtol=1e-4, atol=1e-5)


def test_the_partition_of_gaussian_units_is_an_integral() -> None:
    subject = machine(1, 3, gaussian=True)
    grid = np.linspace(-30, 30, 60001, dtype=np.float32)[:, None]
    density = np.exp(-np.asarray(subject.free_energy(grid), np.float64))
    np.testing.assert_allclose(subject.log_partition(), np.log(np.trapezoid(density, grid[:, 0])), rtol=1e-5)


def test_annealed_importance_sampling_gives_the_exact_likelihood_of_12_hidden_units() -> None:
    """On digits, after some training, as it is used."""
    x = (load_digits().data[:1000] / 16 > 0.5).astype(np.float32)
    rng = np.random.default_rng(0)
    rate = np.clip(x.mean(axis=0), 0.01, 0.99)
    variables = [
        tf.Variable(rng.normal(0, 0.01, (64, 12)).astype(np.float32)),
        tf.Variable(np.log(rate / (1 - rate)).astype(np.float32)),
        tf.Variable(np.zeros(12, np.float32)),
    ]
    subject = Machine(*variables)
    teacher = Divergence(subject, batch=50, gibbs_steps=1, persistent=True, weight_decay=0.0)
    for _ in range(15):
        for start in range(0, 1000, 50):
            seeds = rng.integers(0, 2**31 - 1, (3, 2), dtype=np.int32)
            teacher.step(x[start : start + 50], seeds, np.float32(0.05), np.float32(0.5))
    exact = subject.log_partition()
    found, error = subject.annealed_log_partition(rate, runs=200, temperatures=2000)
    likelihood = -float(np.mean(subject.free_energy(x)))
    assert abs((likelihood - found) - (likelihood - exact)) <= 0.02 * abs(likelihood - exact)
    assert abs(found - exact) <= 5 * error + 0.05
    without = Machine(np.zeros((64, 12), np.float32), np.log(rate / (1 - rate)).astype(np.float32), np.zeros(12, "f"))
    assert likelihood - exact > -float(np.mean(without.free_energy(x))) - without.log_partition() + 2, "it has learned"


def test_scores_are_those_of_scikit_learn() -> None:
    x = (load_digits().data[:200] / 16 > 0.5).astype(np.float32)
    theirs = BernoulliRBM(n_components=10, n_iter=3, random_state=0).fit(x)
    ours = Machine(
        theirs.components_.T.astype(np.float32),
        theirs.intercept_visible_.astype(np.float32),
        theirs.intercept_hidden_.astype(np.float32),
    )
    np.testing.assert_allclose(ours.up(x), theirs.transform(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.free_energy(x), theirs._free_energy(x), rtol=1e-4)
    # The estimate turns one unit of each sample over, drawn: the same draws by the same seed of its legacy generator.
    expected = theirs.set_params(random_state=7).score_samples(x)
    turned = np.random.RandomState(7).randint(0, 64, 200)

    class Draws:
        def integers(self, low: int, high: int, size: int) -> np.ndarray:
            return turned

    np.testing.assert_allclose(ours.pseudo_likelihood(x, Draws()), expected, rtol=1e-3, atol=1e-3)  # type: ignore[arg-type]


def test_pseudo_likelihood_is_of_bernoulli_units() -> None:
    with pytest.raises(ValueError, match="Bernoulli"):
        machine(3, 2, gaussian=True).pseudo_likelihood(np.zeros((1, 3), np.float32), np.random.default_rng(0))


@pytest.mark.parametrize("gaussian", [False, True])
def test_the_layer_is_the_machine(gaussian: bool) -> None:
    subject = machine(5, 3, gaussian=gaussian)
    layer = Boltzmann(3, gaussian=gaussian)
    v = np.random.default_rng(1).random((7, 5)).astype(np.float32)
    layer(v)
    layer.set_weights([subject.kernel, subject.hidden, subject.visible])
    np.testing.assert_allclose(keras.ops.sigmoid(layer(v)), subject.up(v), rtol=1e-5)
    down = layer(np.asarray(subject.up(v)), back=True)
    np.testing.assert_allclose(
        down if gaussian else keras.ops.sigmoid(down), subject.down(subject.up(v)), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(layer(v, energy=True)[:, 0], subject.free_energy(v), rtol=1e-5, atol=1e-5)


def test_a_step_of_cd_1_is_data_less_model() -> None:
    """Against the update written out in numpy with the same random numbers."""
    variables = [tf.Variable(v) for v in (machine(4, 3).kernel, machine(4, 3).visible, machine(4, 3).hidden)]
    kernel, visible, hidden = (v.numpy() for v in variables)
    subject = Divergence(Machine(*variables), batch=6, gibbs_steps=1, persistent=False, weight_decay=0.01)
    v = np.random.default_rng(2).integers(0, 2, (6, 4)).astype(np.float32)
    seeds = np.arange(6, dtype=np.int32).reshape(3, 2)
    subject.step(v, seeds, np.float32(0.1), np.float32(0.5))

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-x)))

    up = sigmoid(v @ kernel + hidden)
    h = (tf.random.stateless_uniform((6, 3), seeds[0]).numpy() < up).astype(np.float32)
    means = sigmoid(h @ kernel.T + visible)
    sampled = (tf.random.stateless_uniform((6, 4), seeds[1]).numpy() < means).astype(np.float32)
    back = sigmoid(sampled @ kernel + hidden)
    np.testing.assert_allclose(
        variables[0], kernel + 0.1 * ((v.T @ up - means.T @ back) / 6 - 0.01 * kernel), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(variables[1], visible + 0.1 * (v - means).mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variables[2], hidden + 0.1 * (up - back).mean(axis=0), rtol=1e-4, atol=1e-6)


def test_momentum_carries_half_of_the_last_move_on() -> None:
    variables = [tf.Variable(v) for v in (machine(4, 3).kernel, machine(4, 3).visible, machine(4, 3).hidden)]
    subject = Divergence(Machine(*variables), batch=6, gibbs_steps=1, persistent=False, weight_decay=0.0)
    subject.velocities[1].assign(np.ones(4, np.float32))
    before = variables[1].numpy()
    subject.step(np.zeros((6, 4), np.float32), np.zeros((3, 2), np.int32), np.float32(0.0), np.float32(0.5))
    np.testing.assert_allclose(variables[1], before + 0.5)
