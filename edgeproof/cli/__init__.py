"""`edgeproof run | bench | eval | inspect`: the runner's command line."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import edgeproof
from edgeproof import quiet
from edgeproof.errors import Refused

if TYPE_CHECKING:
    from edgeproof.runner import Model

COMMANDS = ("run", "bench", "eval", "inspect")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse and obey. Returns the exit status: 0 done, 1 found wanting, 2 refused."""
    parser = argparse.ArgumentParser(prog="edgeproof", description="Run, measure and look into exported models.")
    parser.add_argument("--version", action="version", version=f"edgeproof {edgeproof.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"edgeproof.cli.{name}")
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(
            name, help=summary, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.arguments(command)
        command.set_defaults(act=module.act)
    parsed = parser.parse_args(arguments)
    return guard("edgeproof", lambda: int(parsed.act(parsed)))


def guard(program: str, act: Callable[[], int]) -> int:
    """Run `act`; a refusal becomes one message on standard error and exit status 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # labels and file names that the terminal can't show
    try:
        status = act()
        sys.stdout.flush()  # here, where a refusal can still be told
        return status
    except Refused as refusal:
        # A rule begins with its stage; where that is the program's own name, once is enough.
        print(refusal if refusal.rule.startswith(f"{program}:") else f"{program}: {refusal}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        _discard_output()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        _discard_output()
        full = Refused(
            "output: there must be room on the disk for what is printed.",
            received=str(error.strerror),
            fix="free some space, or print somewhere else",
        )
        print(f"{program}: {full}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{program}: stopped", file=sys.stderr)
        return 130


def _discard_output() -> None:
    """What standard output could not take must not be tried again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def load(args: argparse.Namespace) -> Model:
    """The file that a command names, on the kernels it names, without the greeting that LiteRT prints when it loads."""
    from edgeproof.runner import load

    with quiet.without(b"INFO: Created TensorFlow Lite XNNPACK delegate"):
        return load(args.file, kernels=args.kernels, threads=args.threads)


def kernels_argument(parser: argparse.ArgumentParser) -> None:
    """`--kernels` and `--threads`, the same for every command that runs a file."""
    parser.add_argument(
        "--kernels",
        default="",
        metavar="SET",
        help="xnnpack (default), builtin or reference for .tflite; onnxruntime for .onnx",
    )
    parser.add_argument("--threads", type=positive, default=1, help="threads of one invocation (default 1)")


def positive(text: str) -> int:
    """A whole number from 1 on, as the type of an argument."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, received {text!r}")
    return int(text)
