"""The small networks for digits: exact counts, and each forward pass written again in numpy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cnn_6c_12c import build_cnn_6c_12c
from models.layers import LocallyConnected2D
from models.locally_connected import VARIANTS, build_locally_connected
from models.mlp import ACTIVATIONS, INITIALISATIONS, build_mlp

RNG = np.random.default_rng(0)


def count(model: keras.Model) -> int:
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def squares(x: np.ndarray, size: int, stride: int = 1) -> np.ndarray:
    """(batch, rows, columns, size, size, channels) of (batch, height, width, channels)."""
    found = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return found.transpose(0, 1, 2, 4, 5, 3)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def close(model: keras.Model, x: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(np.asarray(model(x)), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def drawn(model: keras.Model) -> keras.Model:
    """Biases too, which begin as zeros; variances positive."""
    for weight in model.weights:
        values = RNG.normal(0, 0.3, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    return model


# --- multilayer perceptron ---


@pytest.mark.parametrize(
    ("hidden", "parameters"), [((), 7_850), ((30,), 23_860), ((256, 128), 235_146), ((64, 64, 64, 64), 63_370)]
)
def test_layers_of_the_perceptron(hidden: tuple[int, ...], parameters: int) -> None:
    assert count(build_mlp(hidden=hidden)) == parameters


NUMPY = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
}


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_perceptron_is_what_numpy_makes_of_its_weights(activation: str, batch_norm: bool) -> None:
    model = drawn(build_mlp(hidden=(20, 12), activation=activation, batch_norm=batch_norm, dropout=0.3))
    x = RNG.uniform(size=(5, 28, 28, 1)).astype(np.float32)
    h = x.reshape(5, -1).astype(np.float64)
    for i in (1, 2):
        w, b = map(np.asarray, model.get_layer(f"dense{i}").weights)
        h = h @ w + b
        if batch_norm:
            gamma, beta, mean, variance = map(np.asarray, model.get_layer(f"norm{i}").weights)
            h = (h - mean) / np.sqrt(variance + 1e-3) * gamma + beta
        h = NUMPY[activation](h)
    w, b = map(np.asarray, model.get_layer("logits").weights)
    close(model, x, h @ w + b)


def test_initial_weights_are_of_the_size_that_they_are_named_for() -> None:
    deviations = {"zeros": 0.0, "large": 10.0, "xavier": (2 / (784 + 500)) ** 0.5, "he": (2 / 784) ** 0.5}
    for name, deviation in deviations.items():
        keras.utils.set_random_seed(1)
        one, other = (build_mlp(hidden=(500, 500), initialisation=name).get_layer(f"dense{i}") for i in (1, 2))
        # 392,000 draws: the deviation of their deviation is a thousandth of it.
        assert np.asarray(one.kernel).std() == pytest.approx(deviation, rel=0.01)
        assert name == "zeros" or not np.array_equal(np.asarray(one.kernel)[:500], np.asarray(other.kernel))
    assert {"zeros", "large", "xavier", "he"} == set(INITIALISATIONS)


def test_the_penalty_is_that_of_the_squared_weights() -> None:
    model = build_mlp(hidden=(20,), l2=0.01)
    kernels = [np.asarray(model.get_layer(name).kernel) for name in ("dense1", "logits")]
    assert float(sum(model.losses)) == pytest.approx(0.01 * sum(float((k**2).sum()) for k in kernels), rel=1e-5)
    assert build_mlp(hidden=(20,)).losses == []


@pytest.mark.parametrize(
    "wrong", [{"activation": "step"}, {"initialisation": "ones"}, {"hidden": (0,)}, {"dropout": 1.0}, {"l2": -1.0}]
)
def test_what_a_perceptron_can_not_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Received"):
        build_mlp(**wrong)  # type: ignore[arg-type]


# --- 6c-2s-12c-2s ---


def test_the_toolbox_s_network_is_what_numpy_makes_of_its_weights() -> None:
    model = drawn(build_cnn_6c_12c())
    assert count(model) == 156 + 1_812 + 1_930 == 3_898
    x = RNG.uniform(size=(3, 28, 28, 1)).astype(np.float32)
    h = x.astype(np.float64)
    for name in ("c1", "c3"):
        w, b = map(np.asarray, model.get_layer(name).weights)
        h = sigmoid(np.einsum("bijklc,klcf->bijf", squares(h, 5), w) + b)
        h = squares(h, 2, 2).mean(axis=(3, 4))
    w, b = map(np.asarray, model.get_layer("logits").weights)
    close(model, x, h.reshape(3, -1) @ w + b)


# --- local connectivity ---


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=20)
def test_a_local_layer_has_a_kernel_a_place(
    channels: int, filters: int, size: int, stride: int, taller: int, wider: int
) -> None:
    x = RNG.normal(size=(2, size + taller, size + wider, channels)).astype(np.float32)
    layer = LocallyConnected2D(filters, size, strides=stride)
    layer.build(x.shape)
    kernel, bias = RNG.normal(size=layer.kernel.shape), RNG.normal(size=layer.bias.shape)
    layer.set_weights([kernel, bias])
    seen = squares(x, size, stride)
    rows, columns = seen.shape[1:3]
    own = kernel.reshape(rows, columns, size, size, channels, filters)
    wanted = np.einsum("bijklc,ijklcf->bijf", seen, own) + bias
    np.testing.assert_allclose(np.asarray(layer(x)), wanted, rtol=1e-4, atol=1e-4)
    assert layer.compute_output_shape(x.shape) == wanted.shape


def test_a_local_layer_of_equal_kernels_is_a_convolution() -> None:
    x = RNG.normal(size=(2, 9, 9, 3)).astype(np.float32)
    convolution = keras.layers.Conv2D(4, 3, strides=2)
    wanted = np.asarray(convolution(x))
    layer = LocallyConnected2D(4, 3, strides=2)
    layer.build(x.shape)
    one = np.asarray(convolution.kernel).reshape(1, 27, 4)
    layer.set_weights([np.repeat(one, 16, axis=0), np.zeros((4, 4, 4))])
    np.testing.assert_allclose(np.asarray(layer(x)), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("variant", "parameters"), [("local", 63_162), ("shared", 5_386), ("dense", 1_369_530)])
def test_three_networks_of_equal_width(variant: str, parameters: int) -> None:
    model = build_locally_connected(variant=variant)
    assert count(model) == parameters
    assert [model.get_layer(f"h{i}_relu").output.shape[1:] for i in (1, 2)] == [(12, 12, 8), (5, 5, 16)]
    assert variant in VARIANTS


@pytest.mark.parametrize("shape", [(None, None, None, 3), (None, 2, 9, 3)])
def test_a_local_layer_must_know_its_places(shape: tuple[int | None, ...]) -> None:
    with pytest.raises(ValueError, match="a size that a kernel fits"):
        LocallyConnected2D(4, 3).build(shape)
