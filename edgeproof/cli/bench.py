"""Time a file on this machine: the graph alone, and the way from raw sample to answer.

Latencies are medians over many single-sample runs after a warm-up, with the 90th percentile.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

from edgeproof.cli import kernels_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help=".tflite or .onnx file")
    parser.add_argument("--runs", type=int, default=500, help="timed runs (default 500)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    kernels_argument(parser)


def act(args: argparse.Namespace) -> int:
    from edgeproof.runner import load

    before = peak_bytes()
    model = load(args.file, kernels=args.kernels, threads=args.threads)
    rng = np.random.default_rng(0)
    feeds = [_random(rng, port.shape, port.dtype) for port in model.session.inputs]
    invoke, invoke90 = quantiles(lambda: model.session(feeds), args.runs)
    figures = {"file": args.file, "kernels": model.kernels, "threads": args.threads, "runs": args.runs,
               "graph_ms": invoke, "graph_p90_ms": invoke90, "peak_bytes": peak_bytes() - before}
    if args.json:
        print(json.dumps(figures))
    else:
        print(f"{args.file}: {invoke:.4f} ms (90% of runs under {invoke90:.4f} ms) on {model.kernels} kernels, "
              f"{args.threads} thread(s); loading and running it raised the process's peak memory by "
              f"{figures['peak_bytes'] / 1e6:.1f} MB")
    return 0


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


def _random(rng: np.random.Generator, shape: tuple[int | None, ...], dtype: np.dtype) -> np.ndarray:
    """Noise of the right type: zeros can run faster than data does."""
    sides = [side or 1 for side in shape]
    if dtype.kind == "f":
        return rng.random(sides).astype(dtype)
    if dtype.kind == "b":
        return rng.random(sides) < 0.5
    limits = np.iinfo(dtype)
    return rng.integers(max(limits.min, -128), min(limits.max, 127), sides).astype(dtype)
