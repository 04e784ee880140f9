"""Writing, trained longer: bits a character of an LSTM and a small Transformer by how long they were trained.

Kaplan et al. 2020, "Scaling laws for neural language models", section 3: loss against computation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

from models.char_lm import VARIANTS
from train import data, drawing, registry, run, settings
from train.data import Dataset
from train.recipe import Recipe
from train.study.page import Figure, Page, Table
from train.study.request import Request

_EPOCHS = (1, 2, 4, 8)
_TITLES = {"lstm": "LSTM", "gpt": "Transformer"}


@dataclass(frozen=True)
class _Run:
    """Epochs, core seconds that they took, and bits a character of the training, validation and test texts."""

    epochs: int
    seconds: float
    training: float
    validation: float
    test: float


def study(request: Request) -> Page:
    """Train `char_lm` in each form from the same first weights for each length of time."""
    recipe = registry.load("char_lm")
    name = "shakespeare" if request.directory else "embedded"
    dataset = data.load(recipe, name, request.directory)
    lengths = _EPOCHS[:2] if request.tiny else _EPOCHS
    wishes = dict(recipe.tiny) if request.tiny else {}
    found = {variant: [_run(recipe, dataset, variant, wishes, n) for n in lengths] for variant in VARIANTS}
    rows = [
        [
            f"{_TITLES[variant]}, {r.epochs}",
            f"{r.seconds:,.0f}",
            *(f"{b:.3f}" for b in (r.training, r.validation, r.test)),
        ]
        for variant, runs in found.items()
        for r in runs
    ]
    return Page(
        title="Writing, trained longer",
        asked="What does longer training give a network that writes, and where does it end?",
        how=[
            f"Data: {dataset.title}. The last tenth is the test's, the twentieth before it validation's.",
            "Networks: `char_lm` in both its forms, with the settings that its recipe has for this text.",
            "Each row is a training of its own from the same first weights, with a learning rate that falls "
            "to zero at its end; the network is judged as it is then.",
            "Core seconds are processor time, of all cores together. Seeds: 0.",
        ],
        results=[
            Table(["network, epochs", "core seconds", "bits a character: training", "validation", "test"], rows),
            _drawn(found),
        ],
        shows=[_said(variant, runs) for variant, runs in found.items()],
    )


def _run(recipe: Recipe, dataset: Dataset, variant: str, wishes: dict[str, object], epochs: int) -> _Run:
    chosen = settings.resolve(recipe, dataset.name, {**wishes, "variant": variant, "epochs": epochs})
    objective = run.prepared(recipe, chosen, dataset)
    start = time.process_time()
    for epoch in range(epochs):
        objective.epoch(epoch, lambda part: None)
    seconds = time.process_time() - start
    bits = [
        8 * (1 - float(objective.score(part)[1].mean())) for part in (dataset.train, dataset.validation, dataset.test)
    ]
    return _Run(epochs, seconds, *bits)


def _said(variant: str, runs: list[_Run]) -> str:
    steps = [f"from {a.epochs} to {b.epochs} epochs {b.test - a.test:+.3f}" for a, b in pairwise(runs)]
    best = min(runs, key=lambda r: r.test)
    end = (
        "more may still help"
        if best is runs[-1]
        else f"after {best.epochs} epochs it learns its text by heart: training goes on falling, the test's bits rise"
    )
    return f"{_TITLES[variant]}: bits a character on the test text change {', '.join(steps)}; {end}."


def _drawn(found: dict[str, list[_Run]]) -> Figure:
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    figure, axes = drawing.canvas(1, 1, (5.2, 3.2))
    for (variant, runs), colour in zip(found.items(), drawing.COLOURS, strict=False):
        seconds = [r.seconds for r in runs]
        axes.plot(seconds, [r.test for r in runs], "o-", color=colour, label=f"{_TITLES[variant]}, test", markersize=3)
        axes.plot(seconds, [r.training for r in runs], ":", color=colour, label=f"{_TITLES[variant]}, training")
        for r in runs:
            axes.annotate(f"{r.epochs}", (r.seconds, r.test), xytext=(2, 4), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", xlabel="core seconds of training", ylabel="bits a character")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(frameon=False, fontsize=8)
    shows = "Bits a character by training time, epochs beside each point; dotted: of the text that was trained on"
    return Figure("longer", drawing.png(figure, dpi=90, colours=96), shows)
