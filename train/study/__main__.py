"""`python -m train.study NAME`: run a small experiment and write it down as a page with pictures."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from edgeproof import atomic, quiet
from edgeproof.cli import guard, positive
from edgeproof.errors import Refused
from train import registry
from train.study.request import Request
from train.study.studies import STUDIES

# The studies that take an option which others would pass over in silence.
_TAKES = {"recipe": ("gradient-check",), "data-dir": ("longer", "walk-forward")}


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 a check that failed, 2 refused."""
    parser = argparse.ArgumentParser(
        prog="python -m train.study",
        description=f"{__doc__}\n\nstudies:\n{STUDIES.told()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="?", help="name of a study; --list shows them")
    parser.add_argument("--list", action="store_true", help="list the studies")
    parser.add_argument("--out", type=Path, default=Path("docs/study"), help="folder to write (default: docs/study)")
    parser.add_argument("--seeds", type=positive, help="how many seeds (default: the study's own number)")
    parser.add_argument("--recipe", default="", help=f"the recipe to study, for {', '.join(_TAKES['recipe'])}")
    parser.add_argument("--data-dir", type=Path, help=f"your own data, for {', '.join(_TAKES['data-dir'])}")
    parser.add_argument("--tiny", action="store_true", help="a seconds-long form, to see it run")
    args = parser.parse_args(arguments)
    if args.list:
        print(STUDIES.told())
        return 0
    if not args.study:
        parser.error("name a study, or use --list")
    return guard("study", lambda: _study(args))


def _study(args: argparse.Namespace) -> int:
    STUDIES.check(args.study)
    for option, given in (("recipe", args.recipe), ("data-dir", args.data_dir)):
        if given and args.study not in _TAKES[option]:
            raise Refused(
                f"study: --{option} is for {', '.join(_TAKES[option])}.",
                received=f"--{option} {given} with {args.study}",
                fix="leave it out",
            )
    if args.recipe:
        registry.load(args.recipe)
    atomic.prepare(args.out)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's C++ side reads this once
    start = time.monotonic()
    with quiet.without(b"WARNING: All log messages before absl", b"I0000"):
        module = STUDIES.load(args.study)
    page = module.study(Request(args.seeds, args.recipe, args.tiny, args.data_dir))
    path = page.write(args.out, args.study, _command(args))
    print(f"{path} ({time.monotonic() - start:.0f} s)")
    if not page.passed:
        print(f"study: {page.fault}", file=sys.stderr)
    return 0 if page.passed else 1


def _command(args: argparse.Namespace) -> str:
    words = ["python -m train.study", args.study]
    words += [f"--recipe {args.recipe}"] * bool(args.recipe) + ["--tiny"] * args.tiny
    words += ["--data-dir DIR"] * bool(args.data_dir)
    return " ".join([*words, *[f"--seeds {args.seeds}"] * bool(args.seeds)])


if __name__ == "__main__":
    sys.exit(main())
