"""The residual network of CIFAR: exact counts, and its forward pass written again in numpy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.cost import multiply_accumulates
from models.resnet import build_resnet

RNG = np.random.default_rng(0)


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def by_hand(n: int, width: int, projections: bool) -> int:
    """He et al. 2016, section 4.2: kernels, two numbers a normalized map, and the last layer."""
    maps = (width, 2 * width, 4 * width)
    kernels, norms = 27 * width, 2 * width
    for stage, m in enumerate(maps):
        before = m if stage == 0 else maps[stage - 1]
        kernels += 9 * before * m + (2 * n - 1) * 9 * m * m
        norms += 2 * n * 2 * m
        if projections and stage:
            kernels, norms = kernels + before * m, norms + 2 * m
    return kernels + norms + maps[2] * 10 + 10


def test_twenty_layers_have_0_27_million_parameters() -> None:
    model = build_resnet()
    assert trainable(model) == by_hand(3, 16, projections=False) == 269_722
    weighted = [layer for layer in model.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))]
    assert len(weighted) == 20
    assert [model.get_layer(f"stage{s}_block3_relu2").output.shape[1:] for s in (1, 2, 3)] == [
        (32, 32, 16),
        (16, 16, 32),
        (8, 8, 64),
    ]
    first, last = 32 * 32 * 27 * 16, 64 * 10
    blocks = 6 * 32**2 * 9 * 16**2 + 16**2 * 9 * (16 * 32 + 5 * 32**2) + 8**2 * 9 * (32 * 64 + 5 * 64**2)
    assert multiply_accumulates(model) == first + blocks + last


@pytest.mark.parametrize(("depth", "millions"), [(32, 0.46), (44, 0.66), (56, 0.85)])
def test_deeper_ones_have_what_the_paper_s_table_says(depth: int, millions: float) -> None:
    model = build_resnet(depth=depth)
    assert trainable(model) == by_hand((depth - 2) // 6, 16, projections=False)
    assert trainable(model) / 1e6 == pytest.approx(millions, abs=0.0051)


def convolved(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """As TensorFlow pads "same": what is missing, the larger half below and to the right."""
    size, side = w.shape[0], x.shape[1]
    missing = max((-(-side // stride) - 1) * stride + size - side, 0)
    around = (missing // 2, missing - missing // 2)
    x = np.pad(x, ((0, 0), around, around, (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("bijckl,klcf->bijf", seen, w, optimize=True)


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_a_residual_network_is_what_numpy_makes_of_its_weights(shortcut: str) -> None:
    model = build_resnet(depth=8, width=4, shortcut=shortcut)
    for weight in model.weights:
        values = RNG.normal(0, 0.3, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)

    def block(x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        (kernel,) = map(np.asarray, model.get_layer(name).weights)
        gamma, beta, mean, variance = map(np.asarray, model.get_layer(f"{name}_norm").weights)
        return (convolved(x, kernel, stride) - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    x = RNG.uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)
    h = np.maximum(block(x.astype(np.float64), "stem"), 0)
    for stage in (1, 2, 3):
        name, stride = f"stage{stage}_block1", 1 if stage == 1 else 2
        f = block(np.maximum(block(h, f"{name}_conv1", stride), 0), f"{name}_conv2")
        if stage > 1 and shortcut == "A":
            h = np.concatenate([h[:, ::2, ::2], np.zeros((*f.shape[:3], h.shape[-1]))], axis=-1)
        elif stage > 1:
            h = block(h, f"{name}_shortcut", 2)
        h = np.maximum(f + h, 0)
    w, b = map(np.asarray, model.get_layer("logits").weights)
    wanted = h.mean((1, 2)) @ w + b
    np.testing.assert_allclose(np.asarray(model(x)), wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("wrong", [{"depth": 21}, {"depth": 2}, {"shortcut": "C"}, {"width": 0}, {"classes": 1}])
def test_what_a_residual_network_can_not_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Received"):
        build_resnet(**wrong)  # type: ignore[arg-type]
