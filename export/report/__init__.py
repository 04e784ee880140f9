"""What export tells: a line an artifact, a table, `report.json`, and one self-contained `report.html`."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeproof import atomic
from export.verdict import Result, machine

if TYPE_CHECKING:
    from export.pipeline import Outcome


def write(outcome: Outcome) -> Path:
    """Write report.json and report.html beside the artifacts, of a part report.PART.json and .html; the page's path."""
    from export.report import page

    name = f"report.{outcome.part}" if outcome.part else "report"
    atomic.write_text(outcome.out / f"{name}.json", json.dumps(facts(outcome), indent=2, sort_keys=True) + "\n")
    atomic.write_text(outcome.out / f"{name}.html", page.render(outcome))
    return outcome.out / f"{name}.html"


def facts(outcome: Outcome) -> dict[str, Any]:
    """The report as JSON: the request, the checkpoint, the samples, every result with its figures and checks."""
    contract = outcome.contract
    checkpoint = {
        k: outcome.checkpoint[k] for k in ("path", "sha256", "bytes", "parameters", "keras_version", "translated")
    }
    return {
        "command": outcome.command,
        "name": contract.name,
        "title": contract.title,
        "graph": contract.graph().name,
        "passed": outcome.passed,
        "checkpoint": {**checkpoint, "score": dataclasses.asdict(contract.score) if contract.score else None},
        "samples": {
            "source": outcome.samples.source,
            "n": len(next(iter(outcome.reference.values()))),
            "scored": outcome.truth is not None,
            "manifest": outcome.samples.manifest,
        },
        "machine": machine(),
        "versions": dict(contract.provenance.versions),
        "artifacts": [_result(result) for result in outcome.results],
        "older": list(outcome.older),
    }


def _result(result: Result) -> dict[str, Any]:
    plain = dataclasses.asdict(result)
    for verdict, told in zip(result.verdicts, plain["verdicts"], strict=True):
        told["passed"] = verdict.passed
        # JSON has no infinity; a figure that is not finite is told as null, and its check says why.
        told.update({k: None for k, v in told.items() if isinstance(v, float) and not math.isfinite(v)})
    return plain


def line(result: Result) -> str:
    """One artifact in one line, as it is finished."""
    name = f"{result.graph} {result.format}:{result.asked}".lstrip()
    if result.status in ("crashed", "not made"):
        return f"{name:<20} {result.status.upper():<9} {result.reason}"
    told = f"{name:<20} {result.status.upper():<9} {result.bytes:>9,} bytes"
    return told + (f"  {result.reason}" if result.reason else "")


def table(told: Mapping[str, Any]) -> str:
    """The results as a table for a terminal, a row a set of kernels, from what `facts` tells or report.json holds."""
    from export.report import quantization

    head = ("artifact", "kernels", "bytes", "agreement", "score", "drop (95%)", "rel. L2", "ms", "verdict")
    rows = [row for result in told["artifacts"] for row in _rows(result)]
    score = told["checkpoint"]["score"] if told["samples"]["scored"] else None
    rows.insert(
        0,
        (
            Path(told["checkpoint"]["path"]).name,
            "keras",
            f"{told['checkpoint']['bytes']:,}",
            "",
            f"{score['value']:.2%}" if score else "",
            "",
            "",
            "",
            "reference",
        ),
    )
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    left = {0, 1, 8}

    def render(row: tuple[str, ...]) -> str:
        cells = [c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(cells).rstrip()

    samples = told["samples"]
    source = samples["manifest"].get("data", samples["source"])
    caption = (
        f"compared on {samples['n']:,} evaluation samples of {source}; "
        f"times are single samples on {told['machine']}, 1 thread"
    )
    lines = [render(head), render(tuple("-" * w for w in widths)), *map(render, rows), caption]
    lines += [quantization.table(result) for result in told["artifacts"] if result.get("trials")]
    if told["older"]:
        lines.append(f"not made now, so not looked at: {', '.join(told['older'])}")
    return "\n".join(lines)


def _rows(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    if not result["verdicts"]:
        return [(f"{result['format']}:{result['asked']}", "", "", "", "", "", "", "", result["status"].upper())]
    rows = []
    for i, verdict in enumerate(result["verdicts"]):
        file, size, status = (result["file"], f"{result['bytes']:,}", result["status"].upper()) if i == 0 else ("",) * 3
        rows.append((file, verdict["runtime"], size, *_figures(verdict), status))
    return rows


def _figures(verdict: Mapping[str, Any]) -> tuple[str, ...]:
    agreement, score, drop, distance = (verdict[key] for key in ("agreement", "score", "drop", "relative_l2"))
    low, high = verdict["drop_interval"] or (0.0, 0.0)
    return (
        "" if agreement is None else f"{agreement:.2%}",
        "" if score is None else f"{score:.2%}",
        "" if drop is None else f"{drop:+.2f} ({low:+.2f} to {high:+.2f})",
        "inf" if distance is None else f"{distance:.1e}",
        f"{verdict['median_ms']:.3f}",
    )
