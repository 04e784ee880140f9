"""One network in four forms of convolution: exact counts, and what each form is in terms of the ordinary one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.cost import multiply_accumulates
from models.layers import GroupedConv2D
from models.separable import VARIANTS, build_separable

RNG = np.random.default_rng(0)


def block(inputs: int, outputs: int, variant: str) -> int:
    """Weights of a 3x3 convolution in its form, and of the normalization after it."""
    spatial = 3 * inputs * inputs + 3 * inputs * outputs
    forms = {"ordinary": 9 * inputs * outputs, "depthwise": 9 * inputs + inputs * outputs, "spatial": spatial}
    forms["grouped"] = 4 * 9 * (inputs // 4) * (outputs // 4)
    return forms[variant]


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_and_multiply_accumulates(variant: str) -> None:
    model = build_separable(variant=variant)
    blocks = [block(16, 32, variant), block(32, 64, variant), block(64, 128, variant)]
    norms = 4 * (16 + 32 + 64 + 128)
    assert model.count_params() == 27 * 16 + sum(blocks) + norms + 128 * 10 + 10
    places = [16 * 16, 8 * 8, 4 * 4]
    wanted = 16 * 16 * 27 * 16 + sum(p * b for p, b in zip(places, blocks, strict=True)) + 128 * 10
    assert multiply_accumulates(model) == wanted
    told = build_separable.__doc__ or ""
    assert f"{model.count_params():,} and" in told
    assert f"{wanted:,}" in told


def equal_to(ordinary: keras.layers.Layer, other: keras.Model, kernel: np.ndarray, x: np.ndarray) -> None:
    ordinary.build(x.shape)
    ordinary.set_weights([kernel])
    np.testing.assert_allclose(np.asarray(other(x)), np.asarray(ordinary(x)), rtol=1e-4, atol=1e-4)


def test_each_form_is_an_ordinary_convolution_with_a_kernel_of_that_form() -> None:
    x = RNG.normal(size=(2, 7, 7, 8)).astype(np.float32)
    layers = keras.layers
    how = {"padding": "same", "use_bias": False}

    depthwise = layers.SeparableConv2D(12, 3, **how)
    depthwise.build(x.shape)
    deep, point = (RNG.normal(size=w.shape) for w in depthwise.weights)
    depthwise.set_weights([deep, point])
    equal_to(layers.Conv2D(12, 3, **how), depthwise, deep * point[0, 0][None, None], x)

    column, row = layers.Conv2D(8, (3, 1), **how), layers.Conv2D(12, (1, 3), **how)
    first, second = RNG.normal(size=(3, 1, 8, 8)), RNG.normal(size=(1, 3, 8, 12))
    column.build(x.shape)
    row.build(x.shape)
    column.set_weights([first])
    row.set_weights([second])
    kernel = np.einsum("iab,jbc->ijac", first[:, 0], second[0])
    equal_to(layers.Conv2D(12, 3, **how), lambda y: row(column(y)), kernel, x)

    grouped = GroupedConv2D(12, 3, groups=4, **how)
    grouped.build(x.shape)
    (kernels,) = (RNG.normal(size=w.shape) for w in grouped.weights)
    grouped.set_weights([kernels])
    whole = np.zeros((3, 3, 8, 12))
    for g in range(4):
        whole[:, :, 2 * g : 2 * g + 2, 3 * g : 3 * g + 3] = kernels[..., 3 * g : 3 * g + 3]
    equal_to(layers.Conv2D(12, 3, **how), grouped, whole, x)


def test_a_grouped_layer_trains_as_keras_s_own() -> None:
    x = RNG.normal(size=(2, 6, 6, 4)).astype(np.float32)
    ours = GroupedConv2D(6, 3, groups=2, activation="tanh")
    theirs = keras.layers.Conv2D(6, 3, groups=2, activation="tanh")
    ours.build(x.shape)
    theirs.build(x.shape)
    ours.bias.assign(RNG.normal(size=6))
    theirs.set_weights(ours.get_weights())
    found = []
    for layer, how in ((ours, {"training": True}), (theirs, {})):
        with tf.GradientTape() as tape:
            y = layer(x, **how)
            loss = tf.reduce_sum(y**3)
        found.append([y, *tape.gradient(loss, layer.trainable_variables)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"variant": "dilated"}, {"classes": 1}])
def test_what_can_not_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Received"):
        build_separable(**wrong)  # type: ignore[arg-type]
