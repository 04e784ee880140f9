"""What can be asked of a compression: data, as JSON and a command line can carry it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeproof.errors import Refused

EPOCHS = 4
_LEAST_CLUSTERS = 2


@dataclass(frozen=True)
class Pruning:
    """How kernels lose weights: to a share of zeros, from another one on a polynomial schedule, or two of every four.

    Attributes:
        target: share of zeros, (0, 1).
        initial: share to begin with; None: the target from the first step on.
        blocks: two zeros in each four along the input channels, `target` 0.5.
    """

    target: float = 0.5
    initial: float | None = None
    blocks: bool = False

    @classmethod
    def parse(cls, text: str) -> Pruning:
        """From "0.5", "2:4" or "poly:0.2-0.8".

        Raises:
            Refused: anything else.
        """
        if text == "2:4":
            return cls(blocks=True)
        number = r"(0?\.\d+)"
        if found := re.fullmatch(number, text):
            return cls._checked(text, float(found[1]))
        if found := re.fullmatch(rf"poly:(0|{number[1:-1]})-{number}", text):
            return cls._checked(text, float(found[2]), float(found[1]))
        raise cls._refused(text)

    @classmethod
    def _checked(cls, text: str, target: float, initial: float | None = None) -> Pruning:
        if not 0 < target < 1 or (initial is not None and initial >= target):
            raise cls._refused(text)
        return cls(target, initial)

    @staticmethod
    def _refused(text: str) -> Refused:
        return Refused(
            "compress: --prune takes a share of zeros, 2:4, or a polynomial schedule between two shares.",
            received=text,
            fix="--prune 0.5, --prune 2:4 or --prune poly:0.2-0.8",
        )

    def said(self) -> str:
        """In words."""
        if self.blocks:
            return "pruned 2:4"
        return f"pruned {self.target:.0%}" + ("" if self.initial is None else f" (polynomial from {self.initial:.0%})")


@dataclass(frozen=True)
class Recipe:
    """What is done to a model, in this order; each step keeps what those before it made.

    Attributes:
        prune: None: nothing.
        clusters: most distinct values of a kernel; 0: any.
        aware: quantization-aware fine-tuning at the end.
        taught: the float model's answers are the targets, even where there are labels.
        per_channel: granularity of the weights that it is aware of.
        epochs: passes over the training samples of each step.
        rate: the peak learning rate; None: each step's own.
        batch, seed: samples a step of the optimizer; of shuffling and of everything drawn.
    """

    prune: Pruning | None = None
    clusters: int = 0
    aware: bool = False
    taught: bool = False
    per_channel: bool = True
    epochs: int = EPOCHS
    rate: float | None = None
    batch: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = ""
        if not (self.prune or self.clusters or self.aware):
            wrong, fix = "none of them", "--qat"
        elif self.clusters and self.clusters < _LEAST_CLUSTERS + (self.prune is not None):
            wrong, fix = f"--cluster {self.clusters}", "--cluster 16; zero is one of them after pruning"
        elif self.epochs < 1 or self.batch < 1:
            wrong, fix = f"{self.epochs} epochs, batch {self.batch}", f"--epochs {EPOCHS}"
        elif self.rate is not None and not 0 < self.rate <= 1:
            wrong, fix = f"--rate {self.rate:g}", "--rate 1e-3"
        if wrong:
            raise Refused(
                "compress: something must be done: --prune, --cluster or --qat, in whole epochs.",
                received=wrong,
                fix=fix,
            )

    def said(self) -> str:
        """In words, short enough for a table's cell."""
        words = [self.prune.said() if self.prune else "", f"{self.clusters} clusters" if self.clusters else ""]
        return ", ".join(filter(None, [*words, "quantization-aware" if self.aware else ""]))

    def to_dict(self) -> dict[str, Any]:
        """As JSON's own types."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Recipe:
        """Back from `to_dict`."""
        return cls(**{**stored, "prune": Pruning(**stored["prune"]) if stored["prune"] else None})
