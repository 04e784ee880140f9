"""`python -m export CHECKPOINT`: convert, quantize, verify, and report which files hold what the checkpoint does."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from edgeproof.cli import guard
from edgeproof.errors import Refused
from export import formats, targets


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 all verified, 1 something crashed or was found wanting, 2 refused."""
    known = "; ".join(f"{name}: {', '.join(formats.load(name).precisions)}" for name in formats.names())
    parser = argparse.ArgumentParser(
        prog="python -m export", description=__doc__, epilog=f"formats and precisions: {known}"
    )
    parser.add_argument("checkpoint", type=Path, nargs="?", help="an .h5 file, or a folder of saved/")
    parser.add_argument(
        "--to", nargs="+", default=[], metavar="FORMAT[:PRECISION]", help="what to write (default: all)"
    )
    parser.add_argument(
        "--samples",
        type=Path,
        help="an .npz of calibration and evaluation samples (default: samples.npz beside the checkpoint)",
    )
    parser.add_argument("--out", type=Path, help="folder to write (default: export/ beside the checkpoint)")
    parser.add_argument(
        "--max-drop",
        type=float,
        metavar="POINTS",
        help="largest loss of score that counts as the same (0.5 is half a percentage point; default: the contract's)",
    )
    parser.add_argument(
        "--target", default="", help="also require that this target has every operator: " + ", ".join(targets.names())
    )
    parser.add_argument("--brief", action="store_true", help="no table; python -m export.report shows it later")
    parser.add_argument("--list", action="store_true", help="list the formats and precisions")
    args = parser.parse_args(arguments)
    if args.list:
        for name in formats.names():
            form = formats.load(name)
            print(f"{name:<12} {', '.join(form.precisions):<40} {form.title}")
        return 0
    if args.checkpoint is None:
        parser.error("name a checkpoint, or use --list")
    given = sys.argv[1:] if arguments is None else arguments
    return guard("export", lambda: _export(args, "python -m export " + shlex.join(given)))


def _export(args: argparse.Namespace, command: str) -> int:
    from export import pipeline, report

    if args.max_drop is not None and not 0 <= args.max_drop <= 100:
        raise Refused(
            "export: --max-drop is in points of the score, 0 to 100.",
            received=f"{args.max_drop:g}",
            fix="--max-drop 0.5",
        )
    pairs = formats.parse(args.to)
    explicit = any(":" in text for text in args.to)
    request = pipeline.Request(
        args.checkpoint, pairs, explicit, args.samples, args.out, args.max_drop, args.target, command
    )
    print(f"export: {len(pairs)} artifacts of {args.checkpoint}", file=sys.stderr)
    outcome = pipeline.run(request, tell=lambda result: print(f"  {report.line(result)}", file=sys.stderr, flush=True))
    page = report.write(outcome)
    translated = outcome.checkpoint["translated"]
    if translated:
        print(
            f"translated from Keras {outcome.checkpoint['keras_version'] or 'of an unknown version'}: {translated[0]}"
            + (f", and {len(translated) - 1} more (report.json lists them)" if len(translated) > 1 else "")
        )
    if not args.brief:
        print(report.table(report.facts(outcome)))
    print(f"report: {page}")
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
