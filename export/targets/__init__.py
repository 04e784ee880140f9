"""Targets: what a device's software can run, one module each, found by listing the folder."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import Refused, nearest


@dataclass(frozen=True)
class Target:
    """Operators and precisions that a target runs.

    Attributes:
        title: for people, with the version that the list was read from.
        format: of the artifacts that it takes.
        operators: by their names in that format.
        precisions: empty: all.
    """

    title: str
    format: str
    operators: frozenset[str]
    precisions: tuple[str, ...] = ()

    def takes(self, kind: str, precision: str) -> bool:
        """Whether it runs artifacts of this format and precision."""
        return kind == self.format and (not self.precisions or precision in self.precisions)

    def missing(self, operators: list[str]) -> list[str]:
        """Those of `operators` that the target has not."""
        return sorted(set(operators) - self.operators)


def names() -> list[str]:
    """All targets, as people write them."""
    return sorted(f.stem.replace("_", "-") for f in Path(__file__).parent.glob("*.py") if f.stem != "__init__")


def load(name: str) -> Target:
    """The target called `name`.

    Raises:
        Refused: there is none.
    """
    if name not in names():
        raise Refused("export: --target must be one that Edgeproof knows.", received=name, fix=nearest(name, names()))
    found = importlib.import_module(f"export.targets.{name.replace('-', '_')}").TARGET
    assert isinstance(found, Target)
    return found
