"""What a training is asked for, and what it gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.contract import Score
from train.recipe import Recipe

if TYPE_CHECKING:
    from train.objectives.objective import Picture


@dataclass(frozen=True)
class Request:
    """What a person asked for."""

    name: str
    recipe: Recipe
    data: str
    settings: dict[str, Any]
    out: Path
    command: str
    seeds: int = 1
    resume: bool = False
    wishes: dict[str, Any] = dataclasses.field(default_factory=dict)
    board: Path | None = None
    quiet: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a run gave: everything that card and run.json tell."""

    score: Score
    by_seed: dict[int, float]
    floor: float | None
    history: list[dict[str, float]]
    seconds: float
    parameters: int
    confusion: np.ndarray | None
    path: Path
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
