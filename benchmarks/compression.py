"""What pruning, clustering and quantization-aware fine-tuning cost: python benchmarks/compression.py --data DIR [...]

Takes LeNet-5's reference checkpoint on MNIST (DIR holds MNIST's four files) through every technique and every
combination, with 6,000 labelled samples of the training split, and prints side by side, all from this one run: the
score of the checkpoint in float and of its int8 file on all 10,000 test digits (the kernels where it is worst), the
int8 file's bytes, and what remains of checkpoint and int8 file gzipped. `--digits` takes the checkpoint on
scikit-learn's digits instead, which needs no data. Takes some minutes a technique.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from edgeproof import samples
from export.checkpoint import Opening
from export.commands.compress import contract_of
from export.compress import figures, training
from export.compress.recipe import Pruning, Recipe
from export.limits import Limits

ROOT = Path(__file__).resolve().parents[1]
HALF, MOST = Pruning.parse("0.5"), Pruning.parse("0.8")
RECIPES = {
    "QAT": Recipe(aware=True),
    "prune 50 %": Recipe(prune=HALF),
    "prune 80 %": Recipe(prune=MOST),
    "prune 20-50 %, polynomial": Recipe(prune=Pruning.parse("poly:0.2-0.5")),
    "prune 20-80 %, polynomial": Recipe(prune=Pruning.parse("poly:0.2-0.8")),
    "prune 2:4": Recipe(prune=Pruning.parse("2:4")),
    "cluster 16": Recipe(clusters=16),
    "PQAT (50 %)": Recipe(prune=HALF, aware=True),
    "CQAT (16)": Recipe(clusters=16, aware=True),
    "prune 50 %, cluster 16": Recipe(prune=HALF, clusters=16),
    "PCQAT (50 %, 16)": Recipe(prune=HALF, clusters=16, aware=True),
    "PCQAT (2:4, 16)": Recipe(prune=Pruning.parse("2:4"), clusters=16, aware=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with MNIST")
    parser.add_argument("--digits", action="store_true", help="scikit-learn's digits instead of MNIST")
    parser.add_argument("--training", type=int, default=6000, help="samples to train with")
    parser.add_argument("--only", nargs="+", default=list(RECIPES), help="some techniques")
    args = parser.parse_args()
    if not args.data and not args.digits:
        print("benchmarks/compression.py: nothing to do without --data DIR or --digits")
        return
    name = "lenet5-digits" if args.digits else "lenet5-mnist"
    checkpoint = ROOT / "saved" / "reference" / name / "lenet5.h5"
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        which = [] if args.digits else ["--data", "mnist", "--data-dir", str(args.data)]
        command = [sys.executable, "-m", "train", "lenet5", *which, "--only-samples", "--out", str(scratch)]
        subprocess.run([*command, "--training-samples", str(args.training)], check=True, cwd=ROOT, capture_output=True)
        print(
            f"| {name} | float | int8 | int8 bytes | int8 gzipped | .h5 gzipped |\n|---|---|---|---|---|---|",
            flush=True,
        )
        opening, limits, judged = Opening(checkpoint), Limits(), scratch / "samples.npz"
        before = figures.of(opening, judged, scratch / "before", limits)
        _row("as trained", before)
        contract = contract_of(opening, limits)
        evaluation = samples.load(judged, [tensor.name for tensor in contract.graph().inputs]).evaluation
        ready = training.ready(judged, contract, evaluation, scratch)
        for index, title in enumerate(args.only):
            tuned = scratch / f"{index}.h5"
            training.compressed(opening, contract, ready, RECIPES[title], tuned, limits)
            _row(title, figures.of(Opening(tuned), judged, scratch / str(index), limits))


def _row(title: str, found: figures.Figures) -> None:
    scores = f"{100 * (found.score or 0):.2f} % | {100 * (found.integer or 0):.2f} %"
    sizes = f"{found.bytes['int8']:,} | {found.gzipped['int8']:,} | {found.gzipped['h5']:,}"
    print(f"| {title} | {scores} | {sizes} |", flush=True)


if __name__ == "__main__":
    main()
