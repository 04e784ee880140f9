"""Time a file on this machine: single samples through the graph, without reading or decoding.

Latencies are medians over many runs after a warm-up, with the 90th percentile.
"""

from __future__ import annotations

import argparse
import json

from edgeproof import timing
from edgeproof.cli import kernels_argument, load, positive


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help=".tflite or .onnx file")
    parser.add_argument("--runs", type=positive, default=500, help="timed runs (default 500)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    kernels_argument(parser)


def act(args: argparse.Namespace) -> int:
    before = timing.peak_bytes()
    model = load(args)
    feeds = timing.noise(model.session.inputs)
    median, high = timing.quantiles(lambda: model.session(feeds), args.runs)
    memory = timing.peak_bytes() - before
    if args.json:
        print(
            json.dumps(
                {
                    "file": args.file,
                    "kernels": model.kernels,
                    "threads": args.threads,
                    "runs": args.runs,
                    "median_ms": median,
                    "p90_ms": high,
                    "peak_bytes": memory,
                }
            )
        )
    else:
        print(
            f"{args.file}: {median:.4f} ms (90% of runs under {high:.4f} ms) on {model.kernels} kernels, "
            f"{args.threads} thread(s); loading and running it raised peak memory by {memory / 1e6:.1f} MB"
        )
    return 0
