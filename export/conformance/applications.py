"""Every architecture of `keras.applications` through the real export: `python -m export.conformance --applications`."""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

from edgeproof import atomic
from edgeproof.contract import DEFAULT_TOLERANCES
from export import formats
from export.conformance import page, runner
from export.conformance.runner import Cell, Row
from export.worker import Worker

# Inputs below 32 x 32 the families refuse (Inception, Xception and NASNet below 71 to 75); these are the smallest.
SIDES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
SMALLEST = 32
CLASSES = 10

_HEAD = """# Architectures of keras.applications

Each with {classes} classes, logits for outputs, at the smallest input that the family allows; exported and verified by
`python -m export.conformance --applications`. Weights are random, seeded by the name, as each layer's initializer draws
them; one forward pass over smooth coloured pictures gives every BatchNormalization the mean square of what comes to it
as variance (one for all channels) and means of a tenth of its root (MobileNetV3's and EfficientNet's 0.3 lower), and
ConvNeXt's layer scales are 0.5. With each channel's own statistics a deep model of random weights is chaos, which
enlarges any rounding a hundredfold; so made, an error grows by less than ten. Cells as in [layers.md](layers.md); what
is allowed is what any export is held to by default, as a deep model adds roundings up.
"""


def run(patterns: Sequence[str], out: Path, keep: Path | None = None, resume: bool = False) -> int:
    """Verify those whose names match, and write the page of them and of those that it has; exit status as for layers.

    Args:
        keep: file of figures, which are taken before the page's.
        resume: leave out what is there already, and not wrong.
    """
    path = out / "applications.md"
    rows = runner.merged(read(path), runner.load(keep) if keep and keep.is_file() else [])
    done = {row.name for row in rows if not row.wrong} if resume else set()
    wrong = False
    for row in verify(patterns or ["*"], done=done):
        print(page.line(row), file=sys.stderr, flush=True)
        rows, wrong = runner.merged(rows, [row]), wrong or row.wrong
        if keep:
            runner.save(rows, keep)
        write(rows, listing(), path)
    return 1 if wrong else 0


def read(path: Path) -> list[Row]:
    """The rows of a page, as far as it tells them; none where there is no page.

    What is run takes hours in all, so that a page is put together from several runs.
    """
    if not path.is_file():
        return []
    text = path.read_text()
    head, _, *lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    notes = dict(re.findall(r"^(\d+)\. (.+)$", text, re.MULTILINE))
    columns = [column.split() for column in head[1:-2]]

    def cell(column: list[str], said: str) -> Cell:
        form, precision = column
        words = [word.strip("[]") for word in said.split()]
        error = next((float(word) for word in words if re.fullmatch(r"\de[-+]\d\d", word)), None)
        state = "verified" if len(words) == 1 and error is not None else words[0].lower()
        reason = notes.get(words[-1], "")
        return Cell(form, precision, {"no": "refused"}.get(state, state), error, reason)

    def row(name: str, *said: str) -> Row:
        cells = tuple(cell(*each) for each in zip(columns, said[:-2], strict=True))
        parameters, seconds = (int(figure.replace(",", "")) for figure in said[-2:])
        return Row(name, name, parameters, cells, float(seconds))

    return [row(*line) for line in lines]


def listing() -> list[str]:
    """Every architecture."""
    with Worker() as worker:
        found: list[str] = worker.call("export.conformance.architectures:names")
    return found


def verify(
    patterns: Sequence[str], pairs: list[tuple[str, str]] | None = None, done: Container[str] = ()
) -> Iterator[Row]:
    """A row an architecture, in the order of the patterns, without those done.

    Each has children of its own: a large model leaves nothing behind for the next.
    """
    names = listing()
    wanted = {name: None for pattern in patterns for name in names if fnmatch.fnmatch(name.lower(), pattern.lower())}
    for name in wanted:
        if name not in done:
            with Worker(timeout=1800) as converter, Worker(timeout=1800) as verifier:
                yield _one(name, pairs or formats.parse([]), converter, verifier)


def _one(name: str, pairs: list[tuple[str, str]], converter: Worker, verifier: Worker) -> Row:
    arguments: dict[str, Any] = {"name": name, "side": SIDES.get(name, SMALLEST), "classes": CLASSES}
    return runner.one(
        name, name, pairs, converter, verifier, "export.conformance.architectures:save", arguments, DEFAULT_TOLERANCES
    )


def write(rows: list[Row], names: Sequence[str], path: Path) -> None:
    """Write the page; `names` are all architectures, and those without a row are listed as not run."""
    rows = sorted(rows, key=lambda row: row.name)
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
    missing = [name for name in names if name not in {row.name for row in rows}]
    lines += [f"{len(rows)} architectures took {sum(round(row.seconds) for row in rows):,} s."]
    lines += [f"Not run: {', '.join(missing)}."] if missing else []
    lines += [""]
    atomic.write_text(path, "\n".join(lines))
