"""Under- and over-fitting: learning curves over training samples and over model size, and what regularises.

Learning curves after Cortes et al. 1994; dropout, Srivastava et al. 2014; early stopping, Prechelt 1998; weight decay,
Krogh and Hertz 1991.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import keras
import numpy as np

from models.mlp import build_mlp
from train import drawing
from train.study import fitting
from train.study.fitting import Network, Part
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

_SAMPLES = (40, 80, 160, 320, 640, 1247)
_WIDTHS = (1, 2, 4, 16, 64, 256)
_FEW, _USUAL, _BATCH, _STEPS = 160, 128, 32, 480
_RATE = 5e-3
_WRONG = 0.2  # of the labels, in the second half of the comparison


@dataclass(frozen=True)
class _Cure:
    """Arguments of the builder and of the fit that regularise."""

    builder: dict[str, float] = field(default_factory=dict)
    moved: dict[str, float] | None = None
    patience: int | None = None


_CURES = {
    "nothing": _Cure(),
    "L2, 0.003": _Cure({"l2": 3e-3}),
    "dropout, 0.5": _Cure({"dropout": 0.5}),
    "early stopping": _Cure(patience=10),
    "augmentation": _Cure(moved={"shift": 2.0, "rotate": 10.0}),
    "dropout and augmentation": _Cure({"dropout": 0.5}, {"shift": 2.0, "rotate": 10.0}),
}


@dataclass(frozen=True)
class _Point:
    """Error (a share of the samples) on training samples and test split, loss on the latter; its error by seed."""

    train: Interval
    test: Interval
    loss: Interval
    tests: tuple[float, ...]

    def beside(self, other: _Point) -> Interval:
        """The difference in test error, seed by seed, each on the same samples."""
        return Interval.of(np.subtract(self.tests, other.tests))


@dataclass(frozen=True)
class _Cured:
    """What each cure makes of few samples, with `told` of their labels."""

    told: str
    points: dict[str, _Point]

    @property
    def plain(self) -> _Point:
        return self.points["nothing"]

    def beside(self) -> dict[str, Interval]:
        """Test error of each cure less that of none."""
        return {name: point.beside(self.plain) for name, point in self.points.items() if name != "nothing"}

    def table(self) -> Table:
        beside = self.beside()
        return Table(
            [f"{_FEW} samples, {self.told}", "training error", "test error", "less nothing's", "test cross-entropy"],
            [
                [name, p.train.percent(), p.test.percent(), _points(beside.get(name)), p.loss.told(2)]
                for name, p in self.points.items()
            ],
        )

    def shown(self) -> str:
        beside = self.beside()
        better = [name for name, difference in beside.items() if difference.high < 0]
        worse = [name for name, difference in beside.items() if difference.low > 0]
        best = min(self.points, key=lambda name: self.points[name].test.mean)
        calm = min(self.points, key=lambda name: self.points[name].loss.mean)
        return (
            f"With {_FEW} samples, {self.told} and nothing against it, the network errs on "
            f"{self.plain.test.percent()} of the test samples. Lowest: {best}, "
            f"{self.points[best].test.percent()}. Compared seed by seed, the interval of the difference lies wholly "
            f"below 0 for {_listed(better)}, above it for {_listed(worse)}. By test cross-entropy the lowest is "
            f"{calm}, {self.points[calm].loss.told(2)}, beside {self.plain.loss.told(2)} for nothing."
        )


def study(request: Request) -> Page:
    """Learning curves, then six ways to regularise on few samples, with right labels and with some wrong ones."""
    seeds = request.seeds_or(5)
    samples = _SAMPLES[:2] if request.tiny else _SAMPLES
    widths = _WIDTHS[2:4] if request.tiny else _WIDTHS
    steps = 30 if request.tiny else _STEPS
    train, _, _ = fitting.parts()
    usual = _network(_USUAL, _Cure())
    by_samples = {n: _run(usual, n, seeds, steps, _Cure()) for n in samples}
    by_width = {w: _run(_network(w, _Cure()), len(train), seeds, steps, _Cure()) for w in widths}
    cured = {
        told: _Cured(
            told,
            {name: _run(_network(_USUAL, cure), _FEW, seeds, steps, cure, wrong) for name, cure in _CURES.items()},
        )
        for told, wrong in (("right labels", 0.0), (f"{_WRONG:.0%} wrong labels", _WRONG))
    }

    first, last = (by_samples[n] for n in (samples[0], samples[-1]))
    small, large = (by_width[w] for w in (widths[0], widths[-1]))
    shows = [
        f"Over-fitting: with {samples[0]} samples the training error is {first.train.percent()} and the test error "
        f"{first.test.percent()}; with {samples[-1]} they are {last.train.percent()} and {last.test.percent()}. The "
        f"gap is {_gap(first):.1f} points, then {_gap(last):.1f}: more data is the first cure.",
        f"Under-fitting: in the same {steps} steps a network of {widths[0]} hidden unit{'s' * (widths[0] > 1)} errs on "
        f"{small.train.percent()} of the very samples it was trained on, one of {widths[-1]} on "
        f"{large.train.percent()}. More data would not help the first: it errs as much on what it has seen.",
        f"Test error falls from {small.test.percent()} to {large.test.percent()} as units are added; between "
        f"{widths[-2]} and {widths[-1]} units it goes from {by_width[widths[-2]].test.percent()} to "
        f"{large.test.percent()}: on these data a larger network than needed "
        + ("costs nothing." if large.test.mean <= by_width[widths[-2]].test.mean + 0.005 else "costs a little."),
        *(one.shown() for one in cured.values()),
    ]
    return Page(
        title="Under- and over-fitting",
        asked="How do the errors on training and test samples change with the number of samples and with the size of "
        "the network, and what closes the gap between them?",
        how=[
            fitting.DATA + " Fewer samples are drawn from the training split by each seed anew, in "
            "the classes' proportions.",
            f"Network: one hidden layer of tanh units and a softmax (`models/mlp.py`), {_USUAL} units or as said.",
            f"Training: Adam, learning rate {_RATE:g}, batch {_BATCH}, {steps} steps whatever the number of samples, "
            "so that few samples are seen more often.",
            f"Against over-fitting, on {_FEW} samples: L2 penalty 0.003 on every matrix; dropout of half of the hidden "
            "units; early stopping, back to the lowest validation loss after 10 passes without a lower one; "
            "augmentation, shifts of up to 2 pixels and rotations of up to 10 degrees. Early stopping alone sees the "
            "100 validation samples.",
            f"Wrong labels: the same with {_WRONG:.0%} of the {_FEW} labels, drawn by each seed, changed to another "
            "class; the training error is held against these. Validation and test labels stay right.",
            f"Seeds: {', '.join(map(str, seeds))}. {HOW}",
        ],
        results=[
            _curves(by_samples, by_width),
            Table(
                ["training samples", "training error", "test error"],
                [[f"{n:,}", p.train.percent(), p.test.percent()] for n, p in by_samples.items()],
            ),
            Table(
                ["hidden units", "training error", "test error"],
                [[str(w), p.train.percent(), p.test.percent()] for w, p in by_width.items()],
            ),
            *(one.table() for one in cured.values()),
            _bars(cured),
        ],
        shows=shows,
    )


def _network(width: int, cure: _Cure) -> Network:
    arguments = {"dropout": 0.0, **cure.builder}

    def build() -> keras.Model:
        return build_mlp(hidden=(width,), activation="tanh", **arguments)  # type: ignore[arg-type]

    return Network(build, keras.optimizers.Adam(_RATE))


def _run(network: Network, n: int, seeds: range, steps: int, cure: _Cure, wrong: float = 0.0) -> _Point:
    train, _, test = fitting.parts()
    epochs = max(1, round(steps / (n // min(_BATCH, n))))
    own, held, loss = [], [], []
    for seed in seeds:
        part = _mislabelled(train.some(n, seed), wrong, seed)
        network.fit(part, seed=seed, epochs=epochs, batch=_BATCH, moved=cure.moved, patience=cure.patience)
        own.append(1 - network.accuracy(part))
        held.append(1 - network.accuracy(test))
        loss.append(network.loss(test))
    return _Point(Interval.of(own), Interval.of(held), Interval.of(loss), tuple(held))


def _mislabelled(part: Part, share: float, seed: int) -> Part:
    """The same with this share of the labels changed to another class, any as likely."""
    rng = np.random.default_rng([seed, 1])
    labels = part.labels.copy()
    chosen = rng.choice(len(labels), round(share * len(labels)), replace=False)
    labels[chosen] = (labels[chosen] + rng.integers(1, 10, len(chosen))) % 10
    return Part(part.images, labels)


def _points(difference: Interval | None) -> str:
    return "-" if difference is None else f"{100 * difference.mean:+.1f} ± {100 * difference.half:.1f}"


def _listed(names: list[str]) -> str:
    return "; ".join(names) if names else "none"


def _gap(point: _Point) -> float:
    """Points by which the test error exceeds the training error."""
    return 100 * (point.test.mean - point.train.mean)


def _curves(by_samples: dict[int, _Point], by_width: dict[int, _Point]) -> Figure:
    figure, axes = drawing.canvas(1, 2, (9, 3.3))
    for axis, found, what in zip(axes, (by_samples, by_width), ("training samples", "hidden units"), strict=True):
        for side, colour in (("train", drawing.BLUE), ("test", drawing.ORANGE)):
            points: list[Interval] = [getattr(point, side) for point in found.values()]
            middle, low, high = (
                [100 * max(0.0, v) for v in values]
                for values in zip(*[(p.mean, p.low, p.high) for p in points], strict=True)
            )
            label = {"train": "training", "test": "test"}[side]
            drawing.band(axis, list(found), middle, low, high, color=colour, label=label, marker="o", markersize=3)
        axis.set(xscale="log", xlabel=what, ylabel="error (%)", ylim=(0, None))
        axis.set_xticks(list(found), [f"{n:,}" for n in found], minor=False)
        axis.minorticks_off()
        axis.legend(frameon=False)
    shows = "Error on training and test samples by number of samples and of hidden units, with 95% intervals"
    return Figure("regularisation", drawing.png(figure, dpi=90, colours=96), shows)


def _bars(cured: dict[str, _Cured]) -> Figure:
    figure, axes = drawing.canvas(1, len(cured), (9, 2.6), sharey=True)
    rows = np.arange(len(_CURES))
    for axis, one in zip(axes, cured.values(), strict=True):
        for offset, side, colour in ((-0.18, "train", drawing.BLUE), (0.18, "test", drawing.ORANGE)):
            points: list[Interval] = [getattr(point, side) for point in one.points.values()]
            label = {"train": "training", "test": "test"}[side]
            spans = [0.0 if np.isnan(p.half) else 100 * p.half for p in points]
            axis.barh(rows + offset, [100 * p.mean for p in points], 0.34, xerr=spans, color=colour, label=label)
        axis.set(yticks=rows, yticklabels=list(_CURES), xlabel="error (%)", xlim=(0, None))
        axis.set_title(one.told, fontsize=9)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    shows = f"Error with {_FEW} training samples by what is done against over-fitting, with 95% intervals"
    return Figure("regularisation-cures", drawing.png(figure, dpi=90, colours=96), shows)
