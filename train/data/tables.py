"""Rows of .csv files, with where each stands."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from edgeproof.errors import Refused


def rows(path: Path, who: str, layout: str, head: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """Where a row stands ("file, line 7") and its cells; rows with nothing in them are passed over.

    Args:
        who: reads, for messages.
        layout: what mends them.
        head: how the first row must begin, in any case; it is not given.

    Raises:
        Refused: no file, bytes that are not UTF-8, another head, or what is no .csv file.
    """
    if not path.is_file():
        raise Refused(f"{who}: the file must exist.", received=str(path), fix=layout)
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(
            f"{who}: a file must be in UTF-8.", received=f"{path}, line {line}: byte {data[error.start]:#04x}",
            fix="save it as UTF-8",
        ) from error  # fmt: skip
    reader = csv.reader(text.splitlines())
    try:
        if head:
            first = next(reader, [])
            if tuple(cell.strip().lower() for cell in first[: len(head)]) != tuple(map(str.lower, head)):
                raise Refused(
                    f"{who}: the first line must be {','.join(head)}.",
                    received=f"{path}, line 1: {','.join(first)[:80]}", fix=layout,
                )  # fmt: skip
        for row in reader:
            if any(cell.strip() for cell in row):
                yield f"{path}, line {reader.line_num}", row
    except csv.Error as error:
        raise Refused(
            f"{who}: a file must be a .csv file.", received=f"{path}, line {reader.line_num}: {error}", fix=layout
        ) from error
