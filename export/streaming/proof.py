"""The proof of a stream: steps are the whole sequence, in the float model and, over a long one, in each artifact."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeproof.contract import Contract, Tolerance
from export.checkpoint import Opening
from export.verdict import Check, Result
from export.worker import Worker

# Of float kernels that sum fewer terms at once in a step than over a sequence; measured below 1e-6 over 1,000 steps.
STEPPING = 1e-5
# A float artifact's distance after many steps: its kernels sum in yet another order, and a recurrence carries it on.
_DRIFT = {"f32": 1e-4, "f16": 5e-2}


@dataclass(frozen=True)
class Proof:
    """What every artifact of the step model is held against beside its evaluation samples.

    Attributes:
        contract: of the step files.
        sequences, steps: how many there are, and of how many steps each, without a reset.
        relative: largest difference of the float steps from the whole model on it, of the largest output.
        file: the sequence and each step's outputs.
    """

    contract: Contract
    sequences: int
    steps: int
    relative: float
    file: Path

    @classmethod
    def of(cls, converter: Worker, opening: Opening, contract: Contract, evaluation: str, scratch: Path) -> Proof:
        """Build the step model and step it.

        Raises:
            Refused: a layer that can't be stepped.
        """
        stated = converter.call("export.streaming.tasks:contract", checkpoint=str(opening), contract=contract.to_json())
        file = scratch / "proof.npz"
        found: Mapping[str, float] = converter.call(
            "export.streaming.tasks:proof", checkpoint=str(opening), tensors=evaluation, out=str(file),
            contract=stated,
        )  # fmt: skip
        return cls(
            Contract.from_json(stated), int(found["sequences"]), int(found["steps"]), float(found["relative"]), file
        )

    @property
    def over(self) -> str:
        """What was stepped through, in words."""
        return f"{self.steps:,} steps" if self.sequences == 1 else f"{self.sequences:,} sequences of {self.steps} steps"

    def drifted(self, result: Result, runtime: str, path: Path, worker: Worker, tolerance: Tolerance) -> Result:
        """The result with what its artifact's drift on one runtime says."""
        quarters = worker.call(
            "export.streaming.tasks:drift", format=result.format, path=str(path), runtime=runtime, proof=str(self.file)
        )
        limit = _DRIFT.get(result.asked, tolerance.relative_l2)
        told = ", ".join(f"{quarter:.1e}" for quarter in quarters)
        said = f"on {runtime}, {self.over} without a reset: relative L2 distance {told} by quarter"
        checks = list(result.checks)
        if not any(check.name == "stepping" for check in checks):
            stepping = f"float steps differ from the whole sequence by {self.relative:.1e} over {self.over}"
            checks.append(Check("stepping", self.relative <= STEPPING, f"{stepping}, limit {STEPPING:.0e}"))
        if limit is not None:
            checks.append(Check("drift", max(quarters) <= limit, f"{said}, limit {limit:g}"))
        drift = {**result.notes.get("drift", {}), runtime: quarters}
        return dataclasses.replace(result, checks=tuple(checks), notes={**result.notes, "drift": drift})
