"""The adding problem: its sequences, and gradients by time step against differences."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.study.studies import adding


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_a_sequence_marks_two_numbers_and_asks_for_their_sum(length: int, seed: int) -> None:
    series, wanted = adding.sequences(50, length, np.random.default_rng(seed))
    marks = series[..., 1]
    assert series.shape == (50, length, 2)
    assert set(np.unique(marks)) <= {0.0, 1.0}
    half = length // 2
    assert (marks[:, :half].sum(axis=1) == 1).all()
    assert (marks[:, half:].sum(axis=1) == 1).all()
    np.testing.assert_allclose((series[..., 0] * marks).sum(axis=1), wanted[:, 0], atol=1e-6)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_the_gradient_by_time_step_is_the_product_of_the_jacobians(kind: str) -> None:
    keras.utils.set_random_seed(0)
    model = adding._network(kind, 5)
    series, wanted = adding.sequences(1, 5, np.random.default_rng(1))
    found = adding.gradients(model, series, wanted)
    layer = model.get_layer("recurrent")

    def loss(state: list[np.ndarray], after: int) -> float:
        """From the state after so many steps on, in Keras's own layer."""
        if after == 5:
            return float(np.sum(np.square(np.asarray(model.get_layer("sum")(state[0])) - wanted)))
        output = layer(series[:, after:], initial_state=state)
        return float(np.sum(np.square(np.asarray(model.get_layer("sum")(output)) - wanted)))

    state = [np.asarray(s) for s in layer.get_initial_state(1)]
    for time in range(5):
        _, state = layer.cell(series[:, time], state)
        state = [np.asarray(s) for s in state]
        slopes = []
        for part in range(len(state)):
            for unit in range(state[part].shape[1]):
                sides = []
                for step in (1e-2, -1e-2):
                    moved = [s.copy() for s in state]
                    moved[part][0, unit] += step
                    sides.append(loss(moved, time + 1))
                slopes.append((sides[0] - sides[1]) / 2e-2)
        np.testing.assert_allclose(found[time], np.linalg.norm(slopes), rtol=5e-3)
