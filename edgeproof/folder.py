"""A folder of artifacts: the parts of one system, by what their own contracts say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeproof import formats
from edgeproof.contract import Contract
from edgeproof.errors import Refused, nearest
from edgeproof.runner import Model

_WHOLE = "main"


@dataclass(frozen=True)
class Parts:
    """The parts of one checkpoint in one format and precision.

    Attributes:
        models: graph -> its file, opened.
        whole: the contract of the whole model's own file beside them; None where there is none.
        source: the folder, for messages.
    """

    models: Mapping[str, Model]
    whole: Contract | None
    source: str


def opened(folder: str | os.PathLike[str], *, parts: str = "", kernels: str = "", threads: int = 1) -> Parts:
    """Open the parts that lie in a folder, as `python -m export` writes them.

    Args:
        folder: with a .tflite or .onnx file of each part.
        parts: "format:precision", where the folder has parts in several.
        kernels, threads: as `edgeproof.load` takes them.

    Raises:
        Refused: no parts or some missing, several sets of them, or parts of several checkpoints.
    """
    sets: dict[str, dict[str, list[tuple[str, bytes, formats.Summary]]]] = {}
    steps: dict[str, dict[str, list[tuple[str, bytes, formats.Summary]]]] = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix not in (".tflite", ".onnx") or not path.is_file():
            continue
        data = formats.read_file(path)
        summary = formats.read_bytes(data, str(path))
        contract = summary.contract
        if contract and contract.artifact:
            key = f"{contract.artifact.format}:{contract.artifact.precision}"
            stream = contract.graph().stream
            kept, graph = (steps, stream.of) if stream else (sets, contract.artifact.graph)
            kept.setdefault(key, {}).setdefault(graph, []).append((str(path), data, summary))
    whole = {key: found.pop(_WHOLE, []) for key, found in sets.items()}
    sets = {key: found for key, found in sets.items() if found}
    if not sets or (parts and parts not in sets) or (not parts and len(sets) > 1):
        raise Refused(
            "folder: a folder must hold the parts of one system in one format and precision, or one must be named.",
            received=f"{folder}: {', '.join(sorted(sets)) or 'no part'}" + (f"; {parts} is asked for" if parts else ""),
            fix=nearest(parts, sets) if parts and sets else "name one: --parts tflite:int8",
        )
    key = parts or next(iter(sets))
    # A part is stepped where its step lies beside the others; the part itself may then be missing.
    chosen = {**sets[key], **{graph: found for graph, found in steps.get(key, {}).items() if graph}}
    every = [found for files in chosen.values() for found in files]
    contracts = [summary.contract for _, _, summary in every if summary.contract]
    contracts.sort(key=lambda contract: contract.graph().stream is not None)  # a step knows of no other graph
    origins = {contract.provenance.checkpoint_sha256 for contract in contracts}
    if len(origins) > 1 or len(every) > len(chosen):
        raise Refused(
            "folder: the parts in a folder must be of one checkpoint, each there once.",
            received=f"{', '.join(path for path, _, _ in every)} of {', '.join(sorted(o[:8] for o in origins))}",
            fix="export the system again into an empty folder",
        )  # fmt: skip
    wanted = [graph.name for graph in contracts[0].graphs if graph.name != _WHOLE]
    missing = [name for name in wanted if name not in chosen]
    if missing:
        raise Refused(
            "folder: a folder must hold every part.",
            received=f"{folder}: no {', '.join(missing)}",
            fix="export the system again, or copy the rest",
        )
    models = {n: Model(chosen[n][0][1], chosen[n][0][2], kernels=kernels, threads=threads) for n in wanted}
    wholes = [s.contract for _, _, s in whole[key] if s.contract and s.contract.provenance.checkpoint_sha256 in origins]
    return Parts(models, wholes[0] if wholes else None, str(folder))
