"""Recipes by name: the file's name is the name, so there is no table to keep."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from edgeproof.errors import Refused, nearest
from train.recipe import Recipe


def names() -> list[str]:
    """All recipes, in natural order."""
    folder = Path(__file__).parent / "recipes"
    found = [file.stem for file in folder.glob("*.py") if file.stem != "__init__"]
    return sorted(found, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)])


def load(name: str) -> Recipe:
    """The recipe called `name`.

    Raises:
        Refused: there is none.
    """
    if name not in names():
        raise Refused(
            "train: the recipe must be one of those in train/recipes.", received=name, fix=nearest(name, names())
        )
    recipe = importlib.import_module(f"train.recipes.{name}").RECIPE
    assert isinstance(recipe, Recipe)
    return recipe


def headline(name: str) -> str:
    """The first line of a recipe's docstring."""
    module = importlib.import_module(f"train.recipes.{name}")
    return (module.__doc__ or "").strip().splitlines()[0]
