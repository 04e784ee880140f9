"""Passages of documentation and the library that each is from: the docstrings of Python packages installed here.

Real texts, read from the packages' source files without importing them: of each docstring what stands before its first
section or example. A source file lies in one split only, so that no passage is judged beside its neighbours.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, Split, embedded_only

# label -> package, whose licence is behind it
LIBRARIES = {
    "keras": ("keras", "Apache-2.0"),
    "matplotlib": ("matplotlib", "PSF-based"),
    "numpy": ("numpy", "BSD-3"),
    "scikit-learn": ("sklearn", "BSD-3"),
    "scipy": ("scipy", "BSD-3"),
}
EACH = {"train": 640, "validation": 80, "test": 160}  # of each library
FEWEST, LONGEST = 12, 600  # words, characters
_SECTION = re.compile(r"\n[ \t]*(?:\w[\w ]*\n[ \t]*[-=~]{3,}|[A-Z][A-Za-z ]*:\n|>>> |```|\.\. )")


def load(directory: Path | None = None) -> Dataset:
    """The embedded passages.

    Raises:
        Refused: a folder is given, or a package is not installed.
    """
    embedded_only(directory, "the embedded passages come from installed packages", "folder")
    found = _all()
    splits = {}
    for at, (split, count) in enumerate(EACH.items()):
        texts = [text for rows in found.values() for text in rows[at]]
        labels = np.repeat(np.arange(len(found)), count)
        order = np.random.default_rng(at).permutation(len(texts))
        splits[split] = Split({"tokens": np.array(texts)[order]}, labels[order])
    told = ", ".join(f"{label} {version(label)} ({licence})" for label, (_, licence) in LIBRARIES.items())
    return Dataset(
        name="embedded",
        title=f"{sum(EACH.values()) * len(LIBRARIES):,} passages of documentation, from the docstrings of "
        f"{', '.join(LIBRARIES)}, by source file",
        licence=told,
        synthetic=False,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        labels=tuple(LIBRARIES),
    )


@lru_cache(maxsize=1)
def _all() -> dict[str, list[list[str]]]:
    """Passages of each split by label. One that two libraries have is the first one's."""
    seen: set[str] = set()
    return {label: _passages(package, label, seen) for label, (package, _) in LIBRARIES.items()}


def _passages(package: str, label: str, seen: set[str]) -> list[list[str]]:
    """Passages of each split; files in an order that their names decide, each read until its split is full."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise Refused(
            "data: the embedded passages need the packages that training needs.",
            received=f"no package {package}",
            fix="make the environment as README.md says",
        )
    root = Path(next(iter(places)))
    names = sorted(
        (path.relative_to(root).as_posix() for path in root.rglob("*.py") if "test" not in path.as_posix()),
        key=lambda name: hashlib.sha256(name.encode()).digest(),
    )
    files = iter(names)
    sets: list[list[str]] = []
    for count in EACH.values():
        rows: list[str] = []
        while len(rows) < count:
            name = next(files, None)
            if name is None:
                raise Refused(
                    f"data: {label} must have {sum(EACH.values())} passages of documentation.",
                    received=f"{sum(map(len, sets)) + len(rows)}",
                    fix="make the environment as README.md says",
                )
            new = dict.fromkeys(text for text in _docstrings(root / name) if text not in seen)
            rows += new
            seen.update(new)
        sets.append(rows[:count])
    return sets


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = passage(ast.get_docstring(node) or "")
            if len(text.split()) >= FEWEST:
                yield text


def passage(docstring: str) -> str:
    """What a docstring says before its first section, example or directive, in one line, cut at a word."""
    prose = " ".join(_SECTION.split("\n" + docstring, maxsplit=1)[0].split())
    return prose if len(prose) <= LONGEST else prose[:LONGEST].rsplit(" ", 1)[0]
