"""A system of several graphs: a folder of artifacts, its parts, run one after another.

What reads is run once for a sample, what writes once for each token. The parts are of one checkpoint and in one format
and precision, by what their own contracts say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof import answering
from edgeproof.backends import Port
from edgeproof.contract import Contract
from edgeproof.decode.search import Manner
from edgeproof.errors import Refused
from edgeproof.folder import opened
from edgeproof.folding import FOLDED, Folded
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
        return answered(self.contract, self._last.following(taken), manner)


def load(folder: str | os.PathLike[str], *, parts: str = "", kernels: str = "", threads: int = 1) -> System | Folded:
    """Open a folder of artifacts as one system; see `edgeproof.folder.opened`.

    Raises:
        Refused: parts that are none of one system, or not all of them.
    """
    found = opened(folder, parts=parts, kernels=kernels, threads=threads)
    if found.models.keys() >= set(FOLDED):
        return Folded(found)
    return System(_ordered(found.models), found.source)


def _ordered(models: Mapping[str, Model]) -> dict[str, Model]:
    """Parts behind those that give what they take."""
    left, found = dict(models), {}
    while left:
        made = {port.name for model in left.values() for port in model.session.outputs}
        ready = [n for n, model in left.items() if not made & {port.name for port in model.inputs}] or list(left)
        found[ready[0]] = left.pop(ready[0])
    return found
