"""`--set key=value`: from a recipe's defaults and a person's wishes to the settings of one run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from edgeproof.errors import Refused, nearest
from train.recipe import Recipe


def resolve(recipe: Recipe, data: str, wishes: Mapping[str, Any], *, tiny: bool = False) -> dict[str, Any]:
    """Settings of a run: plain defaults, then what follows from them, then the tiny form, then the wishes."""
    settings = recipe.defaults()
    facts = {**settings, **wishes, "data": data}
    for rule in recipe.when:
        if all(facts.get(key) == value for key, value in rule.where.items()):
            settings.update(rule.settings)
    if tiny:
        settings.update(recipe.tiny)
    settings.update(wishes)
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
