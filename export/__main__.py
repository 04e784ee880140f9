"""`python -m export CHECKPOINT`: convert, quantize, verify, and report which files hold what the checkpoint does."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from edgeproof.cli import guard
from edgeproof.errors import Refused
from export import commands, formats, limits, targets
from export.checkpoint import opening
from export.quantize.plan import METHODS, Budget, Plan
from export.verdict import Result


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 all verified, 1 something crashed or was found wanting, 2 refused."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in commands.names():
        return _command(given[0], given[1:])
    others = [f"{name}: {(commands.load(name).__doc__ or '').splitlines()[0]}" for name in commands.names()]
    known = "; ".join(f"{name}: {', '.join(formats.load(name).precisions)}" for name in formats.names())
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description=__doc__,
        epilog=f"formats and precisions: {known}. Other commands (python -m export COMMAND --help): {' '.join(others)}",
    )
    parser.add_argument("checkpoint", type=Path, nargs="?", help="an .h5 or .keras file, or a folder of saved/")
    opening.arguments(parser)
    parser.add_argument(
        "--to", nargs="+", default=[], metavar="FORMAT[:PRECISION]", help="what to write (default: all)"
    )
    parser.add_argument(
        "--samples",
        type=Path,
        help="an .npz of calibration and evaluation samples (default: samples.npz beside the checkpoint)",
    )
    parser.add_argument("--out", type=Path, help="folder to write (default: export/ beside the checkpoint)")
    _quantization(parser.add_argument_group("integer precisions"))
    parser.add_argument(
        "--target", default="", help="also require that this target has every operator: " + ", ".join(targets.names())
    )
    parser.add_argument(
        "--streaming", action="store_true", help="export the step model: one time step in, its states in and out"
    )
    parser.add_argument(
        "--graph", default="", metavar="NAME", help="one graph of the checkpoint's contract (default: each of them)"
    )
    limits.arguments(parser)
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
    return guard("export", lambda: _export(args, "python -m export " + shlex.join(given)))


def _quantization(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--max-drop",
        type=float,
        metavar="POINTS",
        help="largest loss of score, by the unfavourable end of its interval (0.5 is half a percentage point); plans "
        "are tried until one keeps it, and the smallest file is taken",
    )
    group.add_argument("--max-bytes", type=int, metavar="N", help="largest file")
    group.add_argument(
        "--max-latency-ratio", type=float, metavar="R", help="longest median latency, as a ratio to the float file's"
    )
    group.add_argument(
        "--fine-tune",
        type=Path,
        metavar="SAMPLES",
        help="an .npz with training_<input> and perhaps training_label: where no plan keeps the budget, the model is "
        "fine-tuned under 8-bit rounding and the plans are tried again (docs/compress.md)",
    )
    group.add_argument(
        "--calibration",
        default="",
        choices=("", *METHODS),
        help="how ranges are taken (default: held-out samples choose)",
    )
    group.add_argument("--per-tensor", action="store_true", help="one scale for all channels of a weight")
    group.add_argument(
        "--equalize",
        action=argparse.BooleanOptionalAction,
        help="move scale between layers so that channels are of a size (default: where it helps)",
    )
    group.add_argument(
        "--correct-bias", action="store_true", help="take the mean error of the weights out of the biases"
    )
    group.add_argument("--int16-layers", nargs="+", default=[], metavar="LAYER", help="16-bit activations in these")
    group.add_argument("--float-layers", nargs="+", default=[], metavar="LAYER", help="these stay in float")
    group.add_argument(
        "--calibration-as-is", action="store_true", help="take calibration samples in which faults were found"
    )


def _plan(args: argparse.Namespace) -> Plan:
    return Plan(
        calibration=args.calibration,
        per_channel=not args.per_tensor,
        equalize=args.equalize,
        correct_bias=args.correct_bias,
        wide=tuple(args.int16_layers),
        floats=tuple(args.float_layers),
    )


def _budget(args: argparse.Namespace) -> Budget:
    if args.max_drop is not None and not 0 <= args.max_drop <= 100:
        raise Refused(
            "export: --max-drop is in points of the score, 0 to 100.",
            received=f"{args.max_drop:g}",
            fix="--max-drop 0.5",
        )
    for flag, value in (("--max-bytes", args.max_bytes), ("--max-latency-ratio", args.max_latency_ratio)):
        if value is not None and not value > 0:
            raise Refused(f"export: {flag} is above zero.", received=f"{value:g}", fix=f"{flag} 1")
    return Budget(args.max_drop, args.max_bytes, args.max_latency_ratio)


def _fine_tune(args: argparse.Namespace) -> Path | None:
    if args.fine_tune and not _budget(args):
        raise Refused(
            "export: --fine-tune is the last thing that is tried to keep a budget.",
            received="--fine-tune alone",
            fix="--max-drop 0.5, or python -m export compress to fine-tune in any case",
        )
    found: Path | None = args.fine_tune
    return found


def _command(name: str, arguments: list[str]) -> int:
    command = commands.load(name)
    parser = argparse.ArgumentParser(
        prog=f"python -m export {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.arguments(parser)
    args = parser.parse_args(arguments)
    return guard(name, lambda: int(command.act(args)))


def _export(args: argparse.Namespace, command: str) -> int:
    from export import pipeline, report

    pairs = formats.parse(args.to)
    explicit = any(":" in text for text in args.to)
    request = pipeline.Request(
        args.checkpoint, pairs, explicit, args.samples, args.out, _budget(args), args.target, command,
        opening.given(args, args.checkpoint), args.streaming, _plan(args), args.calibration_as_is,
        limits.given(args), _fine_tune(args), args.graph,
    )  # fmt: skip
    print(f"export: {len(pairs)} artifacts of {args.checkpoint}", file=sys.stderr)

    def tell(result: Result) -> None:
        print(f"  {report.line(result)}", file=sys.stderr, flush=True)

    single = args.graph or args.streaming
    outcomes = [pipeline.run(request, tell)] if single else pipeline.run_all(request, tell)
    translated = outcomes[0].checkpoint["translated"]
    if translated:
        print(
            f"translated from Keras {outcomes[0].checkpoint['keras_version'] or 'of an unknown version'}: "
            f"{translated[0]}"
            + (f", and {len(translated) - 1} more (report.json lists them)" if len(translated) > 1 else "")
        )
    for outcome in outcomes:
        page = report.write(outcome)
        if not args.brief:
            print(report.table(report.facts(outcome)))
        print(f"report: {page}")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
