"""Figures against the libraries that are known for them, or against the plainest possible loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import spatial, special, stats
from sklearn.metrics import accuracy_score

from edgeproof import metrics
from edgeproof.contract import Decode
from edgeproof.decode.classes import check_labels, probabilities
from edgeproof.errors import Refused

finite = st.floats(-1e6, 1e6, width=32)
rows = arrays.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=finite)


@given(rows, st.randoms(use_true_random=False))
def test_accuracy_is_scikit_learns(outputs: np.ndarray, random: np.random.RandomState) -> None:
    labels = np.array([random.randint(0, outputs.shape[1] - 1) for _ in outputs])
    right = metrics.accuracy(outputs, labels)
    assert right.shape == labels.shape
    assert right.mean() == accuracy_score(labels, outputs.argmax(axis=1))


def test_tie_goes_to_the_lowest_class_and_further_axes_are_flattened() -> None:
    assert metrics.decisions(np.array([[1, 3, 3], [2, 2, 2]])).tolist() == [1, 0]
    assert metrics.decisions(np.array([0, 0, 5, 1]).reshape(1, 1, 1, 4)).tolist() == [2]


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    successes, n = counts
    theirs = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert metrics.wilson(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n))))
def test_wilson_interval_holds_the_proportion_and_stays_within_0_and_1(counts: tuple[float, int]) -> None:
    low, high = metrics.wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1


def brute_force(before: np.ndarray, after: np.ndarray, resamples: int) -> tuple[float, float]:
    """Draw pairs with replacement, many times, as the textbook says."""
    drawn = np.random.default_rng(7).integers(0, len(before), (resamples, len(before)))
    low, high = np.percentile((before[drawn] - after[drawn]).mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


@pytest.mark.parametrize(
    ("n", "before", "lost", "won"), [(450, 0.9, 0.03, 0.01), (450, 0.9, 0.2, 0.0), (2000, 0.5, 0.1, 0.1)]
)
def test_bootstrap_agrees_with_drawing_the_samples_themselves(n: int, before: float, lost: float, won: float) -> None:
    rng = np.random.default_rng(0)
    right = (rng.random(n) < before).astype(float)
    flips = np.where(right == 1, rng.random(n) < lost, rng.random(n) < won / (1 - before))
    other = np.where(flips, 1 - right, right)
    ours, theirs = metrics.paired_bootstrap(right, other, resamples=20_000), brute_force(right, other, 20_000)
    # A mean of ones and zeros moves in steps of one sample; the draws themselves leave a few hundredths of an error.
    error = np.std(right - other) / math.sqrt(n)
    assert ours == pytest.approx(theirs, abs=1 / n + 0.1 * error)


def test_bootstrap_takes_real_values_too() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(size=300)
    after = before - 0.1 + 0.3 * rng.normal(size=300)
    low, high = metrics.paired_bootstrap(before, after, resamples=20_000)
    error = 0.3 / math.sqrt(300)
    # Of a mean of 300 the normal approximation is good to a few hundredths of its standard error.
    mean = (before - after).mean()
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.2 * error)
    assert (low, high) == pytest.approx(brute_force(before, after, 20_000), abs=0.1 * error)


def test_pairs_are_kept_together() -> None:
    """What varies between samples but not between the two models leaves no doubt about their difference."""
    values = np.random.default_rng(0).normal(size=100)
    assert metrics.paired_bootstrap(values, values) == (0.0, 0.0)
    assert metrics.paired_bootstrap(values, values - 0.5) == pytest.approx((0.5, 0.5))


def test_bootstrap_verdict_does_not_change_between_runs() -> None:
    before, after = np.random.default_rng(0).integers(0, 2, (2, 100)).astype(float)
    assert metrics.paired_bootstrap(before, after) == metrics.paired_bootstrap(before, after)
    assert metrics.paired_bootstrap(before, after) != metrics.paired_bootstrap(before, after, seed=1)


@given(rows, st.floats(-2, 2), st.integers(0, 2**32 - 1))
def test_closeness_is_what_plain_loops_give(reference: np.ndarray, factor: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=reference.shape).astype(np.float32)
    candidate = reference * np.float32(factor) + noise
    found = metrics.closeness(reference, candidate)
    a, b = reference.astype(float), candidate.astype(float)
    pairs = list(zip(a.ravel(), b.ravel(), strict=True))
    assert found.max_abs == pytest.approx(max(abs(x - y) for x, y in pairs))
    largest = max(abs(x) for x, _ in pairs)
    assert found.relative == pytest.approx(found.max_abs / largest if largest else math.inf)
    norm = math.sqrt(sum(x * x for x, _ in pairs))
    apart = math.sqrt(sum((x - y) ** 2 for x, y in pairs))
    assert found.relative_l2 == pytest.approx(apart / norm if norm else math.inf)
    cosines = [1 - spatial.distance.cosine(x, y) if x.any() else 0.0 for x, y in zip(a, b, strict=True)]
    assert found.cosine == pytest.approx(min(cosines), abs=1e-6)


@given(rows)
def test_what_is_the_same_is_at_no_distance(outputs: np.ndarray) -> None:
    found = metrics.closeness(outputs, outputs.copy())
    assert (found.max_abs, found.relative, found.relative_l2) == (0, 0, 0)
    assert found.cosine == pytest.approx(1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_value_that_is_not_finite_is_infinitely_far(bad: float) -> None:
    reference = np.ones((2, 3))
    candidate = reference.copy()
    candidate[1, 2] = bad
    assert metrics.closeness(reference, candidate) == metrics.Closeness(math.inf, math.inf, math.inf, -1.0)


def test_silence_where_the_reference_speaks_has_no_direction() -> None:
    found = metrics.closeness(np.array([[1.0, 0.0]]), np.zeros((1, 2)))
    assert (found.relative, found.relative_l2, found.cosine) == (1, 1, 0)
    assert metrics.closeness(np.zeros((1, 2)), np.ones((1, 2))).relative_l2 == math.inf


@given(arrays.arrays(np.float64, (3, 5), elements=st.floats(-1e300, 1e300)))
def test_softmax_is_scipys(logits: np.ndarray) -> None:
    np.testing.assert_allclose(metrics.softmax(logits), special.softmax(logits, axis=-1), rtol=1e-12)


def test_probabilities_follow_what_the_contract_says_the_scores_are() -> None:
    outputs = np.array([[0.25, 0.75]], np.float32)
    assert np.array_equal(probabilities(outputs, Decode("classify", "y", "probabilities")), outputs)
    logits = probabilities(outputs, Decode("classify", "y", "logits"))
    np.testing.assert_allclose(logits, special.softmax(outputs, axis=-1), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "uint64"])
def test_good_labels_become_int64(dtype: str) -> None:
    labels = check_labels(np.array([0, 9, 3], dtype), (3,), 10, source="s.npz")
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 9, 3]


@pytest.mark.parametrize(
    ("labels", "received"),
    [
        (np.array([0, 10, 3]), "label 10 at sample 1"),
        (np.array([0, 3, -1]), "label -1 at sample 2"),
        (np.array([0, 3]), "for 3 samples"),
        (np.array([[0], [1], [2]]), "shape (3, 1)"),
        (np.array([0.0, 1.0, 2.0]), "float64"),
        (np.array(["0", "1", "2"]), "<U1"),
        (np.array(3), "shape ()"),
        (np.array([2**63, 0, 0], np.uint64), "label 9223372036854775808 at sample 0"),
    ],
)
def test_labels_that_can_not_be_are_refused(labels: np.ndarray, received: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_labels(labels, (3,), 10, source="some.npz")
    assert received in refusal.value.received
    assert "some.npz" in refusal.value.rule
    assert "0 to 9" in refusal.value.rule
