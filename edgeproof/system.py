"""A system of several graphs: a folder of artifacts, its parts, run one after another.

What reads is run once for a sample, what writes once for each token. The parts are of one checkpoint and in one format
and precision, by what their own contracts say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import answering, formats
from edgeproof.backends import Port
from edgeproof.contract import Contract
from edgeproof.decode.search import Manner
from edgeproof.errors import Refused, nearest
from edgeproof.runner import Model, Prediction, answered


class System:
    """Parts that `load` has opened: `inputs` are what a sample is made of, `contract` that of the part that answers.

    Raises:
        Refused: no part answers, or an input comes from none.
    """

    def __init__(self, parts: Mapping[str, Model], source: str) -> None:
        last = [model for model in parts.values() if answering.writes(model.contract)]
        if len(last) != 1 or last[0].contract is None:
            raise Refused(
                "system: one of the parts must answer.",
                received=f"{source}: {', '.join(parts)}",
                fix="name one file instead of the folder",
            )
        self._last = last[0]
        self.contract: Contract = last[0].contract
        self._written = answering.writes(self.contract)
        self._before = [model for model in parts.values() if model is not self._last]
        made = {port.name for model in self._before for port in model.session.outputs}
        self.inputs: list[Port] = [p for model in self._before for p in model.inputs if p.name not in made]
        lost = [p.name for p in self._last.inputs if p.name not in {*made, self._written}]
        if lost:
            raise Refused(
                "system: what the answering part takes must come from the others.",
                received=f"{source}: nothing gives {', '.join(lost)}",
                fix="put all parts of the system into the folder",
            )

    def predict(self, sample: Any, manner: Manner | None = None) -> Prediction:
        """Answer for one raw sample, as `Model.predict` does.

        Raises:
            Refused: a sample that the contracts' rules forbid.
        """
        raw = sample if isinstance(sample, Mapping) else {self.inputs[0].name: sample}
        found: dict[str, np.ndarray] = {}
        for model in self._before:
            own = [port for port in model.inputs if port.name not in found]
            given = {port.name: found[port.name] for port in model.inputs if port.name in found}
            found |= model.infer({**given, **model.feeds(raw, own)})
        taken = {p.name: found[p.name] for p in self._last.inputs if p.name != self._written}
        last = self._last
        return answered(self.contract, lambda rows: last.decoded(last.after(taken, self._written, rows)), manner)


def load(folder: str | os.PathLike[str], *, parts: str = "", kernels: str = "", threads: int = 1) -> System:
    """Open a folder of artifacts as one system.

    Args:
        folder: with a .tflite or .onnx file of each part; the whole model's own file beside them is left alone.
        parts: "format:precision", where the folder has parts in several.
        kernels, threads: as `edgeproof.load` takes them.

    Raises:
        Refused: no parts or some missing, several sets of them, or parts of several checkpoints.
    """
    sets: dict[str, dict[str, list[tuple[str, bytes, formats.Summary]]]] = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix not in (".tflite", ".onnx") or not path.is_file():
            continue
        data = formats.read_file(path)
        summary = formats.read_bytes(data, str(path))
        contract = summary.contract
        if contract and contract.artifact and contract.artifact.graph != "main" and not contract.graph().stream:
            key = f"{contract.artifact.format}:{contract.artifact.precision}"
            sets.setdefault(key, {}).setdefault(contract.artifact.graph, []).append((str(path), data, summary))
    if not sets or (parts and parts not in sets) or (not parts and len(sets) > 1):
        raise Refused(
            "system: a folder must hold the parts of one system in one format and precision, or one must be named.",
            received=f"{folder}: {', '.join(sorted(sets)) or 'no part'}" + (f"; {parts} is asked for" if parts else ""),
            fix=nearest(parts, sets) if parts and sets else "name one: --parts tflite:int8",
        )
    chosen = sets[parts or next(iter(sets))]
    every = [found for files in chosen.values() for found in files]
    contracts = [summary.contract for _, _, summary in every if summary.contract]
    origins = {contract.provenance.checkpoint_sha256 for contract in contracts}
    if len(origins) > 1 or len(every) > len(chosen):
        raise Refused(
            "system: the parts in a folder must be of one checkpoint, each there once.",
            received=f"{', '.join(path for path, _, _ in every)} of {', '.join(sorted(o[:8] for o in origins))}",
            fix="export the system again into an empty folder",
        )  # fmt: skip
    wanted = [graph.name for graph in contracts[0].graphs if graph.name != "main"]
    missing = [name for name in wanted if name not in chosen]
    if missing:
        raise Refused(
            "system: a folder must hold every part.",
            received=f"{folder}: no {', '.join(missing)}",
            fix="export the system again, or copy the rest",
        )
    models = {n: Model(chosen[n][0][1], chosen[n][0][2], kernels=kernels, threads=threads) for n in wanted}
    return System(_ordered(models), str(folder))


def _ordered(models: Mapping[str, Model]) -> dict[str, Model]:
    """Parts behind those that give what they take."""
    left, found = dict(models), {}
    while left:
        made = {port.name for model in left.values() for port in model.session.outputs}
        ready = [n for n, model in left.items() if not made & {port.name for port in model.inputs}] or list(left)
        found[ready[0]] = left.pop(ready[0])
    return found
