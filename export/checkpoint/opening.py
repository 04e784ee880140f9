"""How a checkpoint is to be opened: the file, and what a person adds to what it says itself."""

from __future__ import annotations

import argparse
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.contract import Graph
from edgeproof.errors import Refused, nearest

BACKENDS = ("tensorflow", "theano", "cntk")


@dataclass(frozen=True)
class Opening:
    """A checkpoint with the help that it needs.

    As text it is its path, or JSON where there is more to say, so that it passes as one argument to a child process.

    Attributes:
        architecture: JSON file of the model, for a file of weights alone.
        builder: `module:function` or `file.py:function` that builds it instead. Runs that code.
        custom_objects: Python file that defines its layers. Runs that code.
        replace: (layer name, what takes its place), for layers that are never opened.
        backend: that the file was trained on, where it does not say.
        ends: names of the tensors that the part of the model lies between, (from, to); None: all of it.
    """

    path: Path
    architecture: Path | None = None
    builder: str = ""
    custom_objects: Path | None = None
    replace: tuple[tuple[str, str], ...] = ()
    backend: str = ""
    ends: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    def of_graph(self, graph: Graph) -> Opening:
        """The part of the model that a graph of its contract is."""
        names = tuple(tuple(tensor.name for tensor in side) for side in (graph.inputs, graph.outputs))
        return dataclasses.replace(self, ends=(names[0], names[1]))

    def __str__(self) -> str:
        if self == Opening(self.path):
            return str(self.path)
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return json.dumps({k: str(v) if isinstance(v, Path) else v for k, v in fields.items() if v})

    @staticmethod
    def of(text: str | Path) -> Opening:
        """The inverse of `str`."""
        if not str(text).startswith("{"):
            return Opening(Path(text))
        fields = json.loads(str(text))
        for name in ("path", "architecture", "custom_objects"):
            if name in fields:
                fields[name] = Path(fields[name])
        fields["replace"] = tuple((name, what) for name, what in fields.get("replace", ()))
        if "ends" in fields:
            inputs, outputs = fields["ends"]
            fields["ends"] = tuple(inputs), tuple(outputs)
        return Opening(**fields)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that say how to open a checkpoint, the same for every command that opens one."""
    group = parser.add_argument_group("opening a checkpoint that needs help (docs/doctor.md)")
    group.add_argument("--architecture", type=Path, metavar="JSON", help="of the model, for a file of weights alone")
    group.add_argument(
        "--builder", default="", metavar="MODULE:FUNCTION", help="builds the model instead (runs your code)"
    )
    group.add_argument(
        "--custom-objects", type=Path, metavar="FILE.py", help="defines the model's own layers (runs your code)"
    )
    group.add_argument(
        "--replace", action="append", default=[], metavar="LAYER=WHAT",
        help="put keras.activations.X, keras.ops.X, keras.layers.X or a layer of yours in its place",
    )  # fmt: skip
    group.add_argument("--backend", default="", metavar="NAME", help="that trained it, where the file does not say")


def given(args: argparse.Namespace, path: Path) -> Opening:
    """The opening that a command line asks for.

    Raises:
        Refused: flags that contradict each other or can't be read.
    """
    replace: list[tuple[str, str]] = []
    for text in args.replace:
        name, equals, what = text.partition("=")
        if not (name and equals and what):
            raise _refused("--replace takes LAYER=WHAT.", text, "--replace lambda_1=keras.ops.relu")
        replace.append((name, what))
    if args.backend and args.backend not in BACKENDS:
        raise _refused("--backend takes a backend of Keras 1 and 2.", args.backend, nearest(args.backend, BACKENDS))
    if args.architecture and args.builder:
        raise _refused("one of --architecture and --builder says what the model is.", "both", "leave one of them out")
    if args.builder and replace:
        raise _refused("--replace changes an architecture; a builder has none.", "both", "change the builder")
    return Opening(path, args.architecture, args.builder, args.custom_objects, tuple(replace), args.backend)


def _refused(rule: str, received: Any, fix: str) -> Refused:
    return Refused(f"checkpoint: {rule}", received=str(received), fix=fix)
