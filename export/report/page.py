"""`report.html`: is it the same model, is it good enough, what does it cost; one file, no network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np

from edgeproof.decode import KINDS, decided
from export import formats
from export.report import pictures, quantization
from export.verdict import Result, Verdict, machine

if TYPE_CHECKING:
    from export.pipeline import Outcome

_MOST_DISAGREEING = 36


def render(outcome: Outcome) -> str:
    """The page as HTML. Everything that comes from files is escaped."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["percent"] = lambda value, digits=2: f"{value:.{digits}%}"
    environment.filters["small"] = lambda value: f"{value:.1e}"
    return environment.get_template("page.html.j2").render(**_view(outcome))


def _view(outcome: Outcome) -> dict[str, Any]:
    contract = outcome.contract
    compared = [(result, verdict) for result in outcome.results for verdict in result.verdicts]
    n = len(next(iter(outcome.reference.values())))
    return {
        "contract": contract,
        "checkpoint": outcome.checkpoint,
        "command": outcome.command,
        "n": n,
        "samples": outcome.samples,
        "scored": outcome.truth is not None,
        "decides": any(v.agreement is not None for _, v in compared),
        "part": outcome.part,
        "graphs": [graph.name for graph in outcome.graphs],
        "machine": machine(),
        "passed": outcome.passed,
        "older": outcome.older,
        "results": outcome.results,
        "titles": {name: formats.load(name).title for name in formats.names()},
        "answers": _answers(outcome, compared),
        "rows": _rows(outcome, compared),
        "scatter": _scatter(outcome),
        "classes": _classes(outcome, compared),
        "disagreeing": _disagreeing(outcome),
        "fronts": quantization.fronts(outcome.results),
        "layers": quantization.layers(outcome.results),
        "contract_json": json.dumps(json.loads(contract.to_json()), indent=2, sort_keys=True),
    }


@dataclass(frozen=True)
class Answer:
    """One of the three questions of the first screen."""

    question: str
    figure: str
    said: str
    good: bool


def _answers(outcome: Outcome, compared: list[tuple[Result, Verdict]]) -> list[Answer]:
    return [_same(compared, outcome.passed), _enough(compared, outcome.passed), _cost(outcome, compared)]


def _same(compared: list[tuple[Result, Verdict]], passed: bool) -> Answer:
    question = "Is it the same model?"
    floats = [v for r, v in compared if r.asked == "f32"]
    if floats:
        worst = max(floats, key=lambda v: v.relative)
        said = (
            "largest difference of any float32 output, relative to the largest output, over "
            f"{len(floats)} comparisons of {worst.n:,} samples"
        )
        return Answer(question, f"{worst.relative:.1e}", said, all(v.passed for v in floats))
    if not compared:
        return Answer(question, "-", "nothing was compared", False)
    distance = max(v.relative_l2 for _, v in compared)
    return Answer(question, f"{distance:.3f}", "largest relative L2 distance; no float32 file was asked for", passed)


def _enough(compared: list[tuple[Result, Verdict]], passed: bool) -> Answer:
    question = "Is it good enough?"
    scored = [(v.drop, v.drop_interval, r.file, v) for r, v in compared if v.drop is not None and v.drop_interval]
    if scored:
        drop, (low, high), file, verdict = max(scored, key=lambda row: row[0])
        said = f"largest loss of score: {file} on {verdict.runtime} kernels (95% interval {low:+.2f} to {high:+.2f})"
        return Answer(question, f"{drop:+.2f} points", said, all(v.passed for _, v in compared))
    agreeing = [v.agreement for _, v in compared if v.agreement is not None]
    if agreeing:
        return Answer(question, f"{min(agreeing):.2%}", "smallest agreement with the checkpoint's decisions", passed)
    return Answer(question, "not scored", "there is nothing to score it by: closeness is all that was judged", passed)


def _cost(outcome: Outcome, compared: list[tuple[Result, Verdict]]) -> Answer:
    question = "What does it cost?"
    if not compared:
        return Answer(question, "-", "nothing was made", False)
    smallest = min((r for r, _ in compared), key=lambda r: r.bytes)
    fastest = min(v.median_ms for _, v in compared)
    share = smallest.bytes / outcome.checkpoint["bytes"]
    said = f"{smallest.file}, {share:.0%} of the checkpoint's size; the fastest takes {fastest:.3f} ms a sample here"
    return Answer(question, f"{smallest.bytes / 1000:,.1f} kB", said, True)


def _rows(outcome: Outcome, compared: list[tuple[Result, Verdict]]) -> list[dict[str, Any]]:
    largest = max([r.bytes for r, _ in compared] + [1])
    slowest = max([v.median_ms for _, v in compared] + [1e-9])
    rows = []
    for result in outcome.results:
        for i, verdict in enumerate(result.verdicts or (None,)):
            rows.append({
                "result": result, "verdict": verdict, "first": i == 0, "span": max(1, len(result.verdicts)),
                "bytes_share": 100 * result.bytes / largest,
                "ms_share": 100 * verdict.median_ms / slowest if verdict else 0,
            })  # fmt: skip
    return rows


def _scatter(outcome: Outcome) -> str | None:
    name = outcome.contract.decode.output or next(iter(outcome.reference))
    panels = []
    for result in outcome.results:
        if result.verdicts:
            runtime = result.verdicts[0].runtime
            found = outcome.outputs.get((result.file, runtime), {}).get(name)
            if found is not None and found.shape == outcome.reference[name].shape:
                panels.append((f"{result.file}\n{runtime}", found))
    return pictures.scatter(outcome.reference[name], panels) if panels else None


def _classes(outcome: Outcome, compared: list[tuple[Result, Verdict]]) -> dict[str, Any] | None:
    rows = [(f"{r.file} / {v.runtime}", v.agreement_by_class) for r, v in compared if v.agreement_by_class]
    if not rows or len(rows[0][1]) > 40:
        return None
    classes, labels = len(rows[0][1]), outcome.contract.labels
    return {"labels": labels if len(labels) == classes else range(classes), "rows": rows}


def _disagreeing(outcome: Outcome) -> list[dict[str, Any]]:
    """Samples on which some artifact decides otherwise than the checkpoint, the most contested first; not of a model
    that writes, whose next tokens tell a reader nothing."""
    decode, labels = outcome.contract.decode, outcome.contract.labels
    kind, output = KINDS[decode.kind], decode.output
    if not kind.labelled:
        return []

    def decision(values: np.ndarray, index: int) -> str:
        found = decided(values[index : index + 1], decode)
        assert found is not None
        return kind.told(found[0], decode, labels)

    who: dict[int, list[str]] = {}
    for result in outcome.results:
        for verdict in result.verdicts:
            theirs = outcome.outputs[(result.file, verdict.runtime)][output] if verdict.disagreeing else None
            for index in verdict.disagreeing:
                assert theirs is not None
                who.setdefault(index, []).append(f"{result.file} on {verdict.runtime}: {decision(theirs, index)}")
    chosen = sorted(who, key=lambda index: (-len(who[index]), index))[:_MOST_DISAGREEING]
    return [
        {
            "index": index,
            "picture": pictures.sample(pictures.first(outcome.samples.evaluation, index)),
            "text": pictures.text(pictures.first(outcome.samples.evaluation, index)),
            "label": kind.told(outcome.truth[index], decode, labels) if outcome.truth is not None else None,
            "checkpoint": decision(outcome.reference[output], index),
            "others": who[index],
            "total": len(who),
        }
        for index in chosen
    ]
