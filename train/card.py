"""What training leaves for people: card.md, history.csv, run.json and the pictures that the card shows."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic
from edgeproof.contract import Contract
from train import plots
from train.data import Dataset
from train.progress import clock
from train.request import Outcome, Request


def write(
    out: Path, request: Request, settings: dict[str, Any], dataset: Dataset, contract: Contract, outcome: Outcome
) -> None:
    """Write card.md, curves.png, confusion.png, history.csv and run.json into `out`."""
    plots.curves(out / "curves.png", outcome.history, outcome.score.metric)
    if outcome.confusion is not None:
        plots.confusion(out / "confusion.png", outcome.confusion, contract.labels)
    _history(out / "history.csv", outcome.history)
    facts = _facts(request, settings, dataset, contract, outcome)
    atomic.write_text(out / "run.json", json.dumps(facts, indent=2, sort_keys=True) + "\n")
    atomic.write_text(out / "card.md", _card(request, settings, dataset, contract, outcome))


def mean_and_spread(by_seed: dict[int, float]) -> tuple[float, float]:
    """Mean over seeds, and the standard deviation between them (0 for one seed)."""
    values = list(by_seed.values())
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _history(path: Path, history: list[dict[str, float]]) -> None:
    text = io.StringIO()
    columns = list(dict.fromkeys(name for figures in history for name in figures))
    writer = csv.DictWriter(text, ["epoch", *columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": i + 1, **figures} for i, figures in enumerate(history))
    atomic.write_text(path, text.getvalue())


def _facts(
    request: Request, settings: dict[str, Any], dataset: Dataset, contract: Contract, outcome: Outcome
) -> dict[str, Any]:
    mean, spread = mean_and_spread(outcome.by_seed)
    return {
        "recipe": request.name,
        "command": request.command,
        "settings": settings,
        "data": {
            "name": dataset.name,
            "title": dataset.title,
            "synthetic": dataset.synthetic,
            "licence": dataset.licence,
            "sha256": dataset.sha256(),
            "train": len(dataset.train),
            "validation": len(dataset.validation),
            "test": len(dataset.test),
        },
        "parameters": outcome.parameters,
        "score": {
            "metric": outcome.score.metric,
            "value": outcome.score.value,
            "interval": outcome.score.interval,
            "by_seed": {str(k): v for k, v in outcome.by_seed.items()},
            "mean": mean,
            "standard_deviation": spread,
            "floor": outcome.floor,
            "reached": outcome.floor is None or mean >= outcome.floor,
        },
        "facts": dict(outcome.facts),
        "seconds": round(outcome.seconds, 1),
        "versions": contract.provenance.versions,
        "machine": {"system": platform.system(), "machine": platform.machine(), "cores": os.cpu_count()},
    }


def _card(request: Request, settings: dict[str, Any], dataset: Dataset, contract: Contract, outcome: Outcome) -> str:
    recipe, score = request.recipe, outcome.score
    mean, spread = mean_and_spread(outcome.by_seed)
    low, high = score.interval
    rows = [
        ("data", f"{dataset.title}{' - SYNTHETIC' if dataset.synthetic else ''}; {dataset.licence}"),
        (
            "splits",
            f"{len(dataset.train):,} training, {len(dataset.validation):,} validation, {len(dataset.test):,} test",
        ),
        ("trainable parameters", f"{outcome.parameters:,}"),
        (f"test {score.metric}", f"**{score.value:.2%}** (95% interval {low:.2%} to {high:.2%}, n = {score.n:,})"),
    ]
    if len(outcome.by_seed) > 1:
        each = ", ".join(f"{value:.2%}" for value in outcome.by_seed.values())
        # Student's t with n-1 degrees would promise more than three seeds can keep; the spread is told as it is.
        rows.append(
            (
                f"mean over {len(outcome.by_seed)} seeds",
                f"**{mean:.2%}** (each: {each}; standard deviation {spread:.2%})",
            )
        )
    if outcome.floor is not None:
        rows.append(("floor", f"{outcome.floor:.2%}: {'reached' if mean >= outcome.floor else '**missed**'}"))
    published = recipe.goal.published.get(f"{request.data}/{settings.get('variant', '')}")
    if published:
        rows.append(("published", f"{published.value:.2%} ({published.source})"))
    rows += [
        (
            "training time",
            f"{clock(outcome.seconds)} for {len(outcome.history)} epochs of one seed, {os.cpu_count()} cores",
        ),
        ("versions", ", ".join(f"{k} {v}" for k, v in contract.provenance.versions.items())),
    ]
    rows[-2:-2] = outcome.facts.items()
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    changed = ", ".join(f"`{k}={v}`" for k, v in sorted(settings.items()))
    shown = [f"## {picture.title}\n\n![{picture.title}]({picture.file})" for picture in outcome.pictures]
    if outcome.confusion is not None:
        worst = _worst(outcome.confusion, contract.labels)
        shown.insert(0, f"## Where it errs\n\n![Confusion matrix](confusion.png)\n\n{worst}")
    sections = "\n\n".join(shown)
    return f"""# {contract.title}, trained on {request.data}

    {request.command}

| | |
| --- | --- |
{table}

Settings: {changed}.

![Loss and score by epoch](curves.png)

{sections}

## Intended use

{recipe.use}

## Limits

{recipe.limits}
"""


def _worst(counts: np.ndarray, labels: tuple[str, ...]) -> str:
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    total = int(wrong.sum())
    if not total:
        return "No errors on the test split."
    pairs = sorted(np.argwhere(wrong), key=lambda rc: -wrong[tuple(rc)])[:3]
    names = labels or tuple(map(str, range(len(counts))))
    told = ", ".join(f"{names[r]} taken for {names[c]} ({wrong[r, c]})" for r, c in pairs)
    share = math.fsum(wrong[tuple(p)] for p in pairs) / total
    return f"{total} errors; most often {told}: {share:.0%} of them."
