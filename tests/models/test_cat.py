"""Cat or not: exact counts, and the forward pass written again in numpy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from models.cat import VARIANTS, build_cat

RNG = np.random.default_rng(0)
PIXELS = 64 * 64 * 3


@pytest.mark.parametrize(
    ("variant", "sizes", "parameters"),
    [("logistic", (), 12_289), ("shallow", (64,), 786_561), ("deep", (64, 32, 16), 789_121)],
)
def test_each_is_what_numpy_makes_of_its_weights(variant: str, sizes: tuple[int, ...], parameters: int) -> None:
    model = build_cat(variant=variant)
    ends = (PIXELS, *sizes, 1)
    assert sum(n * m + m for n, m in itertools.pairwise(ends)) == parameters == model.count_params()
    model.set_weights([RNG.normal(0, 1 / np.sqrt(w.shape[0]), w.shape) for w in model.weights])
    x = RNG.uniform(-1, 1, (5, 64, 64, 3)).astype(np.float32)
    h = x.reshape(5, -1).astype(np.float64)
    for i in range(len(sizes)):
        w, b = map(np.asarray, model.get_layer(f"dense{i + 1}").weights)
        h = np.maximum(h @ w + b, 0)
    w, b = map(np.asarray, model.get_layer("neuron").weights)
    z = h @ w + b
    np.testing.assert_allclose(np.asarray(model(x)), np.concatenate([-z / 2, z / 2], axis=1), rtol=1e-4, atol=1e-5)


def test_hidden_layers_are_as_many_as_are_named() -> None:
    assert build_cat(hidden=(20, 7, 5)).count_params() == PIXELS * 20 + 20 + 147 + 40 + 6  # as in the course
    assert VARIANTS == ("logistic", "shallow", "deep")


@pytest.mark.parametrize("wrong", [{"variant": "wide"}, {"hidden": ()}, {"hidden": (0,)}])
def test_what_can_not_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Received"):
        build_cat(**wrong)  # type: ignore[arg-type]
