"""`python -m export.report FOLDER`: show the table of an export again, and where its page is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edgeproof.cli import guard
from edgeproof.errors import Refused
from export import report


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 all verified, 1 not, 2 refused."""
    parser = argparse.ArgumentParser(prog="python -m export.report", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of saved/, or its export folder")
    args = parser.parse_args(arguments)
    return guard("report", lambda: _show(args.folder))


def _show(folder: Path) -> int:
    found = [f for f in (folder / "report.json", folder / "export" / "report.json") if f.is_file()]
    if not found:
        raise Refused(
            "report: the folder must hold a report.",
            received=f"no report.json in {folder}",
            fix=f"python -m export {folder}",
        )
    try:
        told = json.loads(found[0].read_text())
        table, passed = report.table(told), told["passed"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Refused(
            "report: report.json must be as export wrote it.",
            received=f"{found[0]}: {type(error).__name__} {error}",
            fix=f"python -m export {folder}",
        ) from error
    print(table)
    print(f"report: {found[0].with_name('report.html')}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
