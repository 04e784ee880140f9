"""Sparse coding against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.decomposition import dict_learning, sparse_encode

from train.objectives import sparse


def atoms(n: int, features: int, seed: int = 0) -> np.ndarray:
    d = np.random.default_rng(seed).normal(size=(n, features))
    return np.asarray(d / np.linalg.norm(d, axis=1, keepdims=True))


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 12), features=st.integers(1, 8), count=st.integers(1, 12), seed=st.integers(0, 999))
def test_codes_are_the_lasso_of_scikit_learn(n: int, features: int, count: int, seed: int) -> None:
    x, d = np.random.default_rng(seed).normal(size=(n, features)), atoms(count, features, seed)
    found = sparse.codes(x, d, 0.3, iterations=5000, tolerance=1e-9)
    theirs = sparse_encode(x, d, algorithm="lasso_cd", alpha=0.3, max_iter=5000)
    # Codes may differ where atoms are alike; what is minimised may not. The least of the two is nearer the one minimum.
    assert (sparse.cost(x, found, d, 0.3) <= sparse.cost(x, theirs, d, 0.3) * (1 + 1e-4) + 1e-7).all()


def test_fista_is_ahead_of_ista() -> None:
    x, d = np.random.default_rng(0).normal(size=(50, 16)), atoms(40, 16)
    best = sparse.cost(x, sparse.codes(x, d, 0.2, iterations=20000, tolerance=0), d, 0.2).mean()
    gaps = [
        sparse.cost(x, sparse.codes(x, d, 0.2, iterations=60, tolerance=0, fast=fast), d, 0.2).mean() - best
        for fast in (True, False)
    ]
    assert 0 <= gaps[0] < gaps[1] / 3


@pytest.mark.parametrize("sparsity", [pytest.param(0.2, marks=pytest.mark.all), 1.0])
def test_the_objective_is_within_one_percent_of_scikit_learn(sparsity: float) -> None:
    x = load_digits().data[:300] / 16
    x = x - x.mean(axis=0)
    first = atoms(30, 64)
    start = sparse.codes(x, first, sparsity, iterations=500)
    _, _, errors = dict_learning(
        x, 30, alpha=sparsity, max_iter=60, method="cd", dict_init=first, code_init=start, random_state=0, tol=1e-9
    )
    d, z, rng = first, start, np.random.default_rng(0)
    for _ in range(60):
        z = sparse.codes(x, d, sparsity, iterations=200, start=z)
        d = sparse.dictionary(x, z, d, rng)
    z = sparse.codes(x, d, sparsity, iterations=2000, start=z)
    assert np.linalg.norm(d, axis=1).max() <= 1 + 1e-9
    ours = sparse.cost(x, z, d, sparsity).sum()
    assert ours <= 1.01 * errors[-1]
    assert ours < 0.95 * errors[0], "it has learned"


def test_an_atom_that_no_code_uses_becomes_a_sample() -> None:
    x, d = np.random.default_rng(0).normal(size=(200, 4)), atoms(3, 4)
    z = np.zeros((200, 3))
    found = sparse.dictionary(x, z, d, np.random.default_rng(0))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert all(np.isclose(unit, atom).all(axis=1).any() for atom in found)
