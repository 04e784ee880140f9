"""First weights: zeros, large, Xavier, He; what they do to activations, gradients and the loss.

Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks" (Xavier); He et al.
2015, "Delving deep into rectifiers" (He).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from models.mlp import INITIALISATIONS, build_mlp
from train import drawing
from train.study import fitting
from train.study.fitting import Network
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

_DEPTH, _UNITS, _RATE, _BATCH, _EPOCHS = 6, 80, 0.005, 32, 15
_ACTIVATIONS = ("tanh", "relu")


@dataclass
class _Found:
    """By seed: spread of each layer's activations and gradients before training, loss by epoch, accuracy."""

    activation: list[np.ndarray]
    gradient: list[np.ndarray]
    loss: list[list[float]]
    accuracy: list[float]


def study(request: Request) -> Page:
    """Train each initialisation under two activations."""
    seeds = request.seeds_or(5)
    epochs = 2 if request.tiny else _EPOCHS
    found = {(a, i): _run(a, i, seeds, epochs) for a in _ACTIVATIONS for i in INITIALISATIONS}
    rows = [
        [
            f"{activation}, {name}",
            f"{_mean(f.activation)[0]:.2g}",
            f"{_mean(f.activation)[-1]:.2g}",
            f"{_mean(f.gradient)[0]:.2g}",
            f"{_mean(f.gradient)[-1]:.2g}",
            Interval.of([losses[-1] for losses in f.loss]).told(3),
            Interval.of(f.accuracy).percent(),
        ]
        for (activation, name), f in found.items()
    ]
    test = fitting.parts()[2]
    guess = float(np.bincount(test.labels).max() / len(test))
    ends = {key: Interval.of(f.accuracy) for key, f in found.items()}
    kept = {key: _mean(f.activation)[-1] / max(_mean(f.activation)[0], 1e-30) for key, f in found.items()}
    best = {a: max(INITIALISATIONS, key=lambda i: ends[a, i].mean) for a in _ACTIVATIONS}
    zeros = [ends[a, "zeros"] for a in _ACTIVATIONS]
    shows = [
        f"Zeros end at {zeros[0].percent()} with tanh and {zeros[1].percent()} with ReLU; always naming the commonest "
        f"class of the test split gives {guess:.1%}. All activations are 0, and so is every matrix's gradient.",
        f"Large weights, N(0, 100): tanh saturates, its activations spread by "
        f"{_mean(found['tanh', 'large'].activation)[-1]:.2f} of at most 1, and it ends at "
        f"{ends['tanh', 'large'].percent()}; with ReLU they grow to "
        f"{_mean(found['relu', 'large'].activation)[-1]:.1e} and it ends at {ends['relu', 'large'].percent()}.",
        f"From the first hidden layer to the last the spread of ReLU's activations is multiplied by "
        f"{kept['relu', 'he']:.2f} under He and {kept['relu', 'xavier']:.2f} under Xavier, which leaves out the half "
        f"that ReLU cuts; tanh's by {kept['tanh', 'xavier']:.2f} under Xavier.",
        f"Best on average: {best['tanh']} for tanh ({ends['tanh', best['tanh']].percent()}), {best['relu']} for ReLU "
        f"({ends['relu', best['relu']].percent()}). With {_DEPTH} layers Xavier and He are close"
        + (
            ", their intervals overlap."
            if all(_overlap(ends[a, "xavier"], ends[a, "he"]) for a in _ACTIVATIONS)
            else "; not all of their intervals overlap."
        ),
    ]
    return Page(
        title="First weights",
        asked="Why not start from zeros? Why not from large numbers? And what do Xavier's and He's scales keep?",
        how=[
            fitting.DATA,
            f"Network: {_DEPTH} hidden layers of {_UNITS} units and a softmax (`models/mlp.py`), tanh or ReLU, biases "
            "zero at the start.",
            "Weights of a layer with n inputs and m outputs: zeros; large, N(0, 100); Xavier, uniform with variance "
            "2/(n + m); He, normal with variance 2/n.",
            f"Training: stochastic gradient descent with momentum 0.9, learning rate {_RATE:g}, batch {_BATCH}, "
            f"{epochs} epochs.",
            "Spreads are standard deviations over units and over the whole training split before the first step: of "
            "the hidden layers' outputs, and of the entries of each layer's gradient.",
            f"Seeds: {', '.join(map(str, seeds))}. {HOW} A run whose loss is not finite ends there; accuracy then "
            "counts as no right decision.",
        ],
        results=[
            Table(
                [
                    "network",
                    "activations' spread, first layer",
                    "last hidden layer",
                    "gradients' spread, first layer",
                    "output layer",
                    "training loss at the end",
                    "test accuracy",
                ],
                rows,
            ),
            _losses(found, epochs),
            _spreads(found),
        ],
        shows=shows,
    )


def _run(activation: str, initialisation: str, seeds: range, epochs: int) -> _Found:
    def build() -> keras.Model:
        return build_mlp(hidden=(_UNITS,) * _DEPTH, activation=activation, initialisation=initialisation, dropout=0.0)

    network = Network(build, keras.optimizers.SGD(_RATE, momentum=0.9))
    hidden = [network.model.get_layer(f"{activation}{i}").output for i in range(1, _DEPTH + 1)]
    reach = keras.Model(network.model.inputs, hidden)
    train, _, test = fitting.parts()
    found = _Found([], [], [], [])
    for seed in seeds:
        network.start(seed)
        found.activation.append(np.array([np.std(v) for v in reach([train.images], training=False)]))
        gradients = network.gradients(train)
        found.gradient.append(np.array([np.std(gradients[i]) for i in network.kernels()]))
        found.loss.append(network.fit(train, seed=seed, epochs=epochs, batch=_BATCH).loss)
        found.accuracy.append(network.accuracy(test))
    return found


def _losses(found: dict[tuple[str, str], _Found], epochs: int) -> Figure:
    figure, axes = drawing.canvas(1, 2, (9, 3.2), sharey=True)
    for axis, activation in zip(axes, _ACTIVATIONS, strict=True):
        for colour, name in zip(drawing.COLOURS, INITIALISATIONS, strict=False):
            for i, losses in enumerate(found[activation, name].loss):
                label = name if i == 0 else None
                axis.plot(range(1, len(losses) + 1), losses, color=colour, linewidth=0.9, alpha=0.8, label=label)
        axis.set(xlabel="epoch", yscale="log", title=activation, xlim=(1, epochs), ylim=(1e-3, 1e5))
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("training loss")
    axes[0].legend(frameon=False, ncols=2)
    return Figure(
        "initialisation",
        drawing.png(figure, dpi=90, colours=96),
        "Training loss by epoch, a line a seed, where it is finite",
    )


def _spreads(found: dict[tuple[str, str], _Found]) -> Figure:
    figure, axes = drawing.canvas(2, 2, (9, 5), sharex="row")
    for column, activation in enumerate(_ACTIVATIONS):
        for colour, name in zip(drawing.COLOURS, INITIALISATIONS, strict=False):
            f = found[activation, name]
            for axis, runs in ((axes[0][column], f.activation), (axes[1][column], f.gradient)):
                middle = _mean(runs)
                if (middle > 0).any():  # zeros have no place on a logarithmic axis
                    axis.plot(range(1, len(middle) + 1), middle, color=colour, marker="o", markersize=3, label=name)
        axes[0][column].set(title=activation, yscale="log", xlabel="hidden layer")
        axes[1][column].set(yscale="log", xlabel="layer, the last is the output")
    axes[0][0].set_ylabel("spread of activations")
    axes[1][0].set_ylabel("spread of gradients")
    axes[0][0].legend(frameon=False)
    shows = "Standard deviation of activations and gradients by layer before training, mean over seeds"
    return Figure("initialisation-spread", drawing.png(figure, dpi=90, colours=96), shows)


def _mean(runs: list[np.ndarray]) -> np.ndarray:
    return np.asarray(np.mean(runs, axis=0))


def _overlap(a: Interval, b: Interval) -> bool:
    return a.low <= b.high and b.low <= a.high
