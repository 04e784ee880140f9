"""Prices a day ahead: does a network, or a linear forecast, beat the last price, where each is judged on days to come?

Walk-forward validation (Tashman 2000, "Out-of-sample tests of forecasting accuracy"): everything is fitted on the days
up to a point, judged on a stretch after it, and fitted anew with that stretch added. Meese and Rogoff 1983, "Empirical
exchange rate models of the seventies", is why the last price is what to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np

from models.rnn import build_rnn_forecast
from train import drawing
from train.data import Split, prices, windows
from train.study.intervals import Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

_DAYS, _FOLDS, _FIRST = 2400, 8, 0.5  # of generated days; stretches judged; share of the days fitted before the first
_CLOSE = prices.CLOSE
_PENALTIES = (1.0, 100.0, 10_000.0)
_HELD = 0.15  # of the days fitted on: by these the penalty and the epoch are chosen
_EPOCHS, _UNITS = 12, 16
_BACK = 0.3


@dataclass
class _Found:
    """By stretch: 1 - squared error / squared error of the last price, over its days."""

    linear: list[float] = field(default_factory=list)
    network: list[float] = field(default_factory=list)


def study(request: Request) -> Page:
    """Judge both forecasts stretch by stretch, on generated prices or on a file's."""
    days, folds, epochs = (500, 2, 1) if request.tiny else (_DAYS, _FOLDS, _EPOCHS)
    series = _series(request.directory, days)
    found = {name: _walked(values, folds, epochs) for name, values in series.items()}
    rows = [
        [name, f"{len(series[name]):,}", Interval.of(of.linear).percent(2), Interval.of(of.network).percent(2)]
        for name, of in found.items()
    ]
    return Page(
        title="Prices, walked forward",
        asked="Does a recurrent network, or a linear forecast, tell tomorrow's closing price better than today's price "
        "does, on days that neither has been fitted on or chosen by?",
        how=[
            _told(request.directory),
            f"Walk-forward: the first {_FIRST:.0%} of the days are fitted on, the days after them are cut into {folds} "
            "stretches. Each is forecast by what was fitted on all days before it, and by that alone; units and "
            f"means are those days' too. The last {_HELD:.0%} of them choose the penalty, or the epoch.",
            f"Linear: ridge regression from {prices.PAST} days of opening, highest, lowest and closing prices, less "
            "the last, to the change of the day after. Network: `models.rnn.build_rnn_forecast`, an LSTM of "
            f"{_UNITS} units with a linear part, which starts as the last price; Adam, {epochs} epochs at most.",
            "Figures are 1 - squared error / squared error of the last price: 0 is as good as saying that tomorrow's "
            "close is today's, below it is worse. Means over the stretches with a 95% interval by Student's t. "
            "Seeds: 0.",
        ],
        results=[
            Table(["prices", "days", "linear forecast", "LSTM"], rows),
            _drawn(found),
        ],
        shows=[_said(name, of) for name, of in found.items()],
    )


def _series(directory: Path | None, days: int) -> dict[str, np.ndarray]:
    if directory is not None:
        return {path.name: prices.read(path) for path in prices.files(directory)}
    return {
        "a random walk": prices.walk(days, back=0.0, seed=1),
        f"days that go back {_BACK:.0%} of the day before": prices.walk(days, back=_BACK, seed=1),
    }


def _told(directory: Path | None) -> str:
    if directory is not None:
        return "Data: the .csv files of a folder, each a series (`--data-dir`)."
    return (
        f"Data: {_DAYS:,} days each by a SYNTHETIC generator (train/data/prices.py): returns whose spread comes in "
        f"clusters, once such that no forecast can beat the last price, once such that a day goes back {_BACK:.0%} of "
        f"the day before, which a forecast that knows it is {_BACK**2:.0%} better by. "
        "`--data-dir DIR` takes real ones."
    )


def _walked(values: np.ndarray, folds: int, epochs: int) -> _Found:
    found = _Found()
    ends = np.linspace(len(values) * _FIRST, len(values), folds + 1).astype(int)
    for end, after in pairwise(ends):
        known, coming = (
            windows.cut(values[:end], prices.PAST, 1),
            windows.cut(values[end - prices.PAST : after], prices.PAST, 1),
        )
        naive = coming.samples["series"][:, -1, _CLOSE]
        found.linear.append(_better(linear(known, coming), coming, naive))
        found.network.append(_better(network(known, coming, epochs), coming, naive))
    return found


def _better(forecast: np.ndarray, coming: Split, naive: np.ndarray) -> float:
    assert coming.labels is not None
    truth = coming.labels[:, 0, _CLOSE]
    return 1 - float(np.square(forecast - truth).sum() / np.square(naive - truth).sum())


def linear(known: Split, coming: Split) -> np.ndarray:
    """Closing prices, (n,), by ridge regression from what is known."""
    from sklearn.linear_model import Ridge

    x, y, unit = _scaled(known)
    held = int(len(x) * (1 - _HELD))
    fits = [Ridge(alpha=penalty).fit(x[:held], y[:held]) for penalty in _PENALTIES]
    best = min(_PENALTIES, key=lambda p: np.square(fits[_PENALTIES.index(p)].predict(x[held:]) - y[held:]).mean())
    change = Ridge(alpha=best).fit(x, y).predict(_scaled(coming, unit)[0])
    return np.asarray(coming.samples["series"][:, -1, _CLOSE] + change * unit)


def _scaled(split: Split, unit: float = 0.0) -> tuple[np.ndarray, np.ndarray, float]:
    """What is seen, flat and less its mean, and the close's change, both in units of the changes' deviation."""
    assert split.labels is not None
    seen = split.samples["series"].astype(np.float64)
    change = split.labels[:, 0, _CLOSE] - seen[:, -1, _CLOSE]
    unit = unit or float(change.std())
    about = seen - seen[:, -1:, _CLOSE, None]
    return about.reshape(len(seen), -1) / unit, change / unit, unit


def network(known: Split, coming: Split, epochs: int) -> np.ndarray:
    """Closing prices, (n,), by the network as the recipe builds it, at its best epoch on the days held out."""
    assert known.labels is not None
    keras.utils.set_random_seed(0)
    seen = known.samples["series"]
    mean, deviation = seen.mean(axis=(0, 1)), seen.std(axis=(0, 1))
    model = build_rnn_forecast(past=prices.PAST, horizon=1, columns=4, units=_UNITS, dropout=0.3)
    model.compile(keras.optimizers.Adam(1e-3, clipnorm=1.0), "mse")
    held = int(len(seen) * (1 - _HELD))
    x, y = (seen - mean) / deviation, (known.labels - mean) / deviation
    best, weights = float(np.square(x[held:, -1:] - y[held:])[..., _CLOSE].mean()), model.get_weights()
    for _ in range(epochs):
        model.fit(x[:held], y[:held], batch_size=32, verbose=0)
        error = float(np.square(model.predict(x[held:], verbose=0) - y[held:])[..., _CLOSE].mean())
        if error < best:
            best, weights = error, model.get_weights()
    model.set_weights(weights)
    future = model.predict((coming.samples["series"] - mean) / deviation, verbose=0)
    return np.asarray(future[:, 0, _CLOSE] * deviation[_CLOSE] + mean[_CLOSE])


def _said(name: str, found: _Found) -> str:
    parts = []
    for kind, values in (("the linear forecast", found.linear), ("the LSTM", found.network)):
        interval = Interval.of(values)
        told = (
            "beats the last price"
            if interval.low > 0
            else "loses to it"
            if interval.high < 0
            else "can't be told from it"
        )
        parts.append(f"{kind} {told} ({interval.percent(2)}, {sum(v > 0 for v in values)} of {len(values)} stretches)")
    return f"On {name}: {'; '.join(parts)}."


def _drawn(found: dict[str, _Found]) -> Figure:
    figure, axes = drawing.canvas(1, len(found), (4.2 * len(found), 2.8), squeeze=False, sharey=True)
    for at, (name, of) in zip(axes[0], found.items(), strict=True):
        stretches = np.arange(1, len(of.linear) + 1)
        for values, label, colour in ((of.linear, "linear", drawing.ORANGE), (of.network, "LSTM", drawing.BLUE)):
            at.plot(stretches, np.multiply(values, 100), "o-", color=colour, label=label, markersize=3)
        at.axhline(0, color=drawing.INK, linestyle=":", linewidth=1)
        at.set_title(name, fontsize=9)
        at.set(xlabel="stretch", xticks=stretches)
    axes[0, 0].set_ylabel("better than the last price, %")
    axes[0, 0].legend(frameon=False)
    return Figure("walk-forward", drawing.png(figure, dpi=90, colours=96), "Stretch by stretch, against the last price")
