"""Modules by name: a file in a folder is an entry, its name the key. Listing them imports none of them."""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.errors import Refused, nearest


@dataclass(frozen=True)
class Listing:
    """The modules of one folder; a key has "-" where the file's name has "_".

    Attributes:
        folder: where they lie.
        package: how they are imported, "train.inspect.views".
        stage, what: for messages: "inspect", "view".
    """

    folder: Path
    package: str
    stage: str
    what: str

    def names(self) -> list[str]:
        """All keys, in alphabetical order."""
        return sorted(file.stem.replace("_", "-") for file in self.folder.glob("*.py") if file.stem != "__init__")

    def headline(self, name: str) -> str:
        """The first line of a module's docstring."""
        text = self._file(name).read_text(encoding="utf-8")
        return (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]

    def check(self, name: str) -> None:
        """Raises Refused: there is none of that name."""
        if name not in self.names():
            where = "/".join(self.package.split("."))
            rule = f"{self.stage}: the {self.what} must be one of those in {where}."
            raise Refused(rule, received=name, fix=nearest(name, self.names()))

    def load(self, name: str) -> Any:
        """The module called `name`.

        Raises:
            Refused: there is none.
        """
        self.check(name)
        return importlib.import_module(f"{self.package}.{self._file(name).stem}")

    def told(self) -> str:
        """Every key with its headline, a line each."""
        return "\n".join(f"  {name:<15} {self.headline(name)}" for name in self.names())

    def _file(self, name: str) -> Path:
        return self.folder / f"{name.replace('-', '_')}.py"
