"""The page: a row a case, a column a format and precision, and below it why cells are not what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeproof import atomic
from export.conformance.runner import TOLERANCES, Cell, Row

_HEAD = """# Layers

Every layer class that `keras.layers` exports, against every format and precision. Written by
`python -m export.conformance`: each row is a model of one layer with seeded weights, exported as `python -m export`
does it, run on every set of kernels, and compared with Keras on {evaluation} samples; ranges come from these and
{calibration} others.

| cell | says |
| --- | --- |
| `2e-07` | verified: the largest difference of any output, relative to the largest output, on the worst kernels |
| `f32` | not made: there are no weights, or too few, to store smaller, so that it would be the float32 file |
| `mixed 4e-03` | near enough, with operators left in floats, or constants of other widths; a note names them |
| `no` | refused; the note says why, and what to write instead |

Differences allowed: {tolerances}. A float16 or 8-bit layer is a few roundings of its largest value away; a deep model
adds them up, and is judged by what it decides ([ADR 7](adr/0007-verdict.md)).
"""
_WHY = {
    "f32": "sums in another order",
    "f16": "11 bits of mantissa, a few roundings deep",
    "int8-dynamic": "weights of 8 bits a channel",
    "int8": "a step of an 8-bit range is 4e-03, and a layer is several operators",
    "int16x8": "weights of 8 bits, activations exact against them",
}


def line(row: Row) -> str:
    """A row on one line, for the terminal; wrong cells with what was said of them."""
    cells = " ".join(f"{c.format}:{c.precision}={short(c)}" for c in row.cells)
    wrong = "".join(f"\n    {c.format}:{c.precision}: {c.reason[:300]}" for c in row.cells if c.state == "wrong")
    return f"{row.name} ({row.seconds:.1f} s) {cells}{wrong}"


def short(cell: Cell) -> str:
    """A cell in one or two words."""
    if cell.state == "verified":
        return f"{cell.error:.0e}"
    if cell.state == "mixed":
        return f"mixed {cell.error:.0e}"
    return {"refused": "no", "f32": "f32"}.get(cell.state, cell.state.upper())


class Notes:
    """Reasons, numbered as they come, each once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, cell: Cell) -> str:
        """The cell with the number of its note."""
        if not cell.reason:
            return short(cell)
        text = f"{cell.reason} {cell.rewrite}".strip()
        if cell.state == "mixed" and "operators" not in cell.reason:
            text += f" (no operator in floats, but constants of other widths than {cell.precision} has)"
        return f"{short(cell)} [{self._numbers.setdefault(text, len(self._numbers) + 1)}]"

    def lines(self) -> list[str]:
        """The notes."""
        return [f"{number}. {text}" for text, number in self._numbers.items()]


def table(rows: list[Row], notes: Notes, first: str = "layer") -> list[str]:
    """A row a case; columns are those of the first row."""
    columns = [(cell.format, cell.precision) for cell in rows[0].cells]
    lines = [
        "| " + " | ".join([first, *(f"{kind} {precision}" for kind, precision in columns)]) + " |",
        "| " + " | ".join(["---"] * (1 + len(columns))) + " |",
    ]
    for row in rows:
        cells = {(cell.format, cell.precision): cell for cell in row.cells}
        lines.append("| " + " | ".join([row.name, *(notes.mark(cells[column]) for column in columns)]) + " |")
    return lines


def tally(rows: list[Row]) -> str:
    """How many cells are what."""
    states = [cell.state for row in rows for cell in row.cells]
    words = {"verified": "verified", "f32": "float32 for want of weights", "mixed": "mixed", "refused": "refused"}
    found = [f"{states.count(state):,} {word}" for state, word in words.items() if state in states]
    wrong = states.count("wrong")
    return f"{len(states):,} cells: " + ", ".join(found) + (f", **{wrong} wrong**" if wrong else "")


def write(rows: list[Row], listing: Mapping[str, Any], samples: tuple[int, int], path: Path) -> str:
    """Write the page; tells where and what."""
    limits = ", ".join(f"{name} {limit.relative:g} ({_WHY[name]})" for name, limit in TOLERANCES.items())
    notes = Notes()
    body = table(rows, notes)
    text = _HEAD.format(tolerances=limits, evaluation=samples[0], calibration=samples[1])
    without = [f"| {name} | {why} |" for name, why in sorted(listing["reasons"].items())]
    aliases = [f"{', '.join(n for n in names if n != own)} = {own}" for own, names in listing["classes"].items()]
    aliases = [alias for alias in aliases if not alias.startswith(" =")]
    seconds = sum(row.seconds for row in rows)
    lines = [
        text, tally(rows) + ".", "", *body, "", "## Notes", "", *notes.lines(), "", "## Classes without a case", "",
        "| class | why |", "| --- | --- |", *without, "", "Other names: " + "; ".join(aliases) + ".", "",
        f"{len(rows)} cases of {len({row.layer for row in rows})} classes took {seconds:,.0f} s.", "",
    ]  # fmt: skip
    atomic.write_text(path, "\n".join(lines))
    return f"{path}: {tally(rows)}"
