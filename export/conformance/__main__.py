"""`python -m export.conformance`: run every layer in every format and write docs/layers.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgeproof.cli import guard
from export import formats
from export.conformance import page, runner


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 when every cell is verified, mixed or refused with a reason; 1 when one is wrong."""
    parser = argparse.ArgumentParser(prog="python -m export.conformance", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="PATTERN", help="cases by name, as in 'Conv2D*'; writes no page"
    )
    parser.add_argument("--to", nargs="+", default=[], metavar="FORMAT[:PRECISION]", help="instead of all formats")
    parser.add_argument("--json", type=Path, help="keep the figures here too, in place of those of the same cases")
    parser.add_argument(
        "--resume", action="store_true", help="with --json: keep its rows, and run those that are missing or wrong"
    )
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time, 1.5 GB each (default: 2)")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page (default: docs)")
    parser.add_argument("--applications", action="store_true", help="keras.applications instead of layers")
    args = parser.parse_args(arguments)
    return guard("conformance", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    if args.applications:
        from export.conformance import applications

        return applications.run(args.only, args.out, args.json, args.resume)
    pairs = formats.parse(args.to)
    kept = runner.load(args.json) if args.json and args.json.is_file() else []
    done = {row.name for row in kept if not row.wrong} if args.resume else set()
    rows: list[runner.Row] = []
    for row in runner.run(args.only or ["*"], pairs, done, args.jobs):
        print(page.line(row), file=sys.stderr, flush=True)
        rows.append(row)
        if args.json:
            runner.save(runner.merged(kept, rows), args.json)
    if not args.only and not args.to:
        from export.conformance.children import listing, samples

        table = listing()
        by_name = {row.name: row for row in runner.merged(kept if args.resume else [], rows)}
        rows = [by_name[name] for name in table["cases"]]
        print(page.write(rows, table, samples(), args.out / "layers.md"))
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
