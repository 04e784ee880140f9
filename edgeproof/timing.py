"""Latency and memory of this process, the same way for `edgeproof bench` and for export's reports."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from edgeproof.backends import Port


def quantiles(act: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median and 90th percentile of one call, in milliseconds, after a warm-up of a tenth of the runs."""
    for _ in range(max(5, runs // 10)):
        act()
    times = np.empty(runs)
    for i in range(runs):
        start = time.perf_counter_ns()
        act()
        times[i] = time.perf_counter_ns() - start
    median, high = np.percentile(times, [50, 90]) / 1e6
    return float(median), float(high)


def peak_bytes() -> int:
    """Peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def noise(ports: Sequence[Port], seed: int = 0) -> list[np.ndarray]:
    """One sample of noise in each port's own type: zeros can run faster than data does."""
    rng = np.random.default_rng(seed)
    return [_noise(rng, port) for port in ports]


def _noise(rng: np.random.Generator, port: Port) -> np.ndarray:
    sides, dtype = [side or 1 for side in port.shape], port.dtype
    if dtype.kind == "f":
        return rng.random(sides).astype(dtype)
    if dtype.kind == "b":
        return rng.random(sides) < 0.5
    if not port.scale:  # they may be indices, and every table has a first and a second entry
        return rng.integers(0, 2, sides).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(max(limits.min, -128), min(limits.max, 127), sides).astype(dtype)
