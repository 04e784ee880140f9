"""Views by name: the file's name in `views/` is the name. Listing them imports none of them."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgeproof.errors import Refused, nearest

if TYPE_CHECKING:
    from train.inspect.subject import Picture, Subject

_FOLDER = Path(__file__).parent / "views"


class View(Protocol):
    """What a module in `views/` has."""

    def draw(self, subject: Subject) -> list[Picture]:
        """Raises Absent where the subject has nothing of the kind."""


def names() -> list[str]:
    """All views, in alphabetical order."""
    return sorted(file.stem for file in _FOLDER.glob("*.py") if file.stem != "__init__")


def headline(name: str) -> str:
    """The first line of a view's docstring."""
    text = ast.get_docstring(ast.parse((_FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0]


def check(name: str) -> None:
    """Raises Refused: there is no such view."""
    if name not in names():
        raise Refused(
            "inspect: the view must be one of those in train/inspect/views.",
            received=name,
            fix=nearest(name, names()),
        )


def load(name: str) -> View:
    """The view called `name`."""
    check(name)
    return importlib.import_module(f"train.inspect.views.{name}")
