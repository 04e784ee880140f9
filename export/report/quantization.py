"""What the report shows of integer files: the plans tried, the layers ranked, and the values with their ranges."""

from __future__ import annotations

from typing import Any

from export.quantize.equalize import SPREAD
from export.quantize.search import front
from export.report import charts
from export.verdict import Result


def fronts(results: list[Result]) -> list[dict[str, Any]]:
    """A drawing and a table for each artifact that was searched for within a budget."""
    found = []
    for result in results:
        if not result.trials:
            continue
        best = front(result.trials)
        trials = [{**trial, "front": i in best, "chosen": trial["chosen"]} for i, trial in enumerate(result.trials)]
        limit = next((trial["limit"] for trial in trials), None)
        within = sum(trial["within"] for trial in trials)
        said = f"{len(trials)} plans, {within} within the budget; " + (
            "the smallest of them was taken." if within else "none; the one that loses least was written."
        )
        name = result.file or f"{result.format}:{result.asked}"
        drawing = charts.front(trials, best, limit)
        found.append({"name": name, "said": said, "drawing": drawing, "trials": trials})
    return found


def layers(results: list[Result]) -> list[dict[str, Any]]:
    """The ranking of each integer artifact, with histograms."""
    found = []
    for result in results:
        if not result.notes.get("layers"):
            continue
        rows = [
            {
                **entry,
                "activations": charts.histogram(entry.get("activations")),
                "range": (entry.get("activations") or {}).get("range"),
                "weights": charts.histogram(entry.get("weights")),
            }
            for entry in result.notes["layers"]
        ]
        spreads = [
            {"name": name, "before": before, "after": after}
            for name, (before, after) in result.notes["channel_ranges"].items()
        ]
        spread = any(s["before"] > SPREAD for s in spreads)
        found.append({"file": result.file, "rows": rows, "spreads": spreads, "spread": spread})
    return found


def table(told: dict[str, Any]) -> str:
    """The plans tried for one artifact as text, those on the front marked, from what report.json holds."""
    trials = told["trials"]
    best = front(trials)
    lines = [f"{told['format']}:{told['asked']}, plans tried ('*': no other is both smaller and better)"]
    width = max(len(trial["said"]) for trial in trials)
    for i, trial in enumerate(trials):
        low, high = trial["interval"]
        mark = "*" if i in best else " "
        state = "taken" if trial["chosen"] else "within" if trial["within"] else "over budget"
        lost = f"{trial['drop']:+.2f} ({low:+.2f} to {high:+.2f}) points"
        size, ratio = f"{trial['bytes']:>10,} bytes", f"x{trial['latency_ratio']:.2f}"
        lines.append(f" {mark} {trial['said']:<{width}}  {size}  {lost:<32}  {ratio}  {state}")
    return "\n".join(lines)
