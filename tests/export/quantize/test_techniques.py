"""What buys accuracy back: equalization keeps the function, blame finds the layer, correction moves the mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from export.worker import Worker


@pytest.mark.parametrize("activation", ["relu", "relu6"])
@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_a_collapsed_network_is_equalized_without_being_asked(
    worker: Worker, tmp_path: Path, activation: str, factor: float
) -> None:
    found = worker.call(
        "tests.export.quantize.techniques:collapse", path=str(tmp_path / "m.h5"), activation=activation, factor=factor
    )
    assert found["False"] > 0.3, "plain int8 of this network should be beyond use, or the test shows nothing"
    assert found["None"] == found["True"] < 0.1
    assert (found["None taken"], found["False taken"]) == (True, False)
    for name in ("s1 (inside)", "s2 (inside)"):
        before, after = found["spreads"][name]
        assert before > 300
        assert after < 16


@pytest.mark.parametrize(("kind", "activation"), [("plain", "relu"), ("separable", "relu"), ("dense", "relu")])
def test_equalization_keeps_the_float_function(worker: Worker, tmp_path: Path, kind: str, activation: str) -> None:
    path = str(tmp_path / "m.h5")
    found = worker.call(
        "tests.export.quantize.techniques:kept", path=path, kind=kind, activation=activation, factor=1000.0
    )
    assert found["moved"]
    # Factors are powers of two, which change no mantissa; only sums that are split among threads may differ.
    assert found["change"] < 1e-6


def test_a_clipped_activation_lets_no_factor_through(worker: Worker, tmp_path: Path) -> None:
    path = str(tmp_path / "m.h5")
    found = worker.call(
        "tests.export.quantize.techniques:kept", path=path, kind="plain", activation="relu6", factor=1000.0
    )
    assert "b1" not in found["spreads"]
    assert found["change"] < 1e-6
    dense = worker.call(
        "tests.export.quantize.techniques:kept", path=path, kind="dense", activation="tanh", factor=1000.0
    )
    assert (dense["moved"], dense["spreads"]) == (False, {})


def test_a_model_without_imbalance_is_left_alone(worker: Worker, tmp_path: Path) -> None:
    found = worker.call(
        "tests.export.quantize.techniques:kept",
        path=str(tmp_path / "m.h5"),
        kind="plain",
        activation="relu",
        factor=1.0,
    )
    assert not found["moved"]
    assert found["spreads"]


def test_the_layer_that_costs_most_is_ranked_first_and_float_brings_it_back(worker: Worker, tmp_path: Path) -> None:
    found: dict[str, Any] = worker.call("tests.export.quantize.techniques:ranking", path=str(tmp_path / "m.h5"))
    layer, drift, regained = found["layers"][0]
    assert layer == "c3"
    assert regained == pytest.approx(found["whole"] - found["without"])
    assert found["without"] < 0.75 * found["whole"]
    assert found["kinds"] == {"CONV_2D": 1}
    assert drift > 0
    assert {name for name, *_ in found["layers"]} == {"c1", "c2", "c3", "p1", "gap", "logits"}


def test_layer_normalization_is_integer_throughout_in_sixteen_bits(worker: Worker, tmp_path: Path) -> None:
    found = worker.call("tests.export.quantize.techniques:widths", path=str(tmp_path / "m.h5"))
    assert "0" not in found["widths"]
    assert found["widths"]["16"] >= 5
    assert found["error"] < 0.1


@pytest.mark.parametrize("squash", ["softmax", "sigmoid"])
def test_what_is_chosen_by_is_the_error_before_a_softmax(worker: Worker, tmp_path: Path, squash: str) -> None:
    found = worker.call("tests.export.quantize.techniques:unsquashed", path=str(tmp_path / "m.h5"), squash=squash)
    for kind in ("TfliteIntegers", "OnnxIntegers"):
        assert found[kind]["float"] < 1e-6
        assert found[kind]["quantized"] < 6 / 255  # two steps each of the input, the hidden layer and the logits
        assert found[kind]["error"] == pytest.approx(found[kind]["apart"], rel=1e-4)


def test_bias_correction_takes_the_mean_error_out(worker: Worker, tmp_path: Path) -> None:
    found = worker.call("tests.export.quantize.techniques:correction", path=str(tmp_path / "m.h5"))
    assert found["True"] < 0.5 * found["False"]


def test_other_samples_give_other_ranges(worker: Worker, tmp_path: Path) -> None:
    """A child that lives on is asked for one checkpoint again, with samples of another person's."""
    found = worker.call("tests.export.quantize.techniques:calibrated_again", path=str(tmp_path / "m.h5"))
    assert found == [1.0, 5.0, 1.0]
