"""AlexNet: the published layer table, and local response normalization against TensorFlow's and the formula."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from models.alexnet import build_alexnet
from models.layers import GroupedConv2D, LocalResponseNormalization

RNG = np.random.default_rng(0)

# Krizhevsky et al. 2012, section 3.5 and figure 2: maps, kernel, side of the maps, and parameters with the biases.
TABLE = {
    "conv1": (96, (11, 11, 3), 55, 34_944),
    "conv2": (256, (5, 5, 48), 27, 307_456),
    "conv3": (384, (3, 3, 256), 13, 885_120),
    "conv4": (384, (3, 3, 192), 13, 663_936),
    "conv5": (256, (3, 3, 192), 13, 442_624),
    "fc6": (4096, (9216,), None, 37_752_832),
    "fc7": (4096, (4096,), None, 16_781_312),
    "logits": (1000, (4096,), None, 4_097_000),
}


def test_the_layer_table_adds_up_to_the_published_count() -> None:
    total = 0
    for maps, kernel, _, parameters in TABLE.values():
        assert maps * int(np.prod(kernel)) + maps == parameters
        total += parameters
    assert total == 60_965_224


@pytest.mark.all
def test_the_published_network_has_the_published_layers() -> None:
    model = build_alexnet(size="full", classes=1000)
    assert model.count_params() == 60_965_224
    for name, (maps, kernel, side, parameters) in TABLE.items():
        layer = model.get_layer(name)
        assert tuple(layer.kernel.shape) == (*kernel, maps), name
        assert layer.count_params() == parameters, name
        assert side is None or layer.output.shape[1:3] == (side, side), name
    assert {layer.name for layer in model.layers if layer.count_params()} == set(TABLE)


def test_the_small_one_has_the_same_layers() -> None:
    model = build_alexnet()
    assert model.count_params() == 286_922
    assert {layer.name for layer in model.layers if layer.count_params()} == set(TABLE)
    assert [model.get_layer(f"conv{i}").groups for i in (1, 2, 3, 4, 5)] == [1, 2, 1, 2, 2]
    assert [model.get_layer(f"pool{i}").output.shape[1] for i in (1, 2, 5)] == [13, 6, 2]
    pools = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert all(layer.pool_size == (3, 3) and layer.strides == (2, 2) for layer in pools)  # they overlap
    norms = [layer for layer in model.layers if isinstance(layer, LocalResponseNormalization)]
    assert [(n.bias, n.depth, n.alpha, n.beta) for n in norms] == [(2.0, 5, 1e-4, 0.75)] * 2


def test_the_halves_see_their_own_maps_alone() -> None:
    """Where the maps before a grouped layer end in zeros, its second half answers with its biases."""
    layer = GroupedConv2D(6, 3, groups=2)
    x = RNG.normal(size=(1, 5, 5, 4)).astype(np.float32)
    x[..., 2:] = 0
    for training in (False, True):
        y = np.asarray(layer(x, training=training))
        assert np.abs(y[..., :3]).min() > 0
        np.testing.assert_array_equal(y[..., 3:], 0)


# --- local response normalization ---


def by_formula(x: np.ndarray, n: int, k: float, alpha: float) -> np.ndarray:
    """Section 3.3: the sum runs from max(0, i - n/2) to min(N - 1, i + n/2)."""
    out, maps = np.empty_like(x), x.shape[-1]
    for i in range(maps):
        among = x[..., max(0, i - n // 2) : min(maps - 1, i + n // 2) + 1]
        out[..., i] = x[..., i] / (k + alpha * (among**2).sum(-1)) ** 0.75
    return out


@given(st.integers(1, 9), st.sampled_from([1, 3, 5, 7]), st.floats(0.5, 4), st.floats(0, 2), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_normalization_is_the_paper_s_formula_and_tensorflow_s(
    maps: int, n: int, k: float, alpha: float, seed: int
) -> None:
    x = np.random.default_rng(seed).normal(0, 3, (2, 3, 4, maps)).astype(np.float32)
    found = np.asarray(LocalResponseNormalization(depth=n, bias=k, alpha=alpha)(x))
    np.testing.assert_allclose(found, by_formula(x.astype(np.float64), n, k, alpha), rtol=1e-5, atol=1e-6)
    theirs = tf.nn.local_response_normalization(x, depth_radius=n // 2, bias=k, alpha=alpha, beta=0.75)
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-6)


def test_it_comes_back_from_its_configuration() -> None:
    layer = LocalResponseNormalization(depth=3, bias=1.0, alpha=0.5)
    x = RNG.normal(size=(1, 2, 2, 4)).astype(np.float32)
    again = LocalResponseNormalization.from_config(layer.get_config())
    np.testing.assert_array_equal(layer(x), again(x))
    assert layer.weights == []


@pytest.mark.parametrize("wrong", [{"depth": 4}, {"depth": -1}, {"bias": 0.0}, {"alpha": -1.0}, {"beta": 0.5}])
def test_what_it_can_not_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Received"):
        LocalResponseNormalization(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"size": "medium"}, {"classes": 1}])
def test_what_alexnet_can_not_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Received"):
        build_alexnet(**wrong)  # type: ignore[arg-type]
