"""Each way to decode: what it decides, answers and is scored against."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof import metrics
from edgeproof.contract import DECODES, Contract, Decode, Graph, Tensor
from edgeproof.decode import KINDS, USUAL, answer, decided, metric_of, truth
from edgeproof.decode.kind import told
from edgeproof.errors import Refused

LABEL = Decode("label", "y")
FORECAST = Decode("forecast", "y", mean=(10.0, -1.0), deviation=(2.0, 0.5))


def test_there_is_a_way_for_every_kind_of_the_contract_and_a_metric_for_each_way() -> None:
    assert set(KINDS) == set(DECODES)
    assert set(USUAL.values()) <= set(metrics.METRICS)
    assert {name for name, kind in KINDS.items() if kind.labelled} == {
        "classify",
        "detect",
        "label",
        "transcribe",
        "forecast",
        "recommend",
    }
    for name, kind in KINDS.items():
        assert metric_of(Contract("m", (), decode=Decode(name))) == kind.metric


# --- a label for each time step ---


def test_each_step_is_decided_and_told_in_runs() -> None:
    outputs = np.array([[[3, 1], [2, 0], [0, 5], [1, 0]]], np.float32)
    found = decided(outputs, LABEL)
    assert found is not None
    assert found.tolist() == [[0, 0, 1, 0]]
    said = answer(outputs[0], LABEL, ("still", "walk"))
    assert said.label == "still x2, walk x1, still x1"
    assert said.steps == ("still", "still", "walk", "still")
    assert answer(outputs[0], LABEL, ()).steps == ("0", "0", "1", "0")
    assert (
        told(np.array(1), LABEL, ("a", "b")),
        told(np.array([1, 1]), LABEL, ("a", "b")),
        told(np.array(7), LABEL, ("a",)),
    ) == (
        "b",
        "b x2",
        "7",
    )


@given(st.integers(1, 5), st.integers(1, 6), st.integers(2, 4), st.integers(0, 99))
def test_the_score_of_steps_is_their_share(n: int, steps: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs, labels = rng.normal(size=(n, steps, classes)), rng.integers(0, classes, (n, steps))
    wanted = truth(LABEL, labels, [], outputs, source="s")
    assert wanted is not None
    expected = [np.mean([outputs[i, t].argmax() == labels[i, t] for t in range(steps)]) for i in range(n)]
    np.testing.assert_allclose(metrics.accuracy_a_step(outputs, wanted), expected)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.zeros((2, 3), int), "shape"),
        (np.zeros(2, int), "shape"),
        (np.zeros((2, 4)), "float64"),
        (np.array([[0, 1, 0, 1], [0, 0, 2, 0]]), "label 2 at sample 1, step 2"),
    ],
)
def test_labels_of_other_steps_are_refused(labels: np.ndarray, match: str) -> None:
    with pytest.raises(Refused, match="each of 4 time steps") as refused:
        truth(LABEL, labels, [], np.zeros((2, 4, 2)), source="s")
    assert match in refused.value.received


# --- what comes next ---


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_a_forecast_is_told_in_its_own_units_and_scored_in_standard_ones(n: int, horizon: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(5, 3, (n, horizon, 2))
    standard = truth(FORECAST, values, [], np.zeros((n, horizon, 2)), source="s")
    assert standard is not None
    np.testing.assert_allclose(standard, (values - [10, -1]) / [2, 0.5])
    told_back = answer(standard[0], FORECAST, ()).values
    np.testing.assert_allclose(told_back, values[0])
    bare = dataclasses.replace(FORECAST, mean=(), deviation=())
    np.testing.assert_array_equal(truth(bare, values, [], np.zeros((n, horizon, 2)), source="s"), values)
    assert decided(standard, FORECAST) is None


@pytest.mark.parametrize("labels", [np.zeros((2, 3, 1)), np.full((2, 3, 2), np.nan), np.zeros(2)])
def test_numbers_that_are_no_forecast_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(Refused, match="numbers that are forecast"):
        truth(FORECAST, labels, [], np.zeros((2, 3, 2)), source="s")


@pytest.mark.parametrize(
    ("decode", "match"),
    [
        (Decode("forecast", "y", mean=(1.0,), deviation=()), "1 means and 0 deviations"),
        (Decode("forecast", "y", mean=(1.0,), deviation=(0.0,)), "must be positive"),
        (FORECAST, "2 means of a forecast of 3 columns"),
    ],
)
def test_units_that_do_not_fit_the_output_are_no_contract(decode: Decode, match: str) -> None:
    ends = Graph("main", (Tensor("x", (None, 2)),), (Tensor("y", (None, 4, 3)),))
    text = Contract("m", (ends,), decode=decode).to_json()
    with pytest.raises(Refused, match=match):
        Contract.from_json(text)


def test_contracts_without_units_are_written_as_before() -> None:
    ends = Graph("main", (Tensor("x", (None, 2)),), (Tensor("y", (None, 4, 2)),))
    assert "deviation" not in Contract("m", (ends,), decode=Decode("classify", "y")).to_json()
    held = Contract("m", (ends,), decode=FORECAST)
    assert Contract.from_json(held.to_json()) == held
