"""The verdict: figures against hand and numpy, and every fault that can be put in is found."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from edgeproof.contract import DEFAULT_TOLERANCES, Contract, Decode, Graph, Score, Tensor, Tolerance
from export.verdict import Verdict, compare

COST = {"median_ms": 1.5, "p90_ms": 2.5, "peak_bytes": 1000.0}
CLASSIFIER = Contract(
    name="m",
    graphs=(Graph("main", (Tensor("x", (None, 4)),), (Tensor("y", (None, 3)),)),),
    decode=Decode("classify", "y", "logits"),
)
VALUES = dataclasses.replace(CLASSIFIER, decode=Decode())


def verdict(
    reference: Any, candidate: Any, labels: Any = None, *, contract: Contract = CLASSIFIER, **limits: float
) -> Verdict:
    """Compare single outputs called "y"."""
    kept = None if labels is None else np.asarray(labels)
    outputs = ({"y": np.asarray(values, np.float32)} for values in (reference, candidate))
    return compare(*outputs, kept, contract, Tolerance(**limits), "kernels", COST)


def failed(found: Verdict) -> list[str]:
    return [check.name for check in found.checks if not check.passed]


def test_figures_of_a_case_by_hand() -> None:
    reference = [[3, 0, 4], [0, 2, 0], [0, 0, 1], [1, 0, 0]]
    candidate = [[3, 0, 4], [0, 2, 0.5], [1.5, 0, 1], [1, 0, 0]]
    found = verdict(reference, candidate, labels=[2, 1, 2, 1], relative=0.4, relative_l2=0.3, drop=25, agreement=0.75)
    assert (found.runtime, found.n) == ("kernels", 4)
    assert (found.median_ms, found.p90_ms, found.peak_bytes) == (1.5, 2.5, 1000)
    assert found.max_abs == 1.5
    assert found.relative == pytest.approx(1.5 / 4)
    assert found.relative_l2 == pytest.approx((0.25 + 2.25) ** 0.5 / 31**0.5)
    assert found.cosine == pytest.approx(1 / 3.25**0.5)  # of the third row, (0, 0, 1) with (1.5, 0, 1)
    assert found.agreement == 0.75
    assert found.disagreeing == (2,)
    # By label: class 1 is samples 1 and 3, which agree; class 2 samples 0 and 2, of which one does; class 0 is empty.
    assert found.agreement_by_class == (None, 1.0, 0.5)
    assert found.score == 0.5
    assert found.drop == pytest.approx(25.0)
    assert [check.name for check in found.checks] == ["relative", "relative_l2", "drop", "agreement"]
    assert found.passed


def test_figures_agree_with_numpy_on_random_outputs() -> None:
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(200, 5)).astype(np.float32)
    candidate = reference + rng.normal(scale=0.3, size=reference.shape).astype(np.float32)
    labels = rng.integers(0, 5, 200)
    found = verdict(reference, candidate, labels)
    a, b = reference.astype(np.float64), candidate.astype(np.float64)
    assert found.max_abs == pytest.approx(np.abs(a - b).max())
    assert found.relative == pytest.approx(np.abs(a - b).max() / np.abs(a).max())
    assert found.relative_l2 == pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(a))
    cosines = [np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(a, b, strict=True)]
    assert found.cosine == pytest.approx(min(cosines))
    same = a.argmax(1) == b.argmax(1)
    assert found.agreement == same.mean()
    assert found.disagreeing == tuple(np.flatnonzero(~same))
    assert found.agreement_by_class == tuple(same[labels == c].mean() for c in range(5))
    right, still = a.argmax(1) == labels, b.argmax(1) == labels
    assert found.drop == pytest.approx(100 * (right.mean() - still.mean()))


def test_the_interval_of_the_drop_is_that_of_a_plain_paired_bootstrap() -> None:
    # 400 samples all right before; 20 wrong after: a drop of 5 points with standard error 100 sqrt(0.05 0.95 / 400).
    reference = np.eye(3)[np.zeros(400, int)]
    candidate = reference.copy()
    candidate[:20] = np.eye(3)[1]
    found = verdict(reference, candidate, np.zeros(400, int))
    assert found.drop == pytest.approx(5.0)
    rng = np.random.default_rng(1)
    difference = np.r_[np.ones(20), np.zeros(380)]
    draws = [difference[rng.integers(0, 400, 400)].mean() * 100 for _ in range(4000)]
    # Two bootstraps of thousands of draws over steps of 0.25 points differ by a step or so.
    assert found.drop_interval == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.5)
    assert verdict(reference, reference, np.zeros(400, int)).drop_interval == (0.0, 0.0)


def test_the_interval_keeps_pairs_together() -> None:
    # As many lost as won: no drop, but the interval must show that samples changed sides both ways.
    reference = np.eye(2)[[0] * 10 + [1] * 10 + [0] * 80]
    candidate = np.eye(2)[[1] * 10 + [0] * 10 + [0] * 80]
    found = verdict(reference, candidate, np.zeros(100, int))
    assert found.drop == 0
    low, high = found.drop_interval or (0, 0)
    # Standard error 100 sqrt(20) / 100 = 4.5 points.
    assert low == pytest.approx(-8.8, abs=1.5)
    assert high == pytest.approx(8.8, abs=1.5)


def test_without_labels_there_is_agreement_by_the_checkpoints_own_classes_and_no_score() -> None:
    found = verdict(np.eye(3), np.eye(3)[[0, 1, 1]], agreement=0.9, drop=0.0)
    assert found.agreement_by_class == (1.0, 1.0, 0.0)
    assert (found.score, found.drop, found.drop_interval) == (None, None, None)
    assert failed(found) == ["agreement"]
    assert [check.name for check in found.checks] == ["agreement"], "a drop that was not measured can't be kept"


def test_values_are_not_decisions() -> None:
    found = verdict(np.eye(3), np.eye(3)[[0, 1, 1]], contract=VALUES, relative=2, agreement=0.9)
    assert (found.agreement, found.disagreeing, found.agreement_by_class) == (None, (), ())
    assert [check.name for check in found.checks] == ["relative"]


def test_what_nothing_judged_is_not_passed() -> None:
    assert not verdict(np.eye(3), np.eye(3)).passed
    assert not verdict(np.eye(3), np.eye(3), agreement=0.9, contract=VALUES).passed
    assert verdict(np.eye(3), np.eye(3), agreement=0.9).passed


def test_a_limit_is_kept_by_what_equals_it_and_broken_by_the_next_sample() -> None:
    # 200 samples: a sample is half a point. 3 of 200 lost is 1.5 points, in floats a hair more.
    reference = np.eye(2)[np.zeros(200, int)]
    for lost, kept in ((3, True), (4, False)):
        candidate = reference.copy()
        candidate[:lost] = np.eye(2)[1]
        found = verdict(reference, candidate, np.zeros(200, int), drop=1.5)
        assert found.passed is kept
        assert verdict(reference, candidate, agreement=0.985).passed is kept


def test_a_gain_is_no_drop() -> None:
    found = verdict(np.eye(3)[[1, 1, 1, 1]], np.eye(3)[[0, 0, 1, 1]], [0, 0, 0, 1], drop=0.0)
    assert found.drop == -50
    assert found.passed


def test_the_score_is_the_contracts_metric() -> None:
    scored = dataclasses.replace(CLASSIFIER, score=Score("accuracy", 1.0, (0.0, 1.0), 3, "data", "test"))
    assert verdict(np.eye(3), np.eye(3), [0, 1, 1], contract=scored).score == pytest.approx(2 / 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("whose", ["artifact", "checkpoint"])
def test_outputs_that_are_not_finite_never_pass(whose: str, value: float) -> None:
    # The first class wins everywhere, as the first of a row of NaN does for argmax.
    good = np.tile(np.float32([5, 1, 0]), (50, 1))
    bad = good.copy()
    bad[7:10] = value
    pair = (good, bad) if whose == "artifact" else (bad, good)
    for limits in ({"agreement": 0.1}, {"drop": 100.0}, {"relative": 1e9}, {}):
        found = verdict(*pair, np.zeros(50, int), **limits)
        assert not found.passed
        assert failed(found) == ["outputs"]
        assert f"9 of 150 values of the {whose}'s output y are NaN or infinite" in found.checks[0].said


def test_a_missing_output_and_one_of_another_shape_fail() -> None:
    y = np.eye(3, dtype=np.float32)
    loose = DEFAULT_TOLERANCES["int8"]
    missing = compare({"y": y, "z": y}, {"y": y}, None, CLASSIFIER, loose, "kernels", COST)
    assert failed(missing) == ["outputs"]
    assert "no output z" in missing.checks[0].said
    for other in (y[:, :2], y[:2], np.zeros((3, 4), np.float32)):
        found = compare({"y": y}, {"y": other}, None, CLASSIFIER, loose, "kernels", COST)
        assert failed(found) == ["outputs"]
        assert str(other.shape) in found.checks[0].said
    # Axes of length one come and go between formats; the values are the same.
    assert compare({"y": y}, {"y": y[:, None, :]}, None, CLASSIFIER, loose, "kernels", COST).passed


def test_the_worst_of_several_outputs_counts_wherever_it_stands() -> None:
    y = np.eye(3, dtype=np.float32)
    for place in ("y", "z"):
        candidate = {"y": y, "z": y} | {place: y + 0.5}
        found = compare({"y": y, "z": y}, candidate, None, CLASSIFIER, Tolerance(relative=0.1), "kernels", COST)
        assert (found.max_abs, found.relative) == (0.5, 0.5)
        assert found.relative_l2 == pytest.approx(0.5 * 9**0.5 / 3**0.5)
        assert found.cosine == pytest.approx(1.5 / (1.5**2 + 2 * 0.5**2) ** 0.5)
        assert failed(found) == ["relative"]


# --- faults ---


@pytest.fixture(scope="module")
def network() -> dict[str, np.ndarray]:
    """A two-layer network in numpy that separates its classes, with its samples."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 12))
    labels = rng.integers(0, 4, 400)
    x = (centres[labels] + 0.3 * rng.normal(size=(400, 12))).astype(np.float32)
    hidden = rng.normal(size=(12, 32)).astype(np.float32)
    features = np.maximum(x @ hidden, 0)
    head = np.linalg.lstsq(features, 8 * np.eye(4)[labels] - 2, rcond=None)[0].astype(np.float32)
    return {"x": x, "hidden": hidden, "head": head, "labels": labels}


def forward(network: dict[str, np.ndarray], **changed: np.ndarray) -> np.ndarray:
    parts = network | changed
    return np.maximum(parts["x"] @ parts["hidden"], 0) @ parts["head"]


def judged(network: dict[str, np.ndarray], outputs: np.ndarray, precision: str) -> Verdict:
    reference = {"y": forward(network)}
    tolerance = DEFAULT_TOLERANCES[precision]
    return compare(reference, {"y": outputs}, network["labels"], CLASSIFIER, tolerance, "kernels", COST)


@pytest.mark.parametrize("precision", sorted(DEFAULT_TOLERANCES))
def test_the_network_itself_passes_in_every_precision(network: dict[str, np.ndarray], precision: str) -> None:
    found = judged(network, forward(network), precision)
    assert found.passed
    assert found.score is not None
    assert found.score > 0.99  # else a drop could not show


def test_one_mutated_weight_is_found(network: dict[str, np.ndarray]) -> None:
    head = network["head"].copy()
    head[3, 1] *= 1.001
    assert "relative_l2" in failed(judged(network, forward(network, head=head), "f32"))
    head[3, 1] += 20
    for precision in DEFAULT_TOLERANCES:
        assert failed(judged(network, forward(network, head=head), precision))


@pytest.mark.parametrize("precision", sorted(DEFAULT_TOLERANCES))
def test_swapped_outputs_are_found(network: dict[str, np.ndarray], precision: str) -> None:
    found = judged(network, forward(network)[:, [1, 0, 2, 3]], precision)
    assert "drop" in failed(found)
    assert found.agreement_by_class[:2] == (0.0, 0.0)


@pytest.mark.parametrize("precision", sorted(DEFAULT_TOLERANCES))
def test_a_wrong_scale_is_found_though_every_decision_is_kept(network: dict[str, np.ndarray], precision: str) -> None:
    found = judged(network, forward(network) * np.float32(1.3), precision)
    assert found.agreement == 1.0
    assert found.drop == 0.0
    assert set(failed(found)) <= {"relative", "relative_l2"}
    assert failed(found)


def test_a_wrong_zero_point_is_found_though_every_decision_is_kept(network: dict[str, np.ndarray]) -> None:
    found = judged(network, forward(network) + np.float32(1.0), "int8")
    assert found.agreement == 1.0
    assert failed(found) == ["relative_l2"]


def test_permuted_labels_are_found_as_a_loss_of_score_only(network: dict[str, np.ndarray]) -> None:
    # Labels belong to the samples: shifted, the checkpoint itself scores badly, and no artifact is to blame.
    shifted = network | {"labels": (network["labels"] + 1) % 4}
    found = judged(shifted, forward(network), "int8")
    assert found.passed
    assert found.score is not None
    assert found.score < 0.01
    # An artifact with permuted classes is to blame.
    assert {"drop", "agreement"} <= set(failed(judged(network, np.roll(forward(network), 1, axis=1), "int8")))


def test_samples_in_another_order_are_found(network: dict[str, np.ndarray]) -> None:
    assert {"drop", "agreement"} <= set(failed(judged(network, forward(network)[::-1], "int8")))
