"""`edgeproof run | bench | eval | inspect`: the runner's command line."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

import edgeproof
from edgeproof.errors import Refused

COMMANDS = ("run", "bench", "eval", "inspect")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse and obey. Returns the exit status: 0 done, 1 found wanting, 2 refused."""
    parser = argparse.ArgumentParser(prog="edgeproof", description="Run, measure and look into exported models.")
    parser.add_argument("--version", action="version", version=f"edgeproof {edgeproof.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"edgeproof.cli.{name}")
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
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


def kernels_argument(parser: argparse.ArgumentParser) -> None:
    """`--kernels` and `--threads`, the same for every command that runs a file."""
    parser.add_argument("--kernels", default="", metavar="SET",
                        help="xnnpack (default), builtin or reference for .tflite; onnxruntime for .onnx")
    parser.add_argument("--threads", type=int, default=1, help="threads of one invocation (default 1)")
