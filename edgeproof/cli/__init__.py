"""`edgeproof run | bench | eval | inspect`: the runner's command line."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import edgeproof
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
    try:
        return act()
    except Refused as refusal:
        print(f"{program}: {refusal}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print(f"\n{program}: stopped", file=sys.stderr)
        return 130


def load(args: argparse.Namespace) -> Model:
    """The file that a command names, on the kernels it names, without the greeting that LiteRT prints when it loads."""
    from edgeproof.runner import load

    with _without(b"INFO: Created TensorFlow Lite XNNPACK delegate"):
        return load(args.file, kernels=args.kernels, threads=args.threads)


@contextmanager
def _without(greeting: bytes) -> Iterator[None]:
    """Hold back what C++ code writes to standard error, and pass it on afterwards less lines that begin so."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            rest = [line for line in held if not line.startswith(greeting)]
            os.write(2, b"".join(rest))


def kernels_argument(parser: argparse.ArgumentParser) -> None:
    """`--kernels` and `--threads`, the same for every command that runs a file."""
    parser.add_argument(
        "--kernels",
        default="",
        metavar="SET",
        help="xnnpack (default), builtin or reference for .tflite; onnxruntime for .onnx",
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of one invocation (default 1)")
