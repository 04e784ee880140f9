"""Say what a checkpoint is, who wrote it, what it takes to load it in Keras 3; write it anew.

Exit status: 0 it loads; 1 it does not load, with what to pass; 2 the request was wrong or the file is not to be
trusted.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeproof.errors import Refused, Unwritable
from export import checkpoint, limits
from export.checkpoint import opening
from export.worker import Crashed, Worker

_READING_SECONDS = 120.0
_NOISE = re.compile(r"[IWE]\d{4} |WARNING: All log messages")  # what TensorFlow prints when it starts
_KNOWN = {"tensorflow": "TensorFlow", "theano": "Theano", "cntk": "CNTK", "jax": "JAX", "torch": "PyTorch"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help=".h5 or .keras file, or a folder that holds one")
    opening.arguments(parser)
    limits.arguments(parser)
    parser.add_argument("--write", type=Path, metavar="CLEAN.h5", help="write the model as Keras 3 does, .h5 or .keras")


def act(args: argparse.Namespace) -> int:
    path = checkpoint.find(args.file)
    asked = opening.given(args, path)
    write, allowed = _target(args.write, path), limits.given(args)
    try:
        with Worker(limits=allowed.within(_READING_SECONDS)) as reader:
            facts = reader.call("export.checkpoint:examine", path=str(asked))
    except Crashed as crash:
        raise Refused(
            "checkpoint: the file must be whole HDF5.", received=f"{path}: {crash.reason}", fix="copy it again"
        ) from crash
    if facts["contract"] and args.write and args.write.suffix != ".h5":
        raise Refused(
            "doctor: a checkpoint with a contract is written as .h5, which carries it.",
            received=str(args.write),
            fix=f"--write {args.write.with_suffix('.h5')}",
        )
    _tell_file(path, facts)
    if facts["missing"]:
        return _tell_missing(*facts["missing"])
    try:
        with Worker(limits=allowed) as loader:
            found = loader.call("export.checkpoint.diagnosis:diagnose", checkpoint=str(asked), write=write)
    except Unwritable:
        raise
    except Refused as refusal:
        return _tell_missing(refusal.rule, refusal.received, refusal.fix)
    except Crashed as crash:
        lines = [line for line in crash.log.splitlines() if not _NOISE.match(line)]
        return _tell_missing(
            "checkpoint: the model must load in Keras 3.", crash.reason, "\n".join(["report this:", *lines])
        )
    _tell_model(found)
    return 0


def _target(write: Path | None, path: Path) -> str:
    """Where to write, as the child takes it.

    Raises:
        Refused: over the file itself, or under another ending.
    """
    if write is None:
        return ""
    if write.suffix not in (".h5", ".keras"):
        raise Refused(
            "doctor: --write writes a .h5 or .keras file of Keras 3.", received=str(write), fix="--write clean.h5"
        )
    if write.exists() and path.exists() and os.path.samefile(write, path):
        raise Refused(
            "doctor: --write must not replace the file that is examined.", received=str(write), fix="--write clean.h5"
        )
    return str(write)


def _tell_file(path: Path, facts: Mapping[str, Any]) -> None:
    print(f"{path}: {facts['kind']}, {facts['bytes']:,} bytes")
    backend = _KNOWN.get(facts["backend"], facts["backend"])
    version = f"Keras {facts['keras_version']}" if facts["keras_version"] else "a Keras that did not sign"
    _line("written by", version + (f" on {backend}" if backend else ", on a backend that it does not name"))
    _line("weights", f"{facts['parameters']:,} numbers, all finite")
    if facts["optimizer"]:
        _line("optimizer", "its state is in the file, and is not read")
    if facts["contract"]:
        _line("contract", "inside")


def _tell_model(found: Mapping[str, Any]) -> None:
    for word in ("input", "output"):
        for index, (name, shape, dtype) in enumerate(found[f"{word}s"]):
            _line(word if not index else "", f"{name}  {'x'.join('?' if n is None else str(n) for n in shape)} {dtype}")
    counts = ", ".join(f"{kind} x{n}" if n > 1 else kind for kind, n in found["layers"])
    _line("layers", f"{sum(n for _, n in found['layers'])}: {counts}")
    _line("parameters", f"{found['parameters']:,}")
    for index, change in enumerate(found["changes"]):
        _line("translated" if not index else "", change)
    if not found["changes"]:
        _line("translated", "nothing: Keras 3 takes it as it is")
    _line("missing", "nothing")
    if found["written"]:
        written = found["written"]
        _line(
            "written",
            f"{written['path']}, {written['bytes']:,} bytes; loaded again, its outputs are the same bit for bit on "
            f"{written['samples']} random samples",
        )
    _line("verdict", f"loads in Keras {found['keras']}")


def _tell_missing(rule: str, received: str, fix: str) -> int:
    sys.stdout.flush()
    _line("missing", rule.removeprefix("checkpoint: "))
    _line("received", received)
    _line("fix", fix)
    _line("verdict", "does not load")
    return 1


def _line(word: str, said: str) -> None:
    first, *rest = said.splitlines() or [""]
    wrapped = textwrap.wrap(first, 108, break_long_words=False, break_on_hyphens=False) or [""]
    print(f"  {word:<11} {wrapped[0]}")
    for more in (*wrapped[1:], *rest):
        print(f"  {'':<11} {more}")
