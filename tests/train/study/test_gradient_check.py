"""Differences against gradients: right ones pass, a wrong one is caught, a corner is not taken for a mistake."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from train import registry
from train.study import differences
from train.study.__main__ import main
from train.study.differences import LIMIT, STEP, Checked, Loss


@keras.saving.register_keras_serializable(package="tests")
class Squashed(keras.layers.Layer):
    """tanh, whose gradient is too large by `wrong`."""

    def __init__(self, wrong: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.wrong = wrong

    def call(self, x: Any) -> Any:
        @tf.custom_gradient
        def squash(x: Any) -> Any:
            y = tf.tanh(x)
            return y, lambda upstream: upstream * (1 - y**2) * (1 + self.wrong)

        return squash(x)


def build_squashed(*, wrong: float = 0.0, classes: int = 10) -> keras.Model:
    image = keras.Input((28, 28, 1), name="image")
    x = keras.layers.Dense(6, name="hidden")(keras.layers.Flatten(name="flat")(image))
    x = Squashed(wrong, name="squash")(x)
    return keras.Model(image, keras.layers.Dense(classes, name="logits")(x))


def squared(labels: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.square(outputs - labels))


def loss_of(model: keras.Model, inputs: np.ndarray, labels: np.ndarray) -> Loss:
    return Loss(model, tf.constant(inputs), tf.constant(labels), squared)


@pytest.mark.parametrize(("wrong", "caught"), [(0.0, False), (1e-4, True), (-0.5, True)])
def test_a_wrong_custom_gradient_is_caught(wrong: float, caught: bool) -> None:
    rng = np.random.default_rng(0)
    with differences.precision("float64"):
        keras.utils.set_random_seed(0)
        model = build_squashed(wrong=wrong)
        differences.jitter(model.trainable_variables, 0)
        loss = loss_of(model, rng.uniform(size=(4, 28, 28, 1)), rng.standard_normal((4, 10)))
        found = {tensor.path: tensor for tensor in differences.check(loss, each=6, seed=0)}
    assert [found[f"hidden/{name}"].error > LIMIT for name in ("kernel", "bias")] == [caught, caught]
    assert found["logits/kernel"].error < LIMIT  # above the mistake the gradient is right
    if wrong:
        expected = abs(wrong) / (2 + wrong)  # ‖(1+w)g - g‖ / (‖(1+w)g‖ + ‖g‖)
        assert found["hidden/kernel"].error == pytest.approx(expected, rel=1e-3)


def corner(away: float, steps: tuple[float, ...]) -> Checked:
    """(ReLU(w) + 1)² at w = `away`: its derivative is 2 (w + 1) above the corner at 0, nothing below."""
    with differences.precision("float64"):
        x = keras.Input((1,))
        model = keras.Model(x, keras.layers.ReLU()(keras.layers.Dense(1, use_bias=False, name="one")(x)))
        model.trainable_variables[0].assign([[away]])
        (found,) = differences.check(loss_of(model, np.ones((1, 1)), -np.ones((1, 1))), each=1, seed=0, steps=steps)
    return found


@pytest.mark.parametrize("share", [-0.99, -0.5, -1 / 3, -0.01, -1e-9, 0.0, 1e-9, 0.01, 0.25, 1 / 3, 0.5, 0.99])
def test_a_corner_is_seen_wherever_it_lies_within_the_step(share: float) -> None:
    found = corner(share * STEP, (STEP,))
    assert (found.kinks, found.kept) == (1, 0)


@pytest.mark.parametrize(("away", "slope"), [(0.3, 2.6), (0.25 * STEP, 2.0), (0.03 * STEP, 2.0)])
def test_a_smaller_step_reaches_no_corner(away: float, slope: float) -> None:
    found = corner(away, differences.STEPS)
    assert (found.kinks, found.kept) == (0, 1)
    assert found.numeric[0] == pytest.approx(slope, rel=1e-5, abs=1e-9)
    assert found.error < LIMIT


def test_a_corner_in_every_step_is_counted_and_another_number_is_drawn() -> None:
    for away in (1e-4 * STEP, -0.25 * STEP):  # the second is flat: over a small step no more than rounding is left
        found = corner(away, differences.STEPS)
        assert (found.kinks, found.kept) == (1, 0)
    with differences.precision("float64"):
        x = keras.Input((8,))
        model = keras.Model(x, keras.layers.ReLU()(keras.layers.Dense(1, use_bias=False, name="one")(x)))
        # The first two samples see the sum of the first weight and the fifth, which is 0: two numbers at a corner.
        model.trainable_variables[0].assign([[1.0]] * 4 + [[-1.0]] * 4)
        inputs = np.concatenate([np.eye(8)[[0, 4]] + np.eye(8)[[4, 0]], np.eye(8)])
        loss = loss_of(model, inputs, -np.ones((10, 1)))
        (found,) = differences.check(loss, each=6, seed=0)
    assert (found.kept, found.kinks <= 2) == (6, True)
    assert found.error < LIMIT


def test_a_slope_that_rounding_hides_is_taken_over_a_larger_step() -> None:
    """(1000 + tanh(1e-4 w))²: its derivative of 0.2 is told to no more than 1e-6 over the first step."""
    with differences.precision("float64"):
        x = keras.Input((1,))
        y = keras.layers.Dense(1, use_bias=False, name="one")(x)
        model = keras.Model(x, keras.layers.Activation("tanh")(y))
        model.trainable_variables[0].assign([[0.5]])
        loss = loss_of(model, np.full((1, 1), 1e-4), np.full((1, 1), -1000.0))
        (coarse,) = differences.check(loss, each=1, seed=0, steps=(STEP,))
        exact = 2 * (1000 + np.tanh(5e-5)) * 1e-4 / np.cosh(5e-5) ** 2
    first = differences.two_sided(loss, model.trainable_variables[0], 0, STEP)
    assert abs(first - exact) > 10 * abs(coarse.numeric[0] - exact)
    assert coarse.error < LIMIT


def test_what_a_training_step_draws_is_held_still() -> None:
    with differences.precision("float64"):
        x = keras.Input((8,))
        y = keras.layers.Dropout(0.5, seed=3)(keras.layers.BatchNormalization()(x))
        model = keras.Model(x, keras.layers.Dense(1)(y))
        rng = np.random.default_rng(1)
        loss = loss_of(model, rng.standard_normal((5, 8)), rng.standard_normal((5, 1)))
        assert loss() == loss()
        assert max(tensor.error for tensor in differences.check(loss, each=8, seed=0)) < LIMIT


def test_the_formula_is_zero_for_equal_gradients_and_one_for_opposite_ones() -> None:
    g = np.array([3.0, -4.0])
    assert differences.relative(g, g) == 0
    assert differences.relative(g, -g) == 1
    assert differences.relative(0 * g, 0 * g) == 0
    assert differences.relative(g, np.array([np.nan, 0])) == np.inf


def test_the_precision_is_set_back() -> None:
    before = keras.config.floatx(), keras.config.dtype_policy().name

    def fail() -> None:
        with differences.precision("float64"):
            assert keras.config.floatx() == "float64"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == before


def test_a_recipe_with_a_wrong_gradient_ends_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = registry.load("mlp")
    made = {"build": "tests:none", "arguments": {"wrong": 0.01, "classes": 10}, "when": ()}
    broken = dataclasses.replace(good, **made)
    monkeypatch.setattr(type(broken), "builder", lambda self: build_squashed)
    monkeypatch.setattr(registry, "load", lambda name: broken)
    assert main(["gradient-check", "--recipe", "mlp", "--tiny", "--out", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("study: gradient-check: mlp, hidden/")
    assert "above 1e-06" in told.err
    assert "2 weight tensors of 1 forms are above 1e-06" in (tmp_path / "gradient-check.md").read_text()


def test_a_recipe_of_another_kind_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = dataclasses.replace(registry.load("mlp"), fit=None)  # type: ignore[arg-type]
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda name: other if name == "mlp" else load(name))
    assert main(["gradient-check", "--recipe", "mlp", "--tiny", "--out", str(tmp_path)]) == 2
    assert "needs a recipe whose steps follow the gradient" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("recipe", "tensors"),
    [
        ("locally_connected", 6),
        pytest.param("rntn", 8, marks=pytest.mark.all),
        pytest.param("rnn_caption", 33, marks=pytest.mark.all),
    ],
)
def test_a_recipe_passes(recipe: str, tensors: int, tmp_path: Path) -> None:
    assert main(["gradient-check", "--recipe", recipe, "--tiny", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "gradient-check.md").read_text()
    assert f"| {recipe} | {tensors} |" in page
    assert "No weight tensors of 1 forms are above 1e-06" in page
