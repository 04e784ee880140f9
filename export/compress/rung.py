"""Fine-tuning as the last thing that is tried to keep a budget: another checkpoint, searched as the first one was."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export.checkpoint import Opening
from export.compress import training
from export.compress.recipe import Recipe
from export.limits import Limits
from export.quantize.plan import Plan


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned checkpoint, or why there is none."""

    opening: Opening | None
    recipe: Recipe
    why: str = ""


@dataclass(frozen=True)
class Rung:
    """Fine-tuned checkpoints of one request, each made when it is first wanted.

    Attributes:
        checkpoint, contract: what is fine-tuned.
        training: the samples.
        scratch: folder to write to.
        limits: of the child.
    """

    checkpoint: Opening
    contract: Contract
    training: training.Training
    scratch: Path
    limits: Limits
    _made: dict[Recipe, Tuned] = field(default_factory=dict)

    def tuned(self, plan: Plan) -> Tuned:
        """The checkpoint fine-tuned for a plan's granularity of weights."""
        # By the float model's own answers: what is exported is to be the checkpoint, not a better one.
        recipe = Recipe(aware=True, taught=True, per_channel=plan.per_channel)
        if recipe not in self._made:
            path = self.scratch / f"tuned-{len(self._made)}.h5"
            try:
                training.compressed(self.checkpoint, self.contract, self.training, recipe, path, self.limits)
                again = dataclasses.replace(
                    self.checkpoint, path=path, architecture=None, builder="", replace=(), backend=""
                )
                self._made[recipe] = Tuned(again, recipe)
            except Refused as refusal:
                self._made[recipe] = Tuned(None, recipe, refusal.received)
        return self._made[recipe]

    def stated(self, contract: Contract, recipe: Recipe) -> Contract:
        """A contract that tells what was done to the checkpoint before it became a file."""
        told = {**recipe.to_dict(), "samples": self.training.n}
        settings = {**contract.provenance.settings, "fine_tuned": told}
        return dataclasses.replace(contract, provenance=dataclasses.replace(contract.provenance, settings=settings))


def joined(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The trials of two searches as those of one, and whether the second one's choice is taken.

    Args:
        before, after: `trials` and `plan`, as `export.tasks.search` answers; nothing of `before` is within the budget.
    """
    taken = _best(after["trials"]) < _best(before["trials"])
    found = [{**trial, "chosen": trial["chosen"] and not taken} for trial in before["trials"]]
    for trial in after["trials"]:
        found.append({**trial, "said": f"fine-tuned, {trial['said']}", "chosen": trial["chosen"] and taken})
    return found, taken


def _best(trials: Sequence[Mapping[str, Any]]) -> tuple[bool, float, int]:
    chosen = next(trial for trial in trials if trial["chosen"])
    return not chosen["within"], chosen["interval"][1], chosen["bytes"]
