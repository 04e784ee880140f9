"""Fixed splits with the classes in proportion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeproof.errors import Refused
from train.data import stratified

LABELS = hnp.arrays(np.int64, st.integers(1, 80), elements=st.integers(0, 6))


@st.composite
def labels_and_sizes(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...]]:
    labels = draw(LABELS)
    first = draw(st.integers(1, len(labels)))
    rest = len(labels) - first
    return labels, (first, draw(st.integers(1, rest))) if rest and draw(st.booleans()) else (first,)


@settings(deadline=None)
@given(labels_and_sizes(), st.integers(0, 2**32 - 1))
def test_sets_are_disjoint_whole_and_of_the_sizes_asked(case: tuple[np.ndarray, tuple[int, ...]], seed: int) -> None:
    labels, sizes = case
    sets = stratified(labels, sizes, seed)
    assert [len(s) for s in sets] == [*sizes, len(labels) - sum(sizes)]
    assert sorted(np.concatenate(sets).tolist()) == list(range(len(labels)))
    assert all((np.diff(s) > 0).all() for s in sets)


@settings(deadline=None)
@given(labels_and_sizes(), st.integers(0, 2**32 - 1))
def test_each_class_has_its_share_to_within_one_sample(case: tuple[np.ndarray, tuple[int, ...]], seed: int) -> None:
    labels, sizes = case
    left = np.bincount(labels, minlength=7)
    for size, chosen in zip(sizes, stratified(labels, sizes, seed), strict=False):
        counts = np.bincount(labels[chosen], minlength=7)
        assert (np.abs(counts - size * left / left.sum()) < 1).all()
        left = left - counts


@settings(deadline=None, max_examples=30)
@given(labels_and_sizes(), st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_sets(case: tuple[np.ndarray, tuple[int, ...]], seed: int) -> None:
    for a, b in zip(stratified(*case, seed), stratified(*case, seed), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_seed_gives_other_sets() -> None:
    labels = np.arange(100) % 4
    assert (stratified(labels, (50,), 0)[0] != stratified(labels, (50,), 1)[0]).any()


def test_more_samples_than_there_are_is_refused() -> None:
    with pytest.raises(Refused, match="data: splits of 3, 2 samples need as many") as refused:
        stratified(np.zeros(4, np.int64), (3, 2), 0)
    assert refused.value.received == "4 samples"
