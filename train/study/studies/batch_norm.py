"""Batch normalization: the same network with and without it, over a range of learning rates.

Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal covariate shift".
"""

from __future__ import annotations

import keras
import numpy as np

from models.mlp import build_mlp
from train import drawing
from train.study import fitting
from train.study.fitting import Network
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

_DEPTH, _UNITS, _BATCH, _EPOCHS = 4, 64, 32, 10
_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_GOOD = 0.9
_NAMES = {False: "without", True: "with"}

Runs = dict[tuple[bool, float], tuple[list[list[float]], list[float]]]


def study(request: Request) -> Page:
    """Train with and without normalization at each rate."""
    seeds = request.seeds_or(5)
    epochs, rates = (2, _RATES[2::4]) if request.tiny else (_EPOCHS, _RATES)
    runs: Runs = {}
    for normed in _NAMES:
        found = _network(normed)
        for rate in rates:
            runs[normed, rate] = _run(found, rate, seeds, epochs)
    ends = {key: Interval.of(accuracy) for key, (_, accuracy) in runs.items()}
    best = {normed: max(rates, key=lambda rate: ends[normed, rate].mean) for normed in _NAMES}
    good = {normed: [rate for rate in rates if ends[normed, rate].mean >= _GOOD] for normed in _NAMES}
    apart = [ends[normed, best[normed]] for normed in _NAMES]
    shows = [
        *(
            f"{_NAMES[normed].capitalize()} it, "
            + (
                f"{len(good[normed])} of {len(rates)} rates reach {_GOOD:.0%} on average, from {min(good[normed]):g} "
                f"to {max(good[normed]):g}."
                if good[normed]
                else f"none of the {len(rates)} rates reaches {_GOOD:.0%} on average."
            )
            for normed in _NAMES
        ),
        f"At their own best rates: {apart[0].percent()} without ({best[False]:g}), {apart[1].percent()} with "
        f"({best[True]:g}); the intervals "
        + ("overlap." if apart[0].high >= apart[1].low and apart[1].high >= apart[0].low else "do not overlap.")
        + " The rates were compared on the test split itself, so both figures are a little too good.",
        f"At the smallest rate, {rates[0]:g}, the first epoch's training loss is "
        f"{_first(runs[False, rates[0]]).told(2)} without and {_first(runs[True, rates[0]]).told(2)} with: "
        + (
            "normalization makes the first steps go further."
            if _first(runs[True, rates[0]]).high < _first(runs[False, rates[0]]).low
            else "no clear difference."
        ),
    ]
    rows = [
        [f"{rate:g}", *(cell for normed in _NAMES for cell in _cells(runs[normed, rate], ends[normed, rate]))]
        for rate in rates
    ]
    return Page(
        title="Batch normalization",
        asked="Does normalizing each unit over the batch let a network learn faster, and at rates at which it "
        "otherwise would not learn?",
        how=[
            fitting.DATA,
            f"Network: {_DEPTH} hidden layers of {_UNITS} ReLUs and a softmax (`models/mlp.py`), He's first "
            "weights, with and without a BatchNormalization before each activation.",
            f"Training: plain stochastic gradient descent, batch {_BATCH}, {epochs} epochs, learning rates "
            f"{', '.join(f'{rate:g}' for rate in rates)}.",
            f"Seeds: {', '.join(map(str, seeds))}. {HOW} A run whose loss is not finite ends there; accuracy then "
            "counts as no right decision.",
        ],
        results=[
            Table(
                [
                    "learning rate",
                    "loss at the end, without",
                    "test accuracy, without",
                    "loss at the end, with",
                    "test accuracy, with",
                ],
                rows,
            ),
            _drawn(runs, ends, rates, epochs),
        ],
        shows=shows,
    )


def _network(normed: bool) -> Network:
    def build() -> keras.Model:
        return build_mlp(
            hidden=(_UNITS,) * _DEPTH, activation="relu", initialisation="he", dropout=0.0, batch_norm=normed
        )

    return Network(build, keras.optimizers.SGD(_RATES[0]))


def _run(network: Network, rate: float, seeds: range, epochs: int) -> tuple[list[list[float]], list[float]]:
    train, _, test = fitting.parts()
    losses, accuracy = [], []
    for seed in seeds:
        losses.append(network.fit(train, seed=seed, epochs=epochs, batch=_BATCH, rate=lambda _: rate).loss)
        accuracy.append(network.accuracy(test))
    return losses, accuracy


def _first(run: tuple[list[list[float]], list[float]]) -> Interval:
    return Interval.of([losses[0] for losses in run[0]])


def _cells(run: tuple[list[list[float]], list[float]], end: Interval) -> tuple[str, str]:
    return Interval.of([losses[-1] for losses in run[0]]).told(2), end.percent()


def _drawn(runs: Runs, ends: dict[tuple[bool, float], Interval], rates: tuple[float, ...], epochs: int) -> Figure:
    figure, (left, right) = drawing.canvas(1, 2, (9, 3.3))
    for normed, colour in zip(_NAMES, drawing.COLOURS, strict=False):
        found = [ends[normed, rate] for rate in rates]
        low, high = (np.clip([getattr(i, side) for i in found], 0.0, 1.0) * 100 for side in ("low", "high"))
        middle = [100 * i.mean for i in found]
        drawing.band(left, rates, middle, low, high, color=colour, label=_NAMES[normed], marker="o", markersize=3)
        for rate, style in zip((rates[len(rates) // 2], rates[-2]), ("-", "--"), strict=True):
            length = min(len(losses) for losses in runs[normed, rate][0])
            mean = np.mean([losses[:length] for losses in runs[normed, rate][0]], axis=0)
            if not np.isfinite(mean).all():
                continue
            label = f"{_NAMES[normed]}, {rate:g}"
            right.plot(range(1, length + 1), mean, style, color=colour, label=label)
    left.set(xscale="log", xlabel="learning rate", ylabel="test accuracy (%)", ylim=(0, 100))
    left.legend(frameon=False)
    right.set(yscale="log", xlabel="epoch", ylabel="training loss", xlim=(1, epochs))
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(frameon=False)
    shows = "Test accuracy by learning rate with 95% intervals; mean training loss at two rates, where it is finite"
    return Figure("batch-norm", drawing.png(figure, dpi=90, colours=96), shows)
