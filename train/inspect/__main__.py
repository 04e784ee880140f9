"""`python -m train.inspect CHECKPOINT`: draw what a network has learned and what it looks at."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from edgeproof import atomic, quiet
from edgeproof.cli import guard
from edgeproof.errors import Refused
from train.inspect.views import VIEWS


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 drawn, 2 refused."""
    parser = argparse.ArgumentParser(
        prog="python -m train.inspect",
        description=f"{__doc__}\n\nviews:\n{VIEWS.told()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", nargs="?", type=Path, help="an .h5 or .keras file, or the folder of one")
    parser.add_argument("--list", action="store_true", help="list the views")
    parser.add_argument("--out", type=Path, help="folder to write (default: inspect/ beside the checkpoint)")
    parser.add_argument("--only", nargs="+", metavar="VIEW", help="draw these views (default: all that it has)")
    parser.add_argument("--image", type=Path, help="look at this picture, or array in an .npy file")
    parser.add_argument(
        "--sample", type=int, help="without --image: which evaluation sample of samples.npz to look at (default: 0)"
    )
    parser.add_argument("--class", dest="wanted", metavar="CLASS", help="explain this class (default: the decision)")
    parser.add_argument("--layer", help="draw this layer (default: each view's own choice)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise that maximisation begins with (default: 0)")
    args = parser.parse_args(arguments)
    if args.list:
        print(VIEWS.told())
        return 0
    if not args.checkpoint:
        parser.error("name a checkpoint, or use --list")
    given = sys.argv[1:] if arguments is None else arguments
    return guard("inspect", lambda: _inspect(args, "python -m train.inspect " + shlex.join(given)))


def _inspect(args: argparse.Namespace, command: str) -> int:
    names = args.only or VIEWS.names()
    for name in names:
        VIEWS.check(name)
    if args.image is not None and args.sample is not None:
        raise Refused(
            "inspect: one picture is looked at.",
            received=f"--image {args.image} and --sample {args.sample}",
            fix="leave one of them out",
        )
    # Before TensorFlow is imported: its C++ side reads this once.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet.without(b"WARNING: All log messages before absl", b"I0000"):
        from train.inspect import opening, page, subject

    opened = opening.open(args.checkpoint, args.image, args.sample, args.wanted, args.layer, args.seed)
    out = args.out or opened.path.parent / "inspect"
    sections, missing = [], []
    for name in names:
        try:
            sections.append(page.Section(name, VIEWS.headline(name), VIEWS.load(name).draw(opened)))
        except subject.Absent as reason:
            if args.only:
                raise
            missing.append((name, reason))
    atomic.prepare(out)
    for section in sections:
        for picture in section.pictures:
            atomic.write_bytes(out / f"{picture.name}.png", picture.png)
    atomic.write_text(out / "index.html", page.render(opened, sections, missing, command))
    for name, why in missing:
        print(f"{name} not drawn: {why.rule} Received: {why.received}")
    print(out / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
