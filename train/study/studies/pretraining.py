"""Pretraining: the same deep network with and without it, on a hundredth, a tenth and all of the labels.

Hinton, Osindero, Teh 2006, "A fast learning algorithm for deep belief nets"; Erhan et al. 2010, "Why does unsupervised
pre-training help deep learning?".
"""

from __future__ import annotations

import math

import numpy as np

from train import data, drawing, registry, run, settings
from train.study import fitting
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

_SHARES = (0.01, 0.1, 1.0)
_KINDS = {"none": "without", "rbm": "Boltzmann machines", "autoencoder": "autoencoders"}
_STEPS, _BATCH, _PRETRAINING = 400, 32, 10

Found = dict[tuple[str, float], Interval]


def study(request: Request) -> Page:
    """Train `dbn` each way at each share of the labels."""
    seeds = request.seeds_or(3)
    steps, pretraining = (2, 1) if request.tiny else (_STEPS, _PRETRAINING)
    recipe = registry.load("dbn")
    dataset = data.load(recipe, "embedded", None)
    found: Found = {}
    labels = {share: round(share * len(dataset.train)) for share in _SHARES}
    # As many steps on few labels as on many: a network that has not been trained shows nothing of pretraining.
    epochs = {share: max(2, round(steps / math.ceil(count / _BATCH))) for share, count in labels.items()}
    for kind in _KINDS:
        for share in _SHARES:
            scores = []
            for seed in seeds:
                wishes = {
                    "pretraining": kind, "labelled": share, "seed": seed, "epochs": epochs[share], "batch": _BATCH,
                    "pretraining_epochs": pretraining, "pretraining_rate": 1e-3 if kind == "autoencoder" else 0.05,
                    "shift": 0.0, "rotate": 0.0,
                }  # fmt: skip
                resolved = settings.resolve(recipe, "embedded", wishes)
                objective = run.prepared(recipe, resolved, dataset)
                for epoch in range(objective.epochs):
                    objective.epoch(epoch, lambda part: None)
                scores.append(float(np.mean(objective.score(dataset.test)[1])))
            found[kind, share] = Interval.of(scores)
    rows = [
        [f"{share:.0%} ({labels[share]:,})", *(found[kind, share].percent() for kind in _KINDS)] for share in _SHARES
    ]
    return Page(
        title="Pretraining without labels",
        asked="Does it help a deep network of sigmoids to have seen the pictures, layer by layer and without their "
        "labels, before it is trained on labels; and how does that hang on how many labels there are?",
        how=[
            fitting.DATA,
            "Network: two hidden layers of 256 sigmoids (`models/dbn.py`), first weights as Glorot and Bengio 2010 "
            "have them for sigmoids.",
            f"Pretraining on all pictures, {pretraining} epochs a layer: restricted Boltzmann machines by CD-1, or "
            f"autoencoders with tied weights; or none. Then about {steps} steps of AdamW, {_BATCH} samples each, on "
            "the labelled share, classes in proportion, no augmentation.",
            f"Seeds: {', '.join(map(str, seeds))}. {HOW}",
        ],
        results=[Table(["labels", *_KINDS.values()], rows), _drawn(found, labels)],
        shows=[_told(kind, found) for kind in _KINDS if kind != "none"],
    )


def _told(kind: str, found: Found) -> str:
    parts = []
    for share in _SHARES:
        ours, plain = found[kind, share], found["none", share]
        points = 100 * (ours.mean - plain.mean)
        apart = ours.low > plain.high or plain.low > ours.high
        parts.append(f"{points:+.1f} points at {share:.0%} of the labels ({'apart' if apart else 'intervals overlap'})")
    return f"{_KINDS[kind].capitalize()} against no pretraining: {', '.join(parts)}."


def _drawn(found: Found, labels: dict[float, int]) -> Figure:
    figure, axes = drawing.canvas(1, 1, (5.4, 3.3))
    x = [labels[share] for share in _SHARES]
    for (kind, name), colour in zip(_KINDS.items(), drawing.COLOURS, strict=False):
        values = [found[kind, share] for share in _SHARES]
        low, high = (np.clip([getattr(i, side) for i in values], 0.0, 1.0) * 100 for side in ("low", "high"))
        middle = [100 * i.mean for i in values]
        drawing.band(axes, x, middle, low, high, color=colour, label=name, marker="o", markersize=3)
    axes.set(xscale="log", xlabel="labelled samples", ylabel="test accuracy (%)")
    axes.legend(frameon=False)
    shows = "Test accuracy by the number of labelled samples, with 95% intervals"
    return Figure("pretraining", drawing.png(figure, dpi=90, colours=96), shows)
