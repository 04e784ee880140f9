"""What a study is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Attributes:
        seeds: how many; None: as many as the study's page has.
        recipe: the recipe to study, where a study takes one; "" for its own choice.
        tiny: a seconds-long form, to see it run.
        directory: with the user's own data, where a study takes some.
    """

    seeds: int | None = None
    recipe: str = ""
    tiny: bool = False
    directory: Path | None = None

    def seeds_or(self, usual: int) -> range:
        """The seeds to run: 0, 1, ..."""
        return range(self.seeds or (min(2, usual) if self.tiny else usual))
