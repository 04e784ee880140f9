"""Hold an exported file to everything that it says of itself, derived again from its checkpoint.

Exit status: 0 all of it holds, 1 something does not (the stage is named), 2 the request was wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from export import checkpoint, limits
from export.checkpoint import opening


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="an artifact: .tflite, .onnx, .pb, or a folder that export wrote")
    parser.add_argument("--against", type=Path, required=True, help="the checkpoint that it was made from")
    parser.add_argument("--samples", type=Path, help="default: samples.npz beside the checkpoint")
    opening.arguments(parser)
    limits.arguments(parser)


def act(args: argparse.Namespace) -> int:
    from export import verification

    path = checkpoint.find(args.against)
    findings = verification.verify(args.file, opening.given(args, path), args.samples, limits.given(args))
    width = max(len(finding.stage) for finding in findings)
    for finding in findings:
        print(f"{'holds' if finding.holds else 'FAILS':<6} {finding.stage:<{width}}  {finding.said}")
    broken = [finding for finding in findings if not finding.holds]
    if broken:
        print(f"{args.file} is not what it says: {broken[0].stage}")
        return 1
    print(f"{args.file} is what it says it is")
    return 0
