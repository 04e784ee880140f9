"""What is minimised, against the formulas in numpy; and that a step goes down."""

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from edgeproof.contract import Decode, Frontend
from edgeproof.errors import Refused
from edgeproof.metrics import softmax
from train.data import Dataset, Split
from train.objectives import supervised
from train.objectives.objective import Task
from train.objectives.supervised import Supervised

DIM, CLASSES = 5, 3


def points(n: int, seed: int) -> Split:
    """Labelled points in three clusters."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n)
    x = rng.normal(size=(n, DIM)) + 2.0 * np.eye(CLASSES, DIM)[labels]
    return Split({"x": x.astype(np.float32)}, labels)


def dataset(n: int = 40) -> Dataset:
    return Dataset("points", "points", "none", True, points(n, 0), points(17, 1), points(23, 2))


def linear() -> keras.Model:
    x = keras.Input((DIM,), name="x")
    initial = keras.initializers.RandomNormal(stddev=0.5, seed=3)
    return keras.Model(x, keras.layers.Dense(CLASSES, kernel_initializer=initial, name="logits")(x))


def objective(data: Dataset | None = None, model: keras.Model | None = None, **changes: Any) -> Supervised:
    settings = {
        **{"loss": "cross_entropy", "epochs": 4, "batch": 8, "optimizer": "sgd", "learning_rate": 0.1},
        **{"weight_decay": 0.0, "clip": 0.0, "rubbish": 1.0, "shift": 0.0, "rotate": 0.0, "seed": 0},
        **changes,
    }
    return Supervised(model or linear(), settings, data or dataset(), task("x"))


def task(*inputs: str) -> Task:
    return Task(tuple(Frontend(name) for name in inputs), Decode("classify"), "accuracy")


def epoch(subject: Supervised, index: int = 0) -> dict[str, float]:
    return subject.epoch(index, lambda part: None)


def loss(name: str, labels: np.ndarray, logits: np.ndarray, rubbish: float = 1.0) -> float:
    function = supervised.criterion({"loss": name, "rubbish": rubbish})
    return float(function(tf.constant(labels, tf.int32), tf.constant(logits, tf.float32)))


def equation_9(labels: np.ndarray, penalties: np.ndarray, j: float) -> float:
    """LeCun et al. 1998: E(W) = 1/P Σ_p ( y_Dp(Zp, W) + log( e^-j + Σ_i e^-y_i(Zp, W) ) )."""
    total = 0.0
    for wanted, y in zip(labels, penalties, strict=True):
        total += y[wanted] + math.log(math.exp(-j) + sum(math.exp(-y_i) for y_i in y))
    return total / len(labels)


@pytest.mark.parametrize("rubbish", [-3.0, 0.0, 1.0, 10.0])
def test_map_is_equation_9(rubbish: float) -> None:
    rng = np.random.default_rng(1)
    penalties, labels = rng.uniform(0, 20, (30, 10)), rng.integers(0, 10, 30)
    # float32 against double.
    assert loss("map", labels, -penalties, rubbish) == pytest.approx(equation_9(labels, penalties, rubbish), rel=1e-6)


def test_map_stays_finite_where_equation_9_overflows() -> None:
    # e^-400 is 0 in float32, and log 0 would be minus infinity: penalties of 84 units are that large at the start.
    penalties = np.array([[400.0, 500.0, 600.0]])
    expected = 500.0 - 400.0  # all the others' terms are e^-100 and less beside e^-400
    assert loss("map", np.array([1]), -penalties, 700.0) == pytest.approx(expected, rel=1e-6)
    assert loss("map", np.array([1]), -penalties, 1.0) == pytest.approx(500.0 - 1.0, rel=1e-6)


def test_cross_entropy_is_scikit_learn_s_log_loss() -> None:
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(0, 3, (50, 10)), rng.integers(0, 10, 50)
    expected = log_loss(labels, softmax(logits), labels=range(10))
    assert loss("cross_entropy", labels, logits) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["cross_entropy", "map"])
def test_a_step_goes_down_the_gradient(name: str) -> None:
    """One step over all samples, against finite differences of the loss in double precision."""
    data = dataset()
    subject = objective(data, loss=name, batch=len(data.train), learning_rate=0.01)
    kernel, bias = (w.numpy().astype(np.float64) for w in subject.model.trainable_weights)
    x, labels = data.train.samples["x"].astype(np.float64), data.train.labels
    assert labels is not None

    def value(kernel: np.ndarray, bias: np.ndarray) -> float:
        logits = x @ kernel + bias
        if name == "map":
            return equation_9(labels, -logits, 1.0)
        return float(log_loss(labels, softmax(logits), labels=range(CLASSES)))

    slope = np.zeros_like(kernel)
    for at in np.ndindex(*kernel.shape):
        there = np.zeros_like(kernel)
        there[at] = 1e-5
        slope[at] = (value(kernel + there, bias) - value(kernel - there, bias)) / 2e-5
    epoch(subject)
    # The weights are float32: a step of 1e-3 is known to 1e-7 of weights near 1.
    np.testing.assert_allclose(subject.model.get_layer("logits").kernel.numpy() - kernel, -0.01 * slope, atol=3e-7)


@pytest.mark.parametrize("name", ["cross_entropy", "map"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_training_lowers_the_loss(name: str, optimizer: str) -> None:
    subject = objective(loss=name, optimizer=optimizer, learning_rate=0.02)
    figures = [epoch(subject, index) for index in range(4)]
    assert figures[0]["loss"] > figures[1]["loss"] > figures[-1]["loss"]
    assert figures[-1]["validation_loss"] < figures[0]["validation_loss"]


@pytest.mark.parametrize("size", [1, 7, 40, 100])
def test_an_epoch_s_loss_is_the_mean_over_samples_each_seen_once(size: int) -> None:
    data = dataset()
    subject = objective(data, learning_rate=0.0, batch=size)  # the weights stand still, so the mean is known
    kernel, bias = (w.numpy() for w in subject.model.trainable_weights)

    def logits(split: Split) -> np.ndarray:
        return np.asarray(split.samples["x"] @ kernel + bias, np.float64)

    figures = epoch(subject)
    train, held_out = data.train, data.validation
    assert figures["loss"] == pytest.approx(log_loss(train.labels, softmax(logits(train)), labels=range(3)), rel=1e-5)
    expected = log_loss(held_out.labels, softmax(logits(held_out)), labels=range(3))
    assert figures["validation_loss"] == pytest.approx(expected, rel=1e-5)
    assert figures["validation_score"] == np.mean(logits(held_out).argmax(1) == held_out.labels)


def test_the_order_of_samples_is_the_seed_s_and_the_epoch_s_alone() -> None:
    def order(subject: Supervised, index: int) -> list[int]:
        return [int(i) for chosen, _ in subject.orders(index, len(subject.train)) for i in chosen]

    first, second, other = objective(), objective(), objective(seed=1)
    epoch(first, 0)  # what was done before makes no difference
    assert order(first, 1) == order(second, 1)
    assert order(first, 1) != order(first, 2)
    assert order(first, 1) != order(other, 1)
    assert sorted(order(first, 1)) == sorted(order(first, 2)) == sorted(order(other, 1))


def test_the_learning_rate_falls_to_zero_at_the_end() -> None:
    subject = objective(epochs=2, batch=10)  # 4 steps an epoch
    rates = []
    for index in range(2):
        epoch(subject, index)
        rates.append(float(subject.optimizer.learning_rate))
    assert rates[0] == pytest.approx(0.05, rel=1e-6)  # half a cosine of 0.1
    assert rates[1] == pytest.approx(0.0, abs=1e-9)


def test_progress_is_told_to_the_end() -> None:
    parts: list[float] = []
    objective(batch=16).epoch(0, parts.append)
    assert parts == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_score_is_by_sample() -> None:
    data, subject = dataset(), objective()
    outputs, values = subject.score(data.test)
    kernel, bias = (w.numpy() for w in subject.model.trainable_weights)
    np.testing.assert_allclose(outputs, data.test.samples["x"] @ kernel + bias, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(values, outputs.argmax(1) == data.test.labels)


def test_outputs_of_many_samples_are_those_of_one_batch() -> None:
    subject, x = objective(), points(1203, 9).samples["x"]
    # Another batch size may take another kernel: the last bits may differ.
    np.testing.assert_allclose(subject.outputs({"x": x})["logits"], np.asarray(subject.model(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_inputs_go_by_their_names_not_by_their_order() -> None:
    second, first = keras.Input((2,), name="second"), keras.Input((2,), name="first")
    logits = keras.layers.Dense(CLASSES, name="logits")(second - 10 * first)
    model = keras.Model([second, first], logits)
    rng = np.random.default_rng(0)
    samples = {name: rng.normal(size=(30, 2)).astype(np.float32) for name in ("first", "second")}
    split = Split(samples, rng.integers(0, CLASSES, 30))
    data = Dataset("pairs", "pairs", "none", True, split, split, split)
    settings = objective().settings
    subject = Supervised(model, settings, data, task("first", "second"))
    expected = model([samples["second"], samples["first"]]).numpy()
    np.testing.assert_allclose(subject.outputs(samples)["logits"], expected, rtol=1e-6)
    assert math.isfinite(epoch(subject)["loss"])


def test_a_loss_that_runs_away_ends_the_epoch() -> None:
    subject = objective(learning_rate=3e38)
    figures = epoch(subject)
    assert not math.isfinite(figures["loss"])
    assert subject.culprit.startswith(('weight "', 'output of layer "logits"', 'gradient of "'))


def test_a_step_that_is_not_finite_moves_nothing_and_names_the_first_such_tensor() -> None:
    subject = objective()
    kernel = np.full((DIM, CLASSES), 3e38, np.float32)  # finite, but products of it are not
    subject.model.get_layer("logits").set_weights([kernel, np.zeros(CLASSES, np.float32)])
    assert not math.isfinite(epoch(subject)["loss"])
    assert subject.culprit.startswith('output of layer "logits": ')
    np.testing.assert_array_equal(subject.model.get_weights()[0], kernel)
    assert int(subject.optimizer.iterations) == 0


@pytest.mark.parametrize(
    ("key", "value", "nearest"), [("loss", "cross-entropy", "cross_entropy"), ("optimizer", "adam", "adamw")]
)
def test_an_unknown_loss_or_optimizer_names_the_nearest(key: str, value: str, nearest: str) -> None:
    with pytest.raises(Refused, match=f"train: {key} must be one that this objective has") as refused:
        objective(**{key: value})
    assert f'did you mean "{nearest}"?' in refused.value.fix


def test_labels_are_needed_and_must_have_a_class() -> None:
    good = points(9, 0)
    for split, rule in (
        (Split(good.samples), "needs labels"),
        (Split(good.samples, good.labels + 1), "from 0 to 2"),
        (Split(good.samples, good.labels[:-1]), "from 0 to 2"),
    ):
        with pytest.raises(Refused, match=rule):
            objective(Dataset("points", "points", "none", True, good, split, good))
