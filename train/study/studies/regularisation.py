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
from train.study.fitting import Network
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

_SAMPLES = (40, 80, 160, 320, 640, 1247)
_WIDTHS = (1, 2, 4, 16, 64, 256)
_FEW, _USUAL, _BATCH, _STEPS = 160, 128, 32, 480
_RATE = 5e-3


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
    "dropout, augmentation": _Cure({"dropout": 0.5}, {"shift": 2.0, "rotate": 10.0}),
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


def study(request: Request) -> Page:
    """Learning curves, then six ways to regularise on few samples."""
    seeds = request.seeds_or(5)
    samples = _SAMPLES[:2] if request.tiny else _SAMPLES
    widths = _WIDTHS[2:4] if request.tiny else _WIDTHS
    steps = 30 if request.tiny else _STEPS
    train, _, _ = fitting.parts()
    usual = _network(_USUAL, _Cure())
    by_samples = {n: _run(usual, n, seeds, steps, _Cure()) for n in samples}
    by_width = {w: _run(_network(w, _Cure()), len(train), seeds, steps, _Cure()) for w in widths}
    by_cure = {name: _run(_network(_USUAL, cure), _FEW, seeds, steps, cure) for name, cure in _CURES.items()}

    plain = by_cure["nothing"]
    beside = {name: point.beside(plain) for name, point in by_cure.items() if name != "nothing"}
    better = [name for name, difference in beside.items() if difference.high < 0]
    worse = [name for name, difference in beside.items() if difference.low > 0]
    best = min(by_cure, key=lambda name: by_cure[name].test.mean)
    calm = min(by_cure, key=lambda name: by_cure[name].loss.mean)
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
        f"With {_FEW} samples and nothing against it, the network errs on {plain.test.percent()}. Lowest: {best}, "
        f"{by_cure[best].test.percent()}. "
        f"Compared seed by seed, the interval of the difference lies wholly below 0 for {_listed(better)}, above it "
        f"for {_listed(worse)}.",
        f"By test cross-entropy the lowest is {calm}, {by_cure[calm].loss.told(2)}, beside {plain.loss.told(2)} for "
        "nothing.",
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
            Table(
                [
                    f"against over-fitting, {_FEW} samples",
                    "training error",
                    "test error",
                    "less nothing's",
                    "test cross-entropy",
                ],
                [
                    [name, p.train.percent(), p.test.percent(), _points(beside.get(name)), p.loss.told(2)]
                    for name, p in by_cure.items()
                ],
            ),
            _bars(by_cure),
        ],
        shows=shows,
    )


def _network(width: int, cure: _Cure) -> Network:
    arguments = {"dropout": 0.0, **cure.builder}

    def build() -> keras.Model:
        return build_mlp(hidden=(width,), activation="tanh", **arguments)  # type: ignore[arg-type]

    return Network(build, keras.optimizers.Adam(_RATE))


def _run(network: Network, n: int, seeds: range, steps: int, cure: _Cure) -> _Point:
    train, _, test = fitting.parts()
    epochs = max(1, round(steps / (n // min(_BATCH, n))))
    own, held, loss = [], [], []
    for seed in seeds:
        part = train.some(n, seed)
        network.fit(part, seed=seed, epochs=epochs, batch=_BATCH, moved=cure.moved, patience=cure.patience)
        own.append(1 - network.accuracy(part))
        held.append(1 - network.accuracy(test))
        loss.append(network.loss(test))
    return _Point(Interval.of(own), Interval.of(held), Interval.of(loss), tuple(held))


def _points(difference: Interval | None) -> str:
    return "-" if difference is None else f"{100 * difference.mean:+.1f} ± {100 * difference.half:.1f}"


def _listed(names: list[str]) -> str:
    return " and ".join(names) if names else "none"


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


def _bars(by_cure: dict[str, _Point]) -> Figure:
    figure, axis = drawing.canvas(1, 1, (6.5, 2.6))
    rows = np.arange(len(by_cure))
    for offset, side, colour in ((-0.18, "train", drawing.BLUE), (0.18, "test", drawing.ORANGE)):
        points: list[Interval] = [getattr(point, side) for point in by_cure.values()]
        label = {"train": "training", "test": "test"}[side]
        spans = [0.0 if np.isnan(p.half) else 100 * p.half for p in points]
        axis.barh(rows + offset, [100 * p.mean for p in points], 0.34, xerr=spans, color=colour, label=label)
    axis.set(yticks=rows, yticklabels=list(by_cure), xlabel="error (%)", xlim=(0, None))
    axis.invert_yaxis()
    axis.legend(frameon=False)
    shows = f"Error with {_FEW} training samples by what is done against over-fitting, with 95% intervals"
    return Figure("regularisation-cures", drawing.png(figure, dpi=90, colours=96), shows)
