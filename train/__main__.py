"""`python -m train RECIPE`: train a system and leave a checkpoint, samples, curves and a card in `saved/`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from edgeproof import atomic, quiet
from edgeproof.cli import guard
from edgeproof.errors import Refused
from train import data, registry, samples, settings
from train.data import skipping


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 trained and the floor reached, 1 below the floor, 2 refused."""
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("recipe", nargs="?", help="name of a recipe; --list shows them")
    parser.add_argument("--list", action="store_true", help="list the recipes with their data and floors")
    parser.add_argument("--data", default="embedded", help="data set (default: embedded, which works offline)")
    parser.add_argument("--data-dir", type=Path, help="folder with the makers' files of that data set")
    parser.add_argument("--out", type=Path, help="folder to write (default: saved/RECIPE)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="wishes",
        help="change a setting of the recipe or an argument of its builder; may be repeated",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="train this many seeds and report their mean; the first is kept"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last epoch's checkpoint")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="log every epoch for TensorBoard")
    parser.add_argument("--tiny", action="store_true", help="the recipe's seconds-long form, to see it run")
    parser.add_argument(
        "--only-samples", action="store_true", help="train nothing: write the samples file of this data set"
    )
    parser.add_argument(
        "--training-samples",
        type=int,
        default=0,
        metavar="N",
        help="with --only-samples: add N of the training split, for export to fine-tune with (--fine-tune)",
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="pass over rows of the data that are none, and list them"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    args = parser.parse_args(arguments)
    if args.list:
        return guard("train", _list)
    if not args.recipe:
        parser.error("name a recipe, or use --list")
    given = sys.argv[1:] if arguments is None else arguments
    return guard("train", lambda: _train(args, "python -m train " + shlex.join(given)))


def _list() -> int:
    width = max(map(len, registry.names()))
    for name in registry.names():
        recipe = registry.load(name)
        floors = ", ".join(f"{where} {floor:.1%}" for where, floor in recipe.goal.floors.items())
        print(f"{name:<{width}} {registry.headline(name)}")
        print(f"{'':<{width}} data: {', '.join(recipe.data)}; {recipe.goal.metric} to reach: {floors}")
    return 0


def _train(args: argparse.Namespace, command: str) -> int:
    recipe = registry.load(args.recipe)
    wishes = settings.parse(recipe, args.wishes)
    if args.seeds < 1:
        raise Refused("train: --seeds must be at least 1.", received=str(args.seeds), fix="--seeds 3")
    if args.training_samples < 0 or (args.training_samples and not args.only_samples):
        raise Refused(
            "train: --training-samples adds samples to the file that --only-samples writes.",
            received=f"--training-samples {args.training_samples}" + ("" if args.only_samples else " alone"),
            fix="--only-samples --training-samples 5000",
        )
    resolved = settings.resolve(recipe, args.data, wishes, tiny=args.tiny)
    with skipping.skipping(args.skip_bad) as skipped:
        dataset = data.load(recipe, args.data, args.data_dir)
    for line in [f"train: {len(skipped):,} rows passed over", *skipped] if skipped else []:
        print(line, file=sys.stderr)
    out = args.out or Path("saved") / args.recipe
    if args.only_samples:
        atomic.prepare(out)
        samples.write(dataset, out, args.training_samples)
        print(out / "samples.npz")
        return 0
    # Before TensorFlow is imported: its C++ side reads this once.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet.without(b"WARNING: All log messages before absl", b"I0000"):
        from train import card, checkpoint, run
        from train.request import Request

    request = Request(
        args.recipe,
        recipe,
        args.data,
        resolved,
        out,
        command,
        args.seeds,
        args.resume,
        wishes,
        args.tensorboard,
        args.quiet,
    )
    if request.resume and checkpoint.read_state(out / f"{args.recipe}.h5") is None:
        print(f"{out / (args.recipe + '.h5')} is finished; nothing to resume")
        return 0
    outcome = run.train(request, dataset)
    mean, _ = card.mean_and_spread(outcome.by_seed)
    low, high = outcome.score.interval
    told = f"{outcome.score.metric} {outcome.score.value:.2%} (95% {low:.2%} to {high:.2%}), n = {outcome.score.n:,}"
    if len(outcome.by_seed) > 1:
        told += f"; mean over {len(outcome.by_seed)} seeds {mean:.2%}"
    print(f"{outcome.path}: {told}")
    if outcome.floor is not None and mean < outcome.floor and not args.tiny:
        print(f"train: below the floor of {outcome.floor:.2%} that the recipe sets itself", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
