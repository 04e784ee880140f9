"""Sparse coding in numpy: codes for a dictionary, a dictionary for codes.

Minimises ½‖X - Z D‖² + sparsity Σ|Z| over codes Z (n, atoms) and atoms D (atoms, features) of length 1 at most.
"""

from __future__ import annotations

import math

import numpy as np


def cost(x: np.ndarray, z: np.ndarray, d: np.ndarray, sparsity: float) -> np.ndarray:
    """The objective a sample, (n,)."""
    return np.asarray(0.5 * np.square(x - z @ d).sum(axis=1) + sparsity * np.abs(z).sum(axis=1))


def codes(
    x: np.ndarray, d: np.ndarray, sparsity: float, *, iterations: int = 200, start: np.ndarray | None = None,
    fast: bool = True, tolerance: float = 1e-5,
) -> np.ndarray:  # fmt: skip
    """The LASSO of each sample by FISTA, or ISTA where `fast` is false (Beck and Teboulle 2009, sections 3 and 4).

    Args:
        start: codes to begin with; zeros if None.
        tolerance: ends when no code moves by more, relative to the largest.
    """
    gram, seen = d @ d.T, x @ d.T
    step = step_of(d)
    z = np.zeros_like(seen) if start is None else start
    y, t = z, 1.0
    for _ in range(iterations):
        moved = shrunk(y - step * (y @ gram - seen), step * sparsity)
        after = (1 + math.sqrt(1 + 4 * t * t)) / 2 if fast else 1.0
        y = moved + float((t - 1) / after) * (moved - z)
        change, z, t = np.abs(moved - z).max(), moved, after
        if change <= tolerance * max(np.abs(z).max(), 1e-12):
            break
    return z


def step_of(d: np.ndarray) -> float:
    """The longest step of shrinkage that is sure to descend: one over the largest eigenvalue of D Dᵀ."""
    return 1.0 / float(np.linalg.eigvalsh(d @ d.T)[-1])


def dictionary(x: np.ndarray, z: np.ndarray, d: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Atoms for these codes, one after the other (Mairal, Bach, Ponce, Sapiro 2009, algorithm 2); one that no code uses
    becomes the sample that is described worst."""
    d = d.copy()
    used, wanted = z.T @ z, z.T @ x
    for j in range(len(d)):
        if used[j, j] < 1e-10 * len(x):
            errors = np.square(x - z @ d).sum(axis=1)
            worst = x[rng.choice(np.argsort(errors)[-max(1, len(x) // 100) :])]
            d[j] = worst / max(np.linalg.norm(worst), 1e-12)
            continue
        d[j] += (wanted[j] - used[j] @ d) / used[j, j]
        d[j] /= max(1.0, float(np.linalg.norm(d[j])))
    return d


def shrunk(x: np.ndarray, threshold: float) -> np.ndarray:
    """sign(x) max(|x| - threshold, 0)."""
    return np.asarray(np.sign(x) * np.maximum(np.abs(x) - threshold, 0), x.dtype)
