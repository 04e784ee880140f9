"""Prune, cluster or fine-tune a checkpoint for integers, with training samples; write it as a Keras 3 .h5.

Steps run in the order prune, cluster, quantization-aware fine-tuning, and each keeps what those before it made.
Exit status: 0 written, with what it cost; 2 the request was wrong or the model can't be held by tf-keras.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeproof import atomic
from edgeproof.errors import Refused
from export import checkpoint, limits, subject
from export.checkpoint import opening
from export.compress.recipe import EPOCHS, Pruning, Recipe
from export.worker import Worker


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help=".h5 or .keras file, or a folder of saved/")
    parser.add_argument(
        "--fine-tune",
        type=Path,
        required=True,
        metavar="SAMPLES",
        help="an .npz with training_<input> and perhaps training_label; without labels the float model teaches "
        "(python -m train RECIPE --only-samples --training-samples N writes one)",
    )
    parser.add_argument("--write", type=Path, required=True, metavar="TUNED.h5", help="the Keras 3 .h5 to write")
    parser.add_argument(
        "--prune",
        metavar="HOW",
        help="0.5: half of the weights to zero; poly:0.2-0.8: gradually; 2:4: two of each four",
    )
    parser.add_argument("--cluster", type=int, default=0, metavar="N", help="at most N distinct weights a kernel")
    parser.add_argument(
        "--qat", action="store_true", help="fine-tune under 8-bit rounding (also where nothing is named)"
    )
    parser.add_argument(
        "--taught", action="store_true", help="by the float model's answers even where there are labels"
    )
    parser.add_argument("--per-tensor", action="store_true", help="with --qat: one scale for all channels of a weight")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of each step (default: {EPOCHS})")
    parser.add_argument("--rate", type=float, help="peak learning rate (default: each step's own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--samples", type=Path, help="to calibrate and to score with (default: samples.npz beside the checkpoint)"
    )
    opening.arguments(parser)
    limits.arguments(parser)


def act(args: argparse.Namespace) -> int:
    from export.compress import figures, training

    path = checkpoint.find(args.file)
    asked, allowed = opening.given(args, path), limits.given(args)
    recipe = Recipe(
        prune=Pruning.parse(args.prune) if args.prune is not None else None,
        clusters=args.cluster,
        aware=args.qat or not (args.prune or args.cluster),
        taught=args.taught,
        per_channel=not args.per_tensor,
        epochs=args.epochs,
        rate=args.rate,
        seed=args.seed,
    )
    _target(args.write, path)
    judged = subject.samples_path(args.samples, path)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        contract = contract_of(asked, allowed)
        evaluation = _evaluation(judged, contract)
        ready = training.ready(args.fine_tune, contract, evaluation, scratch)
        before = figures.of(asked, judged, scratch / "before", allowed)
        tuned = scratch / f"{contract.name}.h5"
        found = training.compressed(asked, contract, ready, recipe, tuned, allowed)
        again = dataclasses.replace(asked, path=tuned, architecture=None, builder="", replace=(), backend="")
        after = figures.of(again, judged, scratch / "after", allowed)
        with Worker(limits=allowed) as writer:
            score = dataclasses.asdict(after.contract.score) if after.contract.score else None
            writer.call("export.compress.scored:put", path=str(tuned), score=score, out=str(args.write))
    _tell(args, recipe, ready, found)
    print("\n".join(figures.table(before, after)))
    return 0


def contract_of(asked: checkpoint.Opening, allowed: limits.Limits) -> Any:
    """The contract that a checkpoint comes with, or what its architecture tells."""
    with Worker(limits=allowed) as reader:
        facts = reader.call("export.checkpoint:read", path=str(asked))
        described = reader.call("export.tasks:describe", checkpoint=str(asked))
    return subject.contract_of(asked.path, facts, described)


def _evaluation(judged: Path, contract: Any) -> Mapping[str, Any]:
    from edgeproof import samples

    return samples.load(judged, [tensor.name for tensor in contract.graph().inputs]).evaluation


def _target(write: Path, path: Path) -> None:
    """Refuse now what would only fail after minutes of training."""
    if write.suffix != ".h5" or (write.exists() and os.path.samefile(write, path)):
        raise Refused(
            "compress: --write writes a Keras 3 .h5 file beside the checkpoint, not over it.",
            received=str(write),
            fix="--write tuned.h5",
        )
    atomic.prepare(write.parent)


def _tell(args: argparse.Namespace, recipe: Recipe, ready: Any, found: Mapping[str, Any]) -> None:
    taught = "labelled" if ready.labels and not recipe.taught else "with the float model's answers"
    print(f"{args.write}: {recipe.said()}; {ready.n:,} training samples, {taught}, {recipe.epochs} epochs a step")
    for name, one in found["kernels"].items():
        print(f"  {name:<28} {one['weights']:>9,} weights  {one['zeros']:>6.1%} zeros  {one['distinct']:>7,} values")
    for step, names in found["left"].items():
        if names:
            print(f"  {_LEFT[step]}: {', '.join(names)}")


_LEFT = {
    "prune": "not pruned, since its input channels do not come in fours",
    "cluster": "not clustered, having no more weights than clusters",
    "aware": "trained in float, since no rounding is known for it",
}
