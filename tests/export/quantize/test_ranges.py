"""How ranges are taken: extremes exactly, tails cut where it pays, zero always inside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.quantize.plan import METHODS
from export.quantize.ranges import Values, observe, watch


def seen(array: np.ndarray) -> Values:
    return watch(lambda feeds: {"t": feeds["x"]}, {"x": array})["t"]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1e-6, 1.0, 1e6]),
    st.sampled_from([-3.0, 0.0, 2.0]),
    st.sampled_from(METHODS),
)
def test_every_method_gives_a_range_within_what_was_seen_that_holds_zero(
    seed: int, spread: float, shift: float, method: str
) -> None:
    array = (spread * (np.random.default_rng(seed).normal(size=(5, 40)) + shift)).astype(np.float32)
    low, high = seen(array).range(method)
    assert low <= 0 <= high
    assert min(float(array.min()), 0) - 1e-6 * spread <= low
    assert high <= max(float(array.max()), 0) + 1e-6 * spread
    assert high > low


def test_min_max_is_exact_and_per_channel() -> None:
    array = np.random.default_rng(0).normal(size=(7, 6, 3)).astype(np.float32)
    values = seen(array)
    assert values.range("min-max") == (float(array.min()), float(array.max()))
    assert np.array_equal(values.channel_low, array.min(axis=(0, 1)))
    assert np.array_equal(values.channel_high, array.max(axis=(0, 1)))
    assert np.allclose(values.channel_mean, array.mean(axis=(0, 1)))


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_one_wild_value_does_not_set_the_range(method: str) -> None:
    array = np.random.default_rng(0).normal(size=(50, 4000)).astype(np.float32)
    array[3, 7] = 1000.0
    assert seen(array).range("min-max")[1] == 1000.0
    assert seen(array).range(method)[1] < 100.0


def test_mse_is_the_best_of_all_ranges_by_its_own_measure() -> None:
    array = np.random.default_rng(1).laplace(size=(20, 2000)).astype(np.float32)

    def error(span: tuple[float, float]) -> float:
        low, high = span
        step = (high - low) / 255
        kept = np.clip(np.round((array - low) / step), 0, 255) * step + low
        return float(np.mean((kept - array) ** 2))

    values = seen(array)
    best = error(values.range("mse"))
    for share in np.linspace(0.3, 1.0, 15):
        assert best <= 1.02 * error((share * values.low, share * values.high))


def test_a_tensor_of_one_value_has_a_range() -> None:
    assert seen(np.full((4, 5), 3.0, np.float32)).range("mse") == (0.0, 3.0)
    assert seen(np.zeros((4, 5), np.float32)).range("entropy") == (0.0, 0.0)


def test_the_tensors_of_a_graph_are_observed_by_index(chain: Callable[..., bytes]) -> None:
    data = chain(("RELU", ["x"], (1, 3), None), inputs={"x": (1, 3)})
    array = np.array([[1, -2, 3], [-4, 5, 0]], np.float32)
    found = observe(data, {"x": array})
    assert {(v.low, v.high) for v in found.values()} == {(-4.0, 5.0), (0.0, 5.0)}
