"""How to step: batch, mini-batch and stochastic descent, momentum to AdamW, and schedules; on digits and on a saddle.

Polyak 1964 (momentum); Nesterov 1983; Duchi, Hazan, Singer 2011 (Adagrad); Tieleman and Hinton 2012 (RMSprop); Kingma
and Ba 2015 (Adam); Loshchilov and Hutter 2017 (cosine decay) and 2019 (AdamW).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.mlp import build_mlp
from train import drawing
from train.study import fitting
from train.study.fitting import Network
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request
from train.study.rules import BETA, RULES, SCHEDULES, Rule

_UNITS, _EPOCHS, _TUNING = 64, 10, 1000
_SCHEDULED = ("mini-batch", "Adam")
_START, _SADDLE_STEPS, _AVERAGED = (1.0, 1e-3), 160, 80


@dataclass(frozen=True)
class _Found:
    """The rate that was chosen; losses by epoch and test accuracy at the end, a list entry a seed."""

    rate: float
    losses: list[list[float]]
    accuracy: list[float]

    def loss(self, epoch: int) -> Interval:
        return Interval.of([losses[min(epoch, len(losses) - 1)] for losses in self.losses])


def study(request: Request) -> Page:
    """Train under each rule and schedule, and walk off the saddle."""
    seeds = request.seeds_or(5)
    epochs = 2 if request.tiny else _EPOCHS
    networks = {name: _network(rule) for name, rule in RULES.items() if not (request.tiny and rule.batch == 1)}
    found = {name: _run(networks[name], RULES[name], "constant", seeds, epochs, request.tiny) for name in networks}
    scheduled = {
        (name, schedule): found[name]
        if schedule == "constant"
        else _run(networks[name], RULES[name], schedule, seeds, epochs, request.tiny)
        for name in _SCHEDULED
        for schedule in SCHEDULES
    }
    paths = {
        "gradient descent" if name == "batch" else name: saddle(rule)
        for name, rule in RULES.items()
        if rule.batch != 1 and name != "mini-batch"  # which differ from it by their samples alone
    }
    ends = {name: Interval.of(f.accuracy) for name, f in found.items()}
    best = max(ends, key=lambda name: ends[name].mean)
    alike = [name for name, end in ends.items() if end.high >= ends[best].low and name != best]
    fastest = min(found, key=lambda name: found[name].loss(0).mean)
    away = {name: _away(path) for name, path in paths.items()}
    left = {name: step for name, step in away.items() if step is not None}
    slow = [name for name in away if name not in left]
    shows = [
        f"After {epochs} passes {best} is best, {ends[best].percent()}"
        + (
            f", but the intervals of {', '.join(alike)} overlap with its own: these accuracies do not tell them apart."
            if alike
            else ", and no other's interval overlaps."
        )
        + f" The lowest loss after the first pass has {fastest} ({found[fastest].loss(0).told(2)}).",
        f"Batch descent takes one step a pass, {epochs} in all, and ends at {ends['batch'].percent()}; mini-batches of "
        f"32 take {1247 // 32} and end at {ends['mini-batch'].percent()} with the same arithmetic.",
        *(
            f"{name.capitalize()}: loss at the end "
            + ", ".join(
                f"{scheduled[name, schedule].loss(epochs).told(3)} ({schedule}, α = {scheduled[name, schedule].rate:g})"
                for schedule in SCHEDULES
            )
            + "."
            for name in _SCHEDULED
        ),
        f"On the saddle, from {_START}, f is below -1 after "
        + ", ".join(f"{left[name]} steps ({name})" for name in sorted(left, key=lambda name: left[name]))
        + (f"; not within {_SADDLE_STEPS}: {', '.join(slow)}" if slow else "")
        + ". RMSprop and Adam divide by the size of recent gradients, and so step as far along the shallow axis as "
        "along the steep; so does Adagrad once its sum has outgrown the 0.1 that it begins with.",
    ]
    return Page(
        title="Optimizers and schedules",
        asked="What does each way of stepping buy: fewer samples a step, an average of past gradients, a rate for each "
        "weight, a rate that falls?",
        how=[
            fitting.DATA,
            f"Network: the recipe mlp's builder with one hidden layer of {_UNITS} ReLUs, without dropout and "
            f"augmentation; cross-entropy; {epochs} passes over the training split.",
            "Rates: each rule, and each schedule under it, has the rate of its grid (table) with the lowest validation "
            f"loss at the end for seed {_TUNING}, which is not among those reported.",
            "Schedules change the rate once a pass; e is the pass, E their number.",
            f"Saddle: f(x, y) = x² - y² from {_START}, exact gradients, α = 0.05 for all, {_SADDLE_STEPS} steps.",
            f"Seeds: {', '.join(map(str, seeds))}. {HOW}",
        ],
        results=[
            Table(
                ["rule", "step", "rates tried", "chosen", "loss after a pass", "loss at the end", "test accuracy"],
                [
                    [
                        name,
                        RULES[name].formula,
                        ", ".join(f"{rate:g}" for rate in RULES[name].rates),
                        f"{f.rate:g}",
                        f.loss(0).told(2),
                        f.loss(epochs).told(3),
                        ends[name].percent(),
                    ]
                    for name, f in found.items()
                ],
            ),
            _losses(found, scheduled, epochs),
            Table(
                [
                    "schedule",
                    "rate of pass e",
                    *(f"{name}, {what}" for name in _SCHEDULED for what in ("loss", "accuracy")),
                ],
                [
                    [
                        schedule,
                        SCHEDULES[schedule][0],
                        *(
                            cell
                            for name in _SCHEDULED
                            for cell in (
                                scheduled[name, schedule].loss(epochs).told(3),
                                Interval.of(scheduled[name, schedule].accuracy).percent(),
                            )
                        ),
                    ]
                    for schedule in SCHEDULES
                ],
            ),
            _trajectories(paths),
            _average(networks["mini-batch"]),
        ],
        shows=shows,
    )


def saddle(rule: Rule, steps: int = _SADDLE_STEPS) -> np.ndarray:
    """The way of a rule down f(x, y) = x² - y²: (steps + 1, 2)."""
    place = keras.Variable(np.array(_START, np.float32))
    optimizer = rule.make(rule.saddle)
    optimizer.build([place])
    path = [place.numpy()]
    for _ in range(steps):
        optimizer.apply([tf.constant([2.0, -2.0]) * place.value], [place])
        path.append(place.numpy())
    return np.array(path)


def _network(rule: Rule) -> Network:
    return Network(lambda: build_mlp(hidden=(_UNITS,), dropout=0.0), rule.make(rule.rates[0]))


def _run(network: Network, rule: Rule, schedule: str, seeds: range, epochs: int, tiny: bool) -> _Found:
    train, validation, test = fitting.parts()

    def fit(rate: float, seed: int) -> fitting.History:
        def by_epoch(epoch: int) -> float:
            return rule.own(SCHEDULES[schedule][1](rate, epoch, epochs))

        return network.fit(train, seed=seed, epochs=epochs, batch=rule.batch, rate=by_epoch)

    tried = {}
    for rate in rule.rates[1:2] if tiny else rule.rates:
        fit(rate, _TUNING)
        loss = network.loss(validation)
        tried[rate] = loss if np.isfinite(loss) else np.inf
    chosen = min(tried, key=lambda rate: tried[rate])
    losses, accuracy = [], []
    for seed in seeds:
        losses.append(fit(chosen, seed).loss)
        accuracy.append(network.accuracy(test))
    return _Found(chosen, losses, accuracy)


def _away(path: np.ndarray) -> int | None:
    """The first step at which f is below -1."""
    below = np.flatnonzero(path[:, 0] ** 2 - path[:, 1] ** 2 < -1)
    return int(below[0]) if len(below) else None


def _losses(found: dict[str, _Found], scheduled: dict[tuple[str, str], _Found], epochs: int) -> Figure:
    figure, axes = drawing.canvas(1, 3, (11, 3.4), sharey=True)

    def draw(axis: Any, runs: dict[str, _Found], title: str) -> None:
        for colour, (name, f) in zip(drawing.COLOURS, runs.items(), strict=False):
            style = "--" if name == "AdamW" else "-"  # which lies on Adam's
            axis.plot(
                range(1, epochs + 1), [f.loss(e).mean for e in range(epochs)], color=colour, linestyle=style, label=name
            )
        axis.set(xlabel="pass", yscale="log", title=title, ylim=(0.03, 30))
        axis.legend(frameon=False, fontsize=7.5, ncols=2, loc="upper right")

    draw(axes[0], found, "rules, constant rate")
    for axis, name in zip(axes[1:], _SCHEDULED, strict=True):
        draw(axis, {schedule: scheduled[name, schedule] for schedule in SCHEDULES}, f"schedules under {name}")
    axes[0].set_ylabel("training loss")
    return Figure("optimizers", drawing.png(figure, dpi=90, colours=96), "Training loss by pass, mean over seeds")


def _trajectories(paths: dict[str, np.ndarray]) -> Figure:
    figure, (left, right) = drawing.canvas(1, 2, (9.5, 3.6))
    x, y = np.meshgrid(np.linspace(-0.4, 1.7, 120), np.linspace(-0.15, 1.3, 120))
    left.contour(x, y, x**2 - y**2, levels=10, colors=drawing.LIGHT, linewidths=0.8)
    for colour, (name, path) in zip(drawing.COLOURS, paths.items(), strict=False):
        seen = path[: int(np.argmax(np.abs(path[:, 1]) > 1.25)) or len(path)]
        style = "--" if name == "AdamW" else "-"
        left.plot(seen[:, 0], seen[:, 1], style, color=colour, marker=".", markersize=3, linewidth=1, label=name)
        right.plot(np.maximum(np.abs(path[:, 1]), 1e-4), style, color=colour, linewidth=1.2)
    left.set(xlabel="x", ylabel="y", xlim=(-0.4, 1.7), ylim=(-0.15, 1.3))
    left.legend(frameon=False, fontsize=7.5)
    right.set(xlabel="step", ylabel="|y|, the way off the saddle", yscale="log", ylim=(5e-4, 30))
    return Figure("optimizers-saddle", drawing.png(figure, dpi=90, colours=96), "The rules on the saddle x² - y²")


def _average(network: Network) -> Figure:
    """One entry of the gradient over the first steps, with its exponentially weighted averages."""
    train = fitting.parts()[0]
    network.start(0)
    order = np.random.default_rng([0, 0]).permutation(len(train))
    entries = []
    for step in range(_AVERAGED):
        rows = order[(np.arange(32) + 32 * step) % len(train)]
        entries.append(network.gradients(fitting.Part(train.images[rows], train.labels[rows]))[-1][3])
    plain, corrected = averages(np.array(entries), BETA)
    figure, axis = drawing.canvas(1, 1, (7, 2.8))
    steps = np.arange(1, _AVERAGED + 1)
    axis.plot(steps, entries, color="#a0aec0", linewidth=0.8, marker=".", markersize=3, label="g of each mini-batch")
    axis.plot(steps, plain, color=drawing.BLUE, label="v ← 0.9v + 0.1g")
    axis.plot(steps, corrected, "--", color=drawing.ORANGE, label="v / (1 - 0.9ᵗ), bias corrected")
    axis.set(xlabel="mini-batch", ylabel="entry of the gradient", xlim=(1, _AVERAGED))
    axis.legend(frameon=False, fontsize=7.5)
    shows = "What momentum averages: the gradient of one output bias over mini-batches of 32, at the first weights"
    return Figure("optimizers-average", drawing.png(figure, dpi=90, colours=96), shows)


def averages(values: np.ndarray, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The exponentially weighted average v ← βv + (1 - β)x from v = 0, and the same divided by 1 - βᵗ."""
    v, plain = 0.0, []
    for value in values:
        v = beta * v + (1 - beta) * float(value)
        plain.append(v)
    found = np.array(plain)
    return found, found / (1 - beta ** np.arange(1, len(values) + 1))
