"""The calibration linter: a good set passes, and each fault that is put in is found by its own check."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from export.quantize import linter
from export.quantize.linter import Given


def pictures(n: int, seed: int) -> np.ndarray:
    """Smooth pictures (n, 12, 12, 1) in [0, 1], of which neighbours are alike."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(size=(n, 4, 4, 1))
    return np.kron(rough, np.ones((1, 3, 3, 1))).astype(np.float32)


def good(n: int = 100) -> Given:
    decisions = np.arange(n) % 10, np.arange(200) % 10
    return Given({"x": pictures(n, 1)}, {"x": pictures(200, 2)}, decisions)


def changed(change: Callable[[np.ndarray], np.ndarray]) -> Given:
    given = good()
    return Given({"x": change(given.calibration["x"])}, given.evaluation, given.decisions)


FAULTS: dict[str, Given] = {
    "few": Given({"x": pictures(linter.FEWEST - 1, 1)}, {"x": pictures(200, 2)}),
    "repeated": changed(lambda x: np.concatenate([x[:80], x[:20]])),
    "leaked": changed(lambda x: np.concatenate([x[:99], pictures(200, 2)[7:8]])),
    "constant": changed(lambda x: x * 0 + np.linspace(0, 1, len(x), dtype=np.float32)[:, None, None, None]),
    "range": changed(lambda x: x * 255),
    "random": changed(lambda x: np.random.default_rng(3).uniform(size=x.shape).astype(np.float32)),
    "classes": Given({"x": pictures(100, 1)}, {"x": pictures(200, 2)}, (np.arange(100) % 9, np.arange(200) % 10)),
}


def test_a_good_set_has_no_fault() -> None:
    assert linter.lint(good()) == []


def test_every_check_has_a_fault_and_every_fault_a_check() -> None:
    assert set(FAULTS) == set(linter.CHECKS)


@pytest.mark.parametrize("key", FAULTS)
def test_a_fault_is_found_and_named(key: str) -> None:
    found = linter.lint(FAULTS[key])
    assert key in [fault.key for fault in found]
    assert all(fault.found and fault.fix for fault in found)
    # Constant pictures are noise too, and noise is no picture; no other fault speaks of what it is not.
    assert {fault.key for fault in found} <= {key, "random"} if key == "constant" else [f.key for f in found] == [key]


def test_other_preprocessing_is_found_by_its_mean_alone() -> None:
    assert [f.key for f in linter.lint(changed(lambda x: x - 2))] == ["range"]


def test_digits_that_are_mostly_background_are_no_constants() -> None:
    rng = np.random.default_rng(0)
    blank = (rng.uniform(size=(60, 12, 12, 1)) > 0.9).astype(np.float32)
    assert linter.lint(Given({"x": blank[:30]}, {"x": blank[30:]})) == []


def test_words_as_whole_numbers_have_no_range_to_compare() -> None:
    rng = np.random.default_rng(0)
    given = Given({"x": rng.integers(0, 50, (40, 7))}, {"x": rng.integers(900, 999, (40, 7))})
    assert linter.lint(given) == []


def test_one_sample_that_is_evaluated_is_one_too_many() -> None:
    given = good()
    both = np.concatenate([given.calibration["x"], given.evaluation["x"][:1]])
    (fault,) = linter.lint(Given({"x": both}, given.evaluation))
    assert (fault.key, fault.found.split()[0]) == ("leaked", "1")


def test_a_class_too_rare_to_expect_is_not_missed() -> None:
    ours, theirs = np.zeros(20, int), np.array([0] * 190 + [1] * 10)
    assert linter.lint(Given({"x": pictures(20, 1)}, {"x": pictures(200, 2)}, (ours, theirs))) == []
