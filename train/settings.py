"""`--set key=value`: from a recipe's defaults and a person's wishes to the settings of one run."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from typing import Any

from edgeproof.errors import Refused, nearest
from train.recipe import Recipe

# Below these a number says nothing that could be trained.
_LEAST = {
    **{"epochs": 1, "batch": 1, "seed": 0, "learning_rate": 0, "weight_decay": 0},
    **{"shift": 0, "rotate": 0, "pad": 0, "crop": 0.1, "lighting": 0},
}
_LARGEST = {"seed": 2**32 - 1, "crop": 1}  # the seed: what numpy, Keras and Python's random take alike


def resolve(recipe: Recipe, data: str, wishes: Mapping[str, Any], *, tiny: bool = False) -> dict[str, Any]:
    """Settings of a run: plain defaults, then what follows from them, then the tiny form, then the wishes.

    Raises:
        Refused: a number that is not finite or out of its range.
    """
    settings = recipe.defaults()
    facts = {**settings, **wishes, "data": data}
    for rule in recipe.when:
        if all(facts.get(key) == value for key, value in rule.where.items()):
            settings.update(rule.settings)
    if tiny:
        settings.update(recipe.tiny)
    settings.update(wishes)
    for key, value in settings.items():
        least, largest = _LEAST.get(key, -math.inf), _LARGEST.get(key, math.inf)
        if type(value) in (int, float) and not (math.isfinite(value) and least <= value <= largest):
            ends = [f"at least {least}"] * (key in _LEAST) + [f"at most {largest}"] * (key in _LARGEST)
            raise Refused(
                f"train: {key} must be {', '.join(['a finite number', *ends])}.",
                received=str(value),
                fix=f"--set {key}={recipe.defaults()[key]}",
            )
    return settings


def parse(recipe: Recipe, texts: Iterable[str]) -> dict[str, Any]:
    """`["epochs=3", "variant=1998"]` as values of the types that the defaults have.

    Raises:
        Refused: no `=`, an unknown key, or a value of another type.
    """
    defaults = recipe.defaults()
    wishes: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key not in defaults:
            raise Refused(
                "train: --set takes key=value, with a key that the recipe or its builder has.",
                received=text,
                fix=nearest(key, defaults),
            )
        wishes[key] = _coerce(key, value, defaults[key])
    return wishes


def _coerce(key: str, text: str, default: Any) -> Any:
    kind = type(default)
    try:
        if kind is str:
            return text
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        if kind in (int, float):
            return kind(text)
        value = ast.literal_eval(text)
        if isinstance(value, (list, tuple)) and kind is tuple:
            return tuple(value)
    except (ValueError, KeyError, SyntaxError):
        pass
    raise Refused(
        f"train: {key} must be a value of type {kind.__name__}, like its default {default!r}.",
        received=text,
        fix=f"--set {key}={default}",
    )
