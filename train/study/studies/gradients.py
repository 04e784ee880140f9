"""Vanishing and exploding gradients: norms of weights and gradients by layer over training, and the cures.

Hochreiter 1991 and Bengio, Simard, Frasconi 1994 describe the effect; Glorot and Bengio 2010 and He et al. 2015 cure it
by the scale of the first weights, Ioffe and Szegedy 2015 by normalizing, Pascanu, Mikolov, Bengio 2013 by clipping.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from models.mlp import build_mlp
from train import drawing
from train.study import fitting
from train.study.fitting import Network
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

_DEPTH, _UNITS, _RATE, _BATCH, _EPOCHS = 10, 50, 0.05, 32, 20
_GUESSING = 0.15  # of ten classes, with room for chance


@dataclass(frozen=True)
class _Setup:
    name: str
    activation: str
    batch_norm: bool = False
    scale: float = 1.0  # of He's weights
    small: float = 0.0  # standard deviation of the weights, instead of He's
    clip: float | None = None


_SETUPS = (
    _Setup("sigmoid, N(0, 0.1²)", "sigmoid", small=0.1),
    _Setup("sigmoid, batch norm", "sigmoid", small=0.1, batch_norm=True),
    _Setup("ReLU, 2 x He", "relu", scale=2.0),
    _Setup("ReLU, 2 x He, clipped", "relu", scale=2.0, clip=1.0),
    _Setup("ReLU, He", "relu"),
)


@dataclass
class _Found:
    """By seed: norms (epochs + 1, layers), the first row before training; loss and accuracy at the end."""

    gradient: list[np.ndarray]
    weight: list[np.ndarray]
    loss: list[float]
    accuracy: list[float]

    def ratio(self) -> list[float]:
        """Norm of the first layer's gradient over the last's, before training."""
        return [float(g[0, 0] / g[0, -1]) for g in self.gradient]


def study(request: Request) -> Page:
    """Train five deep networks and draw their norms."""
    seeds = request.seeds_or(5)
    epochs = 2 if request.tiny else _EPOCHS
    found = {setup: _run(setup, seeds, epochs) for setup in _SETUPS}
    rows = [
        [
            setup.name,
            _power(Interval.of(np.log10(f.ratio()))),
            f"{np.mean([g[0, -1] for g in f.gradient]):.2g}",
            Interval.of(f.loss).told(2),
            Interval.of(f.accuracy).percent(),
        ]
        for setup, f in found.items()
    ]
    vanishing, _, exploding, _, he = found.values()
    factor = float(np.exp(np.mean(np.log(vanishing.ratio())) / _DEPTH))
    last = [float(np.mean([g[0, -1] for g in f.gradient])) for f in (exploding, he)]
    ends = [Interval.of(f.accuracy) for f in found.values()]
    best = int(np.argmax([end.mean for end in ends]))
    shows = [
        f"Vanishing: with small sigmoids each layer passes {factor:.2f} of the gradient's norm on to the one below; "
        f"over {_DEPTH} layers that is the power of ten in the table. The network ends at {ends[0].percent()}"
        + (", which is guessing." if ends[0].high < _GUESSING else "."),
        f"Exploding: weights twice He's double the activations at each layer on the way up and the errors on the way "
        f"down, so every layer's gradient is larger, by a factor of {last[0] / last[1]:,.0f} in the last. The "
        f"first steps throw the weights away, and it ends at {ends[2].percent()}.",
        f"Cures: batch normalization before each sigmoid brings the vanishing network to {ends[1].percent()}. Clipping "
        f"the gradient's norm at 1 brings the exploding one to {ends[3].percent()}: it shortens the step and leaves "
        f"the layers' shares as they are. He's scale, which keeps the norms alike from the start, gives "
        f"{ends[4].percent()}.",
        f"Best here: {_SETUPS[best].name}, {ends[best].percent()}.",
    ]
    return Page(
        title="Vanishing and exploding gradients",
        asked="What becomes of the gradient on its way down through ten layers, what does that do to training, and "
        "what helps?",
        how=[
            fitting.DATA,
            f"Network: {_DEPTH} hidden layers of {_UNITS} units and a softmax (`models/mlp.py`), cross-entropy.",
            f"Training: plain stochastic gradient descent, learning rate {_RATE:g}, batch {_BATCH}, {epochs} epochs; "
            "no augmentation, no dropout.",
            "A layer's norm is the Euclidean norm of its matrix, or of the gradient with respect to it: before "
            "training over the whole training split (epoch 0), then the mean over each epoch's steps.",
            f"Seeds: {', '.join(map(str, seeds))}. {HOW} A run whose loss is not finite ends there; accuracy then "
            "counts as no right decision.",
        ],
        results=[
            Table(
                [
                    "network",
                    "gradient of the first layer / of the last, before training",
                    "the last's",
                    "training loss at the end",
                    "test accuracy",
                ],
                rows,
            ),
            _drawn("gradients", "gradient", found, epochs),
            _drawn("gradients-weights", "weight", found, epochs),
        ],
        shows=shows,
    )


def _run(setup: _Setup, seeds: range, epochs: int) -> _Found:
    def build() -> keras.Model:
        return build_mlp(
            hidden=(_UNITS,) * _DEPTH, activation=setup.activation, batch_norm=setup.batch_norm, dropout=0.0
        )

    def prepare(model: keras.Model, rng: np.random.Generator) -> None:
        for variable in model.trainable_variables:
            if len(variable.shape) > 1:
                small = setup.small * rng.standard_normal(variable.shape)
                variable.assign(small if setup.small else setup.scale * variable.numpy())

    optimizer = keras.optimizers.SGD(_RATE, global_clipnorm=setup.clip)
    network = Network(build, optimizer, prepare)
    train, _, test = fitting.parts()
    found = _Found([], [], [], [])
    for seed in seeds:
        network.start(seed)
        kernels = network.kernels()
        first = np.array([np.linalg.norm(g) for g in network.gradients(train)])[kernels]
        weights = np.array([np.linalg.norm(v.numpy()) for v in network.model.trainable_variables])[kernels]
        history = network.fit(train, seed=seed, epochs=epochs, batch=_BATCH)
        found.gradient.append(np.array([first, *[g[kernels] for g in history.gradient]]))
        found.weight.append(np.array([weights, *[w[kernels] for w in history.weight]]))
        found.loss.append(history.loss[-1])
        found.accuracy.append(network.accuracy(test))
    return found


def _drawn(name: str, what: str, found: dict[_Setup, _Found], epochs: int) -> Figure:
    import matplotlib

    figure, axes = drawing.canvas(1, len(found), (11.5, 2.9), sharey=True)
    shades = matplotlib.colormaps["viridis_r"](np.linspace(0.08, 0.95, _DEPTH + 1))
    for axis, (setup, f) in zip(axes, found.items(), strict=True):
        runs: list[np.ndarray] = getattr(f, what)
        length = min(int(np.isfinite(run).all(axis=1).sum()) for run in runs)
        middle = np.exp(np.mean([np.log(np.maximum(run[:length], 1e-30)) for run in runs], axis=0))
        for layer in range(middle.shape[1]):
            label = {0: "first layer", middle.shape[1] - 1: "last layer"}.get(layer)
            mark = "o" if length == 1 else None  # a run that was over before its first epoch was
            axis.plot(range(length), middle[:, layer], color=shades[layer], linewidth=1.1, label=label, marker=mark)
        if length <= epochs:
            said = f"not finite\nin epoch {length}"
            axis.text(0.5, 0.5, said, ha="center", transform=axis.transAxes, fontsize=8, color=drawing.ORANGE)
        axis.set(yscale="log", xlabel="epoch", xlim=(-0.6, epochs))
        axis.set_title(setup.name, fontsize=8.5, parse_math=False)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel(f"norm of the {what}" + ("s" if what == "weight" else ""))
    axes[-1].legend(frameon=False, fontsize=7.5)
    shows = f"Norm of each layer's {what}, geometric mean over seeds, from the first layer (light) to the last (dark)"
    return Figure(name, drawing.png(figure, dpi=90, colours=96), shows)


def _power(interval: Interval) -> str:
    """A ratio's decimal logarithm as a power of ten."""
    return "not finite" if not np.isfinite(interval.mean) else f"10^({interval.told(1)})"
