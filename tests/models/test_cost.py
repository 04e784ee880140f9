"""Multiply-accumulates, counted by hand."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from models.cost import multiply_accumulates
from models.layers import GroupedConv2D, LocallyConnected2D
from models.lenet5 import build_lenet5


def alone(layer: keras.layers.Layer, *shape: int) -> int:
    x = keras.Input(shape)
    return multiply_accumulates(keras.Model(x, layer(x)))


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        (layers.Dense(7), (5,), 5 * 7),
        (layers.Dense(7), (3, 5), 3 * 5 * 7),  # rows, one after the other
        (layers.Conv1D(4, 3), (10, 2), 8 * (3 * 2 * 4)),
        (layers.Conv2D(4, 3), (10, 8, 2), 8 * 6 * (3 * 3 * 2 * 4)),
        (layers.Conv2D(4, (3, 1), padding="same"), (10, 8, 2), 10 * 8 * (3 * 2 * 4)),
        (layers.Conv2D(4, 3, strides=2, padding="same"), (10, 8, 2), 5 * 4 * (3 * 3 * 2 * 4)),
        (layers.Conv2D(4, 3, groups=2), (10, 8, 6), 8 * 6 * (3 * 3 * 3 * 4)),
        (GroupedConv2D(4, 3, groups=2), (10, 8, 6), 8 * 6 * (3 * 3 * 3 * 4)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (10, 8, 6), 8 * 6 * (3 * 3 * 6 * 2)),
        (layers.SeparableConv2D(5, 3), (10, 8, 6), 8 * 6 * (3 * 3 * 6 + 6 * 5)),
        (LocallyConnected2D(4, 3), (10, 8, 2), 8 * 6 * (3 * 3 * 2 * 4)),
        (layers.BatchNormalization(), (10, 8, 2), 0),
        (layers.MaxPooling2D(2), (10, 8, 2), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else None,
)
def test_one_layer(layer: keras.layers.Layer, shape: tuple[int, ...], wanted: int) -> None:
    assert alone(layer, *shape) == wanted


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 5), st.integers(1, 3))
@settings(max_examples=20)
def test_a_group_costs_its_share(groups: int, size: int, larger: int, each: int) -> None:
    shape = (size + larger, size + larger, 2 * groups)
    whole = alone(layers.Conv2D(each * groups, size), *shape)
    assert alone(layers.Conv2D(each * groups, size, groups=groups), *shape) * groups == whole


def test_lenet5_is_what_the_layers_add_up_to() -> None:
    c1, c3 = 28 * 28 * 25 * 6, 10 * 10 * 25 * 6 * 16
    assert multiply_accumulates(build_lenet5()) == c1 + c3 + 400 * 120 + 120 * 84 + 84 * 10


def test_a_layer_or_network_that_is_called_twice_costs_twice() -> None:
    x = keras.Input((6,))
    dense = layers.Dense(6)
    assert multiply_accumulates(keras.Model(x, dense(dense(x)))) == 72
    inner = keras.Model(x, dense(x))
    y = keras.Input((6,))
    assert multiply_accumulates(keras.Model(y, inner(inner(y)))) == 72


def test_what_can_not_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="Received"):
        alone(layers.LSTM(3), 4, 5)
    x = keras.Input((None, 8, 2))
    with pytest.raises(ValueError, match="all axes but the batch"):
        multiply_accumulates(keras.Model(x, layers.Conv2D(4, 3)(x)))
