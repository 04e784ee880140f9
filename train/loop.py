"""Epoch after epoch, with a checkpoint after each from which the rest follows bit by bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras

from edgeproof.contract import Contract
from edgeproof.errors import Refused
from train import checkpoint
from train.checkpoint import State
from train.progress import Progress


class Driven(Protocol):
    """What the loop drives; `train.objectives.objective.Objective` is it."""

    model: keras.Model
    culprit: str

    @property
    def epochs(self) -> int: ...

    def variables(self) -> list[Any]: ...

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]: ...


@dataclass(frozen=True)
class Run:
    """What one run is bound to; a checkpoint of another run can't be resumed under it."""

    path: Path | None
    contract: Contract
    settings: dict[str, Any]
    data_sha256: str


def fit(
    objective: Driven,
    run: Run,
    *,
    state: State | None = None,
    watch: Callable[[int, dict[str, float]], None] = lambda epoch, figures: None,
    quiet: bool = False,
) -> tuple[list[dict[str, float]], float]:
    """Train to the end of the objective's epochs.

    Args:
        objective: model, data and step.
        run: where to checkpoint (nowhere if its path is None) and under which settings.
        state: to go on from.
        watch: called with each epoch's figures.

    Returns:
        Figures of every epoch, and seconds spent, those before `state` included.

    Raises:
        Refused: the loss is not finite. The last good checkpoint stays.
    """
    history, spent = ([*state.history], state.seconds) if state else ([], 0.0)
    if state:
        _restore(objective.variables(), state)
    epochs = objective.epochs
    progress = Progress(epochs, len(history), quiet=quiet)
    for epoch in range(len(history), epochs):
        start = time.monotonic()
        figures = objective.epoch(epoch, progress.within)
        # The validation figures tell of the last step, whose own loss was taken before it.
        wild = {name: value for name, value in figures.items() if not math.isfinite(value)}
        if wild:
            told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in wild.items())
            kept = f"the checkpoint of epoch {epoch} is kept"
            if not epoch or not run.path:
                kept = "nothing of this run was written"
            raise Refused(
                "train: the loss must stay finite.",
                received=f"{told} in epoch {epoch + 1}, learning_rate {run.settings['learning_rate']}"
                + (f"; first of all {objective.culprit}" if objective.culprit else ""),
                fix=f"lower it: --set learning_rate={run.settings['learning_rate'] / 10:g}; {kept}",
            )
        history.append(figures)
        spent += time.monotonic() - start
        if run.path:
            values = [variable.numpy() for variable in objective.variables()]
            now = State(epoch + 1, history, run.settings, run.data_sha256, values, spent)
            checkpoint.write(run.path, objective.model, run.contract, now)
        progress.finished(figures)
        watch(epoch, figures)
    return history, spent


def _restore(variables: list[Any], state: State) -> None:
    shapes = [tuple(v.shape) for v in variables]
    if shapes != [value.shape for value in state.variables]:
        raise Refused(
            "train: --resume needs the checkpoint of the same model and optimizer.",
            received=f"{len(state.variables)} stored variables, {len(shapes)} in the model, or of other shapes",
            fix="train without --resume",
        )
    for variable, value in zip(variables, state.variables, strict=True):
        variable.assign(value)
