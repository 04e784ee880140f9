"""Artifacts that stand alone: read back by their bytes, and run as the device runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgeproof import formats as files
from edgeproof.contract import Contract
from edgeproof.runner import Model
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
    return Model(data, files.read_bytes(data, source), kernels=runtime).infer
