"""Every architecture of `keras.applications` through the real export: `python -m export.conformance --applications`."""

from __future__ import annotations

import fnmatch
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgeproof import atomic
from edgeproof.contract import DEFAULT_TOLERANCES
from export import formats
from export.conformance import page, runner
from export.conformance.runner import Row
from export.worker import Worker

# Inputs below 32 x 32 the families refuse (Inception, Xception and NASNet below 71 to 75); these are the smallest.
SIDES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
SMALLEST = 32
CLASSES = 10
# Small enough for every day; the others take minutes each.
QUICK = ("MobileNet",)

_HEAD = """# Architectures of keras.applications

Each with seeded random weights, BatchNormalization's variances of the size that they divide, {classes} classes, at
the smallest input that the family allows; exported and verified by `python -m export.conformance --applications`.
Cells as in [layers.md](layers.md); what is allowed is what any export is held to by default, as a deep model adds
roundings up.
"""


def run(patterns: Sequence[str], out: Path, keep: Path | None = None) -> int:
    """Verify those whose names match, and write the page when all were asked for; exit status as for layers."""
    start = time.monotonic()
    before = runner.load(keep) if keep and keep.is_file() else []
    rows: list[Row] = []
    for row in verify(patterns or ["*"]):
        print(page.line(row), file=sys.stderr, flush=True)
        rows.append(row)
        if keep:
            runner.save(runner.merged(before, rows), keep)
    if not patterns:
        write(rows, out / "applications.md", time.monotonic() - start)
    return 1 if any(cell.state == "wrong" for row in rows for cell in row.cells) else 0


def verify(patterns: Sequence[str], pairs: list[tuple[str, str]] | None = None) -> Iterator[Row]:
    """A row an architecture, each in children of its own: a large model leaves nothing behind for the next."""
    with Worker() as lister:
        names = lister.call("export.conformance.architectures:names")
    for name in names:
        if any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in patterns):
            with Worker(timeout=1800) as converter, Worker(timeout=1800) as verifier:
                yield _one(name, pairs or formats.parse([]), converter, verifier)


def _one(name: str, pairs: list[tuple[str, str]], converter: Worker, verifier: Worker) -> Row:
    arguments: dict[str, Any] = {"name": name, "side": SIDES.get(name, SMALLEST), "classes": CLASSES}
    return runner.one(
        name, name, pairs, converter, verifier, "export.conformance.architectures:save", arguments, DEFAULT_TOLERANCES
    )


def write(rows: list[Row], path: Path, seconds: float) -> None:
    """Write the page."""
    notes = page.Notes()
    body = page.table(rows, notes, "architecture")
    body = [
        line
        + (
            f" {row.parameters:,} | {row.seconds:,.0f} |"
            if row
            else (" parameters | seconds |" if i == 0 else " ---: | ---: |")
        )
        for i, (line, row) in enumerate(zip(body, [None, None, *rows], strict=True))
    ]
    lines = [_HEAD.format(classes=CLASSES), page.tally(rows) + ".", "", *body, "", "## Notes", "", *notes.lines(), ""]
    lines += [f"{len(rows)} architectures took {seconds:,.0f} s.", ""]
    atomic.write_text(path, "\n".join(lines))
