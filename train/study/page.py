"""A study as a page: Markdown with pictures beside it, every figure from the run itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeproof import atomic


@dataclass(frozen=True)
class Table:
    """Rows under heads; columns of figures stand to the right."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        columns = list(zip(*self.rows, strict=True))[1:]
        marks = ["---", *("---:" if all(map(_figure, column)) else "---" for column in columns)]
        return "\n".join("| " + " | ".join(row) + " |" for row in (self.heads, marks, *self.rows))


@dataclass(frozen=True)
class Figure:
    """A picture, its file's name without suffix, and what it shows."""

    name: str
    png: bytes
    shows: str


@dataclass(frozen=True)
class Page:
    """What a study gives.

    Attributes:
        title: of the page.
        asked: the question, in a paragraph.
        how: data, network, settings, seeds: a sentence or two each.
        results: tables and pictures in order; a plain string is a paragraph.
        shows: what follows from them, a sentence or two each.
        passed: False: the study is a check, and it failed.
        fault: what failed, for the command line.
    """

    title: str
    asked: str
    how: Sequence[str]
    results: Sequence[Table | Figure | str]
    shows: Sequence[str]
    passed: bool = True
    fault: str = ""
    figures: tuple[Figure, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", tuple(part for part in self.results if isinstance(part, Figure)))

    def markdown(self, command: str) -> str:
        """The page, with the command that makes it."""
        parts = [f"# {self.title}", f"    {command}", self.asked, "## How", _list(self.how), "## Results"]
        for part in self.results:
            if isinstance(part, Figure):
                parts.append(f"![{part.shows}]({part.name}.png)")
            else:
                parts.append(part.markdown() if isinstance(part, Table) else part)
        parts += ["## What it shows", _list(self.shows)]
        return "\n\n".join(parts) + "\n"

    def write(self, out: Path, name: str, command: str) -> Path:
        """Write the pictures, then the page; its path."""
        for figure in self.figures:
            atomic.write_bytes(out / f"{figure.name}.png", figure.png)
        path = out / f"{name}.md"
        atomic.write_text(path, self.markdown(command))
        return path


def _figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("not finite", "-") or cell[:1] in "+-"


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
