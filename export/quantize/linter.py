"""Looks at calibration samples before ranges are taken from them: a bad sample set costs points and says nothing.

Calibration samples are held against the evaluation samples of the same file, which are known to be what the model
meets. Each fault is one that was seen to ruin integer models without an error anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from export.arrays import Arrays

FEWEST = 10
_REPEATED = 0.1  # share of samples that may be copies: real sets hold a few
_CONSTANT = 0.5  # share of samples without any variation, above the evaluation's own share
_SCALE = 3.0  # times wider or narrower than the evaluation's values
_SHIFT = 1.0  # of the evaluation's spread, between the means
_RELATED = 0.2  # correlation of neighbours from which samples are taken for pictures or signals
_CERTAIN = 4.0  # standard errors
_NOISE = 0.3  # of the evaluation's correlation of neighbours
_CLASS = 0.02  # share of the evaluation's decisions from which a class must not be missing
_EXPECTED = 5  # samples of a class that its share would make likely


@dataclass(frozen=True)
class Fault:
    """One thing wrong: a key, what was found, and what to do."""

    key: str
    found: str
    fix: str


@dataclass(frozen=True)
class Given:
    """What the checks look at.

    Attributes:
        calibration, evaluation: input tensors by name, (n, ...), as the graph takes them.
        decisions: the checkpoint's own classes for both, (n,), or None where nothing is classified.
    """

    calibration: Arrays
    evaluation: Arrays
    decisions: tuple[np.ndarray, np.ndarray] | None = None


def lint(given: Given) -> list[Fault]:
    """Every fault of the calibration samples; none for a good set."""
    found = []
    for check in CHECKS.values():
        fault = check(given)
        if fault:
            found.append(fault)
    return found


def _count(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))


def _few(given: Given) -> Fault | None:
    n = _count(given.calibration)
    if n >= FEWEST:
        return None
    return Fault("few", f"{n} samples", f"give at least {FEWEST}; a hundred are better")


def _digests(arrays: Arrays) -> list[bytes]:
    n = _count(arrays)
    rows = [hashlib.sha256() for _ in range(n)]
    for values in arrays.values():
        for row, value in zip(rows, values, strict=True):
            row.update(np.ascontiguousarray(value).tobytes())
    return [row.digest() for row in rows]


def _repeated(given: Given) -> Fault | None:
    digests = _digests(given.calibration)
    copies = len(digests) - len(set(digests))
    if copies <= _REPEATED * len(digests):
        return None
    return Fault("repeated", f"{copies} of {len(digests)} samples are copies of others", "give each sample once")


def _leaked(given: Given) -> Fault | None:
    evaluated = set(_digests(given.evaluation))
    both = sum(digest in evaluated for digest in _digests(given.calibration))
    if not both:
        return None
    return Fault(
        "leaked",
        f"{both} samples are among those that the files are judged on",
        "calibrate on samples of the training split, and judge on others",
    )


def _constant(given: Given) -> Fault | None:
    for name, values in given.calibration.items():
        ours, theirs = _still(values), _still(given.evaluation[name])
        if ours > theirs + _CONSTANT:
            said = f'{ours:.0%} of the samples of input "{name}" hold one value alone ({theirs:.0%} in the evaluation)'
            return Fault("constant", said, "give real samples")
    return None


def _still(values: np.ndarray) -> float:
    flat = values.reshape(len(values), -1)
    return float(np.mean(flat.min(axis=1) == flat.max(axis=1))) if flat.shape[1] > 1 else 0.0


def _range(given: Given) -> Fault | None:
    """Another range or preprocessing: the classic is 0 to 255 where 0 to 1 belongs."""
    for name, values in given.calibration.items():
        if values.dtype.kind not in "fiu" or _whole(given.evaluation[name]):
            continue
        ours, theirs = _spread(values), _spread(given.evaluation[name])
        if theirs[1] <= 0:
            continue
        ratio = ours[1] / theirs[1]
        shift = abs(ours[0] - theirs[0]) / theirs[1]
        if not 1 / _SCALE <= ratio <= _SCALE or shift > _SHIFT:
            said = (
                f'input "{name}" is {ours[0]:.3g} ± {ours[1]:.3g}, '
                f"where the evaluation samples are {theirs[0]:.3g} ± {theirs[1]:.3g}"
            )
            return Fault("range", said, "prepare the calibration samples as the evaluation samples were")
    return None


def _whole(values: np.ndarray) -> bool:
    """Indices of words or classes, whose mean and spread mean nothing."""
    return values.dtype.kind in "iu"


def _spread(values: np.ndarray) -> tuple[float, float]:
    return float(np.mean(values, dtype=np.float64)), float(np.std(values, dtype=np.float64))


def _random(given: Given) -> Fault | None:
    for name, values in given.calibration.items():
        ours, theirs = _neighbours(values), _neighbours(given.evaluation[name])
        # A correlation of few pairs is off by one over their root.
        chance = _CERTAIN / np.sqrt(min(values.size, given.evaluation[name].size))
        if theirs >= _RELATED + chance and ours < _NOISE * theirs:
            said = (
                f'neighbouring values of input "{name}" correlate by {ours:.2f}, '
                f"those of the evaluation samples by {theirs:.2f}: it looks like noise"
            )
            return Fault("random", said, "give real samples; random numbers do not reach the ranges that data reaches")
    return None


def _neighbours(values: np.ndarray) -> float:
    """The largest correlation of values one step apart, along the axes of a sample but the last of several."""
    axes = range(1, max(2, values.ndim - 1)) if values.ndim > 1 else ()
    best = 0.0
    for axis in axes:
        if values.shape[axis] < 3 or values.dtype.kind not in "fiu":
            continue
        moved = np.moveaxis(values, axis, -1).astype(np.float64)
        one, other = moved[..., 1:].ravel(), moved[..., :-1].ravel()
        if one.std() > 0 and other.std() > 0:
            best = max(best, float(np.corrcoef(one, other)[0, 1]))
    return best


def _classes(given: Given) -> Fault | None:
    if given.decisions is None:
        return None
    ours, theirs = given.decisions
    kinds, counts = np.unique(theirs, return_counts=True)
    shares = counts / counts.sum()
    expected = shares * len(ours)
    missing = [
        int(kind)
        for kind, share, likely in zip(kinds, shares, expected, strict=True)
        if share >= _CLASS and likely >= _EXPECTED and kind not in ours
    ]
    if not missing:
        return None
    said = f"no sample that the checkpoint takes for class {', '.join(map(str, missing[:10]))}"
    return Fault("classes", said, "draw calibration samples from all classes")


CHECKS: Mapping[str, Callable[[Given], Fault | None]] = {
    "few": _few,
    "repeated": _repeated,
    "leaked": _leaked,
    "constant": _constant,
    "range": _range,
    "random": _random,
    "classes": _classes,
}
