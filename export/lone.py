"""Artifacts that stand alone: read back by their bytes, and run as the device runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edgeproof import formats as files
from edgeproof.backends import Port
from edgeproof.contract import Contract
from edgeproof.runner import Model
from edgeproof.stream import Stream, plan_of
from export.formats import Look

Session = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


def look(path: Path) -> Look:
    """What a .tflite or .onnx file says."""
    summary = files.read(path)
    return seen(summary, summary.contract)


def seen(summary: files.Summary, contract: Contract | None, bytes: int | None = None) -> Look:
    """What a summary says, with a contract that may have come from elsewhere."""
    precision, floats = files.precision(summary)
    return Look(precision, floats, summary.operator_counts, contract, bytes)


def session(path: Path, runtime: str) -> Session:
    """The runner itself, on one set of kernels."""
    return of_bytes(files.read_file(path), str(path), runtime)


def of_bytes(data: bytes, source: str, runtime: str) -> Session:
    """The runner on a file's bytes."""
    model = Model(data, files.read_bytes(data, source), kernels=runtime)
    return model.stream() if plan_of(model.contract) else model.infer


def stepped(run: Session, contract: Contract | None) -> Session:
    """A step graph that takes and gives real numbers, as a session over whole sequences; another graph as it is."""
    plan = plan_of(contract)
    return run if plan is None or contract is None else Stream(_Ends(run, contract), plan)


class _Ends:
    """What a stream asks of a session, for a function on named real numbers."""

    def __init__(self, run: Session, contract: Contract) -> None:
        self._run = run
        graph = contract.graph()
        self.inputs, self.outputs = (
            tuple(Port(end.name, end.shape, np.dtype(end.dtype)) for end in ends)
            for ends in (graph.inputs, graph.outputs)
        )

    def __call__(self, feeds: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = self._run({port.name: feed for port, feed in zip(self.inputs, feeds, strict=True)})
        return [found[port.name] for port in self.outputs]

    def reset(self) -> None:
        """The function keeps nothing: its states are ends."""
