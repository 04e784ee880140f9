"""Cases through the real export: convert, read back, run on every set of kernels, compare with Keras."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import tempfile
import time
from collections import deque
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from edgeproof.contract import Tolerance
from edgeproof.errors import Refused
from export import arrays, formats, subject
from export.checkpoint import Opening
from export.conformance import limits
from export.quantize.plan import Plan
from export.stage import Stage, Truth
from export.tasks import NOTHING_SMALLER
from export.verdict import Result
from export.worker import Crashed, Worker

# What the outputs of one layer may be off by, relative to the largest of all outputs.
TOLERANCES = {
    "f32": Tolerance(relative=1e-5),  # sums in another order
    "f16": Tolerance(relative=5e-3),  # 11 bits: 2^-11 = 5e-4 a rounding, some roundings deep
    "int8-dynamic": Tolerance(relative=4e-2),  # weights of 8 bits a channel: 1/254 of the largest, over a sum
    "int8": Tolerance(relative=1e-1),  # a step is 1/255 of the range: some steps, as a layer is several operators
    "int16x8": Tolerance(relative=4e-2),  # activations are exact against 8-bit weights: as dynamic
}


@dataclass(frozen=True)
class Cell:
    """One case in one format and precision.

    Attributes:
        state: "verified" (its bytes are what was asked for, and near enough), "f32" (there are no weights, or too few,
            to store smaller: it would be the float32 file), "mixed" (near enough, with float operators, named
            in `reason`), "refused" (`reason` says why and `rewrite` what helps), or "wrong":
            neither, which the page must not have.
        error: largest difference relative to the largest output, on the worst kernels; None when refused.
    """

    format: str
    precision: str
    state: str
    error: float | None = None
    reason: str = ""
    rewrite: str = ""
    bytes: int = 0
    log: str = ""


@dataclass(frozen=True)
class Row:
    """One case in all formats."""

    name: str
    layer: str
    parameters: int
    cells: tuple[Cell, ...]
    seconds: float

    @property
    def wrong(self) -> bool:
        """A cell of it is neither near enough nor refused for a known reason."""
        return any(cell.state == "wrong" for cell in self.cells)


def run(
    patterns: Sequence[str], pairs: list[tuple[str, str]] | None = None, done: Container[str] = (), jobs: int = 1
) -> Iterator[Row]:
    """Rows of the cases whose name matches one of `patterns`, as they are finished.

    Args:
        pairs: formats and precisions; None: all.
        done: names to leave out.
        jobs: how many at a time, each in children of its own.
    """
    with Worker() as lister:
        names = listing(lister)["cases"]
    todo = deque(
        (name, layer)
        for name, layer in names.items()
        if name not in done and any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in patterns)
    )
    rows: SimpleQueue[Row | None] = SimpleQueue()

    def lane() -> None:
        try:
            with Worker() as converter, Worker() as runner:
                while todo:
                    rows.put(one(*todo.popleft(), pairs or formats.parse([]), converter, runner))
        finally:
            rows.put(None)

    with ThreadPoolExecutor(jobs) as pool:
        lanes = [pool.submit(lane) for _ in range(jobs)]
        try:
            for _ in lanes:
                while row := rows.get():
                    yield row
        finally:
            todo.clear()  # whoever asked may have stopped asking
        for found in lanes:
            found.result()


def listing(worker: Worker) -> Any:
    """What the table holds; see `children.listing`."""
    return worker.call("export.conformance.children:listing")


def one(
    name: str,
    layer: str,
    pairs: list[tuple[str, str]],
    converter: Worker,
    runner: Worker,
    save: str = "export.conformance.children:save",
    arguments: Mapping[str, Any] | None = None,
    tolerances: Mapping[str, Tolerance] = TOLERANCES,
) -> Row:
    """One case: its checkpoint saved, exported as a person's would be, and judged."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        parameters = 0
        try:
            case = converter.call(save, folder=folder, **(arguments or {"name": name}))
            parameters = case["parameters"]
            results = list(results_of(case, pairs, Path(folder), converter, runner, tolerances))
        except Crashed as crash:
            results = [Result(kind, p, "crashed", crash.reason, log=crash.log) for kind, p in pairs]
        except Refused as refusal:  # the checkpoint itself
            results = [Result(kind, p, "not made", f"{refusal.rule} {refusal.received}") for kind, p in pairs]
    cells = tuple(cell(layer, name, result) for result in results)
    return Row(name, layer, parameters, cells, time.monotonic() - start)


def results_of(
    case: dict[str, Any],
    pairs: list[tuple[str, str]],
    folder: Path,
    converter: Worker,
    runner: Worker,
    tolerances: Mapping[str, Tolerance],
) -> Iterator[Result]:
    """The export's own results for a saved case, under these limits."""
    path = Path(case["checkpoint"])
    described = converter.call("export.tasks:describe", checkpoint=str(path))
    facts = {"contract": None, "sha256": "", "keras_version": ""}
    contract = dataclasses.replace(subject.contract_of(path, facts, described), tolerances=dict(tolerances))
    out, reference = folder / "out", folder / "reference.npz"
    out.mkdir()
    converter.call("export.tasks:reference", checkpoint=str(path), tensors=case["evaluation"], out=str(reference))
    truth = Truth(arrays.read(reference), None)
    # Minimum and maximum: what other methods cut off is a matter of data, and these have none to learn from.
    plan = Plan(calibration="min-max", correct_bias=False)
    stage = Stage(
        Opening(path), contract, case["evaluation"], case["calibration"], folder, converter, runner, out, plan=plan,
        timed=False,
    )  # fmt: skip
    for kind, precision in pairs:
        yield stage.make(kind, precision, truth)[0]


def cell(layer: str, name: str, result: Result) -> Cell:
    """What the page says of a result."""
    error = max((verdict.relative for verdict in result.verdicts), default=None)
    facts: dict[str, Any] = {"format": result.format, "precision": result.asked, "error": error, "bytes": result.bytes}
    said = limits.explain(name, result)
    if result.status == "verified":
        return Cell(**facts, state="verified")
    near = error is not None and all(verdict.passed for verdict in result.verdicts)
    others = [check for check in result.checks if not check.passed]
    if result.status == "not made" and result.reason.startswith(NOTHING_SMALLER):
        return Cell(**facts, state="f32")
    if near and result.precision == "mixed" and [check.name for check in others] == ["precision"]:
        return Cell(**facts, state="mixed", reason=others[0].said, rewrite=said[1] if said else "")
    if said:
        return Cell(**{**facts, "error": error}, state="refused", reason=said[0], rewrite=said[1])
    return Cell(**facts, state="wrong", reason=result.reason, log=result.log)


def merged(before: list[Row], after: list[Row]) -> list[Row]:
    """Rows of two runs, the later ones in place of the earlier."""
    return list(({row.name: row for row in before} | {row.name: row for row in after}).values())


def save(rows: list[Row], path: Path) -> None:
    """Keep rows as JSON, so that a page can be put together from several runs."""
    path.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))


def load(path: Path) -> list[Row]:
    """Rows that `save` kept."""
    return [Row(**{**r, "cells": tuple(Cell(**c) for c in r["cells"])}) for r in json.loads(path.read_text())]
