"""Score a file on samples, as the checkpoint was scored.

SAMPLES is an .npz with `evaluation_<input>` (raw samples) and, but for a reconstruction, `evaluation_label`.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from edgeproof import frontend, metrics, samples
from edgeproof.cli import kernels_argument, load
from edgeproof.decode import metric_of
from edgeproof.decode import truth as truth_of
from edgeproof.errors import Refused, nearest


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help=".tflite or .onnx file")
    parser.add_argument("samples", metavar="SAMPLES", help=".npz file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    kernels_argument(parser)


def act(args: argparse.Namespace) -> int:
    model = load(args)
    contract = model.contract
    if contract is None or not metric_of(contract):
        raise Refused(
            "eval: the file must say how its outputs are decoded and scored.",
            received="a file with no contract" if contract is None else "a contract that decodes to values",
            fix="export it with Edgeproof from its checkpoint, or compare outputs with `python -m export`",
        )
    metric = metric_of(contract)
    if metric not in metrics.METRICS:
        raise Refused(
            "eval: the contract's score must be of a metric that this version knows.",
            received=metric,
            fix="install a newer edgeproof; " + nearest(metric, metrics.METRICS),
        )
    held = samples.load(args.samples, [port.name for port in model.inputs])
    tensors = {k: frontend.apply(model.frontend(k), v) for k, v in held.evaluation.items()}
    outputs = model.decoded(model.outputs(tensors))
    given = [tensors[tensor.name] for tensor in contract.graph().inputs if tensor.name in tensors]
    truth = truth_of(contract.decode, held.labels, given, outputs, source=args.samples)
    if truth is None:
        raise Refused(
            "eval: the samples must have labels.",
            received=f"{args.samples} without evaluation_label",
            fix='add an array "evaluation_label" of whole numbers',
        )
    values = metrics.METRICS[metric](outputs, truth)
    low, high = metrics.interval(values)
    value = float(np.mean(values))
    if args.json:
        print(
            json.dumps(
                {"metric": metric, "value": value, "interval": [low, high], "n": len(values), "kernels": model.kernels}
            )
        )
    else:
        print(f"{metric} {value:.2%} (95% {low:.2%} to {high:.2%}), n = {len(values)}, on {model.kernels} kernels")
    return 0
