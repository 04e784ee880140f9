"""Commands beside the export itself: one module each, found by listing the folder; its name is the command's.

A module has a docstring, `arguments(parser)` and `act(args) -> exit status`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType


def names() -> list[str]:
    """All commands."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem != "__init__")


def load(name: str) -> ModuleType:
    """The command called `name`."""
    return importlib.import_module(f"export.commands.{name}")
