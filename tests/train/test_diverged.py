"""The first tensor that is not finite is the one that is named, in the order in which one spoils the next."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from train import diverged


def network() -> keras.Model:
    x = keras.Input((4,), name="x")
    left = keras.layers.Dense(3, name="left")(x)
    right = keras.layers.Dense(3, name="right")(x)
    y = keras.layers.BatchNormalization(name="norm")(keras.layers.Add(name="add")([left, right]))
    y = keras.layers.Dropout(0.5, name="dropout")(y)
    return keras.Model(x, keras.layers.Dense(2, name="logits")(y))


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return network()


BATCH = np.ones((5, 4), np.float32)


def spoil(model: keras.Model, layer: str, value: float) -> None:
    kernel, bias = model.get_layer(layer).get_weights()
    kernel[0, 0] = value
    model.get_layer(layer).set_weights([kernel, bias])


def test_nothing_is_named_where_all_is_finite(model: keras.Model) -> None:
    assert diverged.culprit(model, BATCH, [tf.zeros_like(v) for v in model.trainable_variables]) is None
    assert diverged.culprit(model, {"x": BATCH}, training=True) is None


def test_the_batch_comes_first(model: keras.Model) -> None:
    spoil(model, "left", np.nan)
    wild = BATCH.copy()
    wild[2, 1] = np.inf
    assert diverged.culprit(model, wild) == 'input "x": 1 of 20 values are infinite'


def test_weights_come_before_what_they_spoil(model: keras.Model) -> None:
    spoil(model, "right", np.nan)
    told = diverged.culprit(model, BATCH, [tf.fill(v.shape, np.nan) for v in model.trainable_variables])
    assert told == 'weight "right/kernel": 1 of 12 values are NaN'


def test_the_first_output_in_the_order_of_computation_is_named(model: keras.Model) -> None:
    # Finite weights, whose products overflow float32 one layer on: what comes after is infinite or NaN as well.
    spoil(model, "right", 3e38)
    told = diverged.culprit(model, 10 * BATCH)
    assert told == 'output of layer "right": 5 of 15 values are infinite'


def test_a_gradient_is_named_by_its_variable(model: keras.Model) -> None:
    gradients = [tf.zeros_like(v) for v in model.trainable_variables]
    gradients[3] = tf.fill(gradients[3].shape, np.nan)
    gradients[0] = None
    told = diverged.culprit(model, BATCH, gradients)
    assert told == f'gradient of "{model.trainable_variables[3].path}": 3 of 3 values are NaN'


def test_a_model_is_left_as_it_was(model: keras.Model) -> None:
    before = [v.numpy() for v in model.variables]
    diverged.culprit(model, 3 * BATCH, training=True)
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, model.variables, strict=True))


def test_sequential_models_and_integers_are_looked_at_too() -> None:
    layers = [keras.Input((3,), dtype="int32", name="words"), keras.layers.Embedding(5, 2, name="vectors")]
    model = keras.Sequential(layers)
    table = np.zeros((5, 2), np.float32)
    table[4] = np.nan
    model.layers[0].set_weights([table])
    told = diverged.culprit(model, np.zeros((1, 3), np.int32))
    assert told == f'weight "{model.variables[0].path}": 2 of 10 values are NaN'
    model.layers[0].set_weights([np.zeros((5, 2), np.float32)])
    sparse = tf.IndexedSlices(tf.constant([[np.nan, 0.0]]), tf.constant([1]), tf.constant([5, 2]))
    told = diverged.culprit(model, np.zeros((1, 3), np.int32), [sparse])
    assert told == f'gradient of "{model.variables[0].path}": 1 of 2 values are NaN'


def test_half_precision_is_looked_at() -> None:
    x = keras.Input((1,), dtype="bfloat16", name="x")
    y = keras.layers.Rescaling(3e38, name="large", dtype="bfloat16")(x)
    model = keras.Model(x, keras.layers.Rescaling(10.0, name="larger", dtype="bfloat16")(y))
    assert (
        diverged.culprit(model, tf.ones((1, 1), tf.bfloat16)) == 'output of layer "larger": 1 of 1 values are infinite'
    )
