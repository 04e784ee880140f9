"""Answer for raw samples: pictures, or .npy arrays.

One line a sample: its name, the answer, the probability, the runners-up. A step file takes whole sequences,
(time, ...), and steps through each from the start.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from edgeproof.cli import kernels_argument, load, positive


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help=".tflite or .onnx file")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="picture or .npy file")
    parser.add_argument("--top", type=positive, default=3, help="how many classes to show (default 3)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the outputs")
    kernels_argument(parser)


def act(args: argparse.Namespace) -> int:
    model = load(args)
    if model.contract is None:
        ends = ", ".join(f'"{p.name}" {p.shape} {p.dtype}' for p in model.session.inputs)
        print(
            f"edgeproof: {args.file} carries no contract, so there is no preprocessing and no label: inputs are "
            f"taken as they are ({ends}) and outputs are shown as numbers.",
            file=sys.stderr,
        )
    for path in args.inputs:
        prediction = model.predict(path)
        if args.json:
            print(
                json.dumps(
                    {
                        "input": path,
                        "label": prediction.label,
                        "ranking": prediction.ranking[: args.top],
                        "outputs": {k: v.tolist() for k, v in prediction.outputs.items()},
                    }
                )
            )
        elif prediction.ranking:
            (label, p), *others = prediction.ranking[: args.top]
            rest = ", ".join(f"{name} {q:.1%}" for name, q in others)
            print(f"{path}: {label}  {p:.1%}" + (f"  (then {rest})" if rest else ""))
        else:
            told = [f"{prediction.label} "] * bool(prediction.label)
            told.append("; ".join(_describe(k, v) for k, v in prediction.outputs.items()))
            print(f"{path}: " + " ".join(told))
    return 0


def _describe(name: str, value: Any) -> str:
    flat = np.asarray(value).ravel()
    if flat.size == 1:
        return f"{name} {flat[0]:.4g}"
    shown = " ".join(f"{x:.4g}" for x in flat[:10])
    return f"{name} {np.shape(value)} = {shown}" + (" ..." if flat.size > 10 else "")
