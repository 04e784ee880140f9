"""Long memory: plain recurrent units, LSTM and GRU on the adding problem, and how far gradients reach back in time.

Hochreiter and Schmidhuber 1997, "Long short-term memory", experiment 4: of two rows of numbers, one drawn from [0, 1],
the other marking two of its time steps, a network tells after the last step the sum of the two that were marked.
Bengio, Simard and Frasconi 1994 say why a plain recurrent network can't learn it once the steps lie far apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from train import drawing
from train.study.intervals import HOW, Interval
from train.study.page import Figure, Page, Table
from train.study.request import Request

# As many units as make about 4,500 parameters of each kind.
_UNITS = {"SimpleRNN": 65, "LSTM": 32, "GRU": 37}
_LENGTHS, _STEPS, _BATCH, _RATE, _CLIP = (10, 30, 60, 100), 2500, 64, 3e-3, 1.0
_TEST, _PROBED = 1000, 64
_GUESSING = 1 / 6  # the variance of a sum of two uniform numbers: what saying 1 always is off by
_LEARNED = 0.02


@dataclass
class _Found:
    """By seed: squared error on the test sequences; the gradient's norm by time step before and after training."""

    error: list[float] = field(default_factory=list)
    before: list[np.ndarray] = field(default_factory=list)
    after: list[np.ndarray] = field(default_factory=list)


Runs = dict[tuple[str, int], _Found]


def sequences(n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The adding problem: (n, length, 2) float32 numbers and marks, (n, 1) sums; a mark in each half."""
    series = np.zeros((n, length, 2), np.float32)
    series[..., 0] = rng.uniform(0, 1, (n, length))
    rows, half = np.arange(n), length // 2
    marked = rng.integers(0, half, n), rng.integers(half, length, n)
    for at in marked:
        series[rows, at, 1] = 1.0
    first, second = (series[rows, at, 0] for at in marked)
    return series, np.asarray(first + second)[:, None]


def study(request: Request) -> Page:
    """Train each kind of unit at each length, and measure its gradient by time step."""
    seeds = request.seeds_or(3)
    lengths, steps = (_LENGTHS[:1], 60) if request.tiny else (_LENGTHS, _STEPS)
    runs: Runs = {(kind, length): _Found() for length in lengths for kind in _UNITS}
    for (kind, length), found in runs.items():
        for seed in seeds:
            _run(kind, length, seed, steps, found)
    longest = lengths[-1]
    reach = {kind: _reach(runs[kind, longest].before) for kind in _UNITS}
    counts = {kind: sum(int(np.prod(w.shape)) for w in _network(kind, longest).weights) for kind in _UNITS}
    rows = [
        [
            kind,
            f"{counts[kind]:,}",
            *(Interval.of(runs[kind, length].error).told(4) for length in lengths),
            f"10^({Interval.of(reach[kind]).told(1)})",
            f"10^({Interval.of(_reach(runs[kind, longest].after)).told(1)})",
        ]
        for kind in _UNITS
    ]
    ends = {kind: [Interval.of(runs[kind, length].error).mean for length in lengths] for kind in _UNITS}
    shows = [
        *(_learned(kind, ends[kind], lengths) for kind in _UNITS),
        f"Before training, over {longest} steps, the gradient that reaches the first step is smaller than the one at "
        "the last by the power of ten in the table: the product of as many Jacobians, each of which shrinks it "
        f"(for SimpleRNN by {10 ** (float(np.mean(reach['SimpleRNN'])) / (longest - 1)):.2f} a step).",
        "An LSTM's memory cell passes its error on multiplied by the forget gate, which starts near 0.73 (a bias of "
        "1), and a GRU's state by its update gate, which starts near 0.5: neither is long before it is trained. What "
        "training can do is open the gates: the last column is where it has brought them.",
    ]
    return Page(
        title="Long memory: the adding problem",
        asked="How far back in time does a gradient reach in a plain recurrent network, an LSTM and a GRU, and how "
        "long a memory can each of them learn?",
        how=[
            "Data: SYNTHETIC, as the problem is defined: a number from [0, 1] at each time step, two steps marked, one "
            "in each half; the sum of the two is asked after the last. New sequences at every step, "
            f"{_TEST:,} others to test. Saying 1 always is off by 1/6 = {_GUESSING:.4f} (mean squared error).",
            "Networks: one recurrent layer of Keras as it comes (orthogonal recurrent weights, tanh) and one linear "
            "unit; " + ", ".join(f"{units} {kind} units" for kind, units in _UNITS.items()) + ".",
            f"Training: Adam, rate {_RATE:g}, gradients of norm {_CLIP:g} at most, batch {_BATCH}, {steps:,} steps.",
            "The gradient by time step is the norm of the error's derivative by the state after that step (an LSTM's "
            f"output and cell, each with the other held), the mean over {_PROBED} sequences.",
            f"Seeds: {', '.join(map(str, seeds))}. {HOW}",
        ],
        results=[
            Table(
                [
                    "units",
                    "parameters",
                    *(f"squared error, {length} steps" for length in lengths),
                    "gradient at the first step / at the last, before training",
                    "after it",
                ],
                rows,
            ),
            _drawn(runs, lengths),
        ],
        shows=shows,
    )


def _learned(kind: str, errors: list[float], lengths: tuple[int, ...]) -> str:
    done = [length for length, error in zip(lengths, errors, strict=True) if error < _LEARNED]
    if not done:
        return f"{kind} learns none of the lengths (a squared error below {_LEARNED:g} counts as learned)."
    left = [length for length in lengths if length not in done]
    return f"{kind} learns {', '.join(map(str, done))} steps" + (
        f", and not {', '.join(map(str, left))}." if left else ", all that were tried."
    )


def _network(kind: str, length: int) -> keras.Model:
    series = keras.Input((length, 2), name="series")
    x = getattr(keras.layers, kind)(_UNITS[kind], name="recurrent")(series)
    return keras.Model(series, keras.layers.Dense(1, name="sum")(x))


def _run(kind: str, length: int, seed: int, steps: int, found: _Found) -> None:
    keras.utils.set_random_seed(seed)
    model = _network(kind, length)
    rng = np.random.default_rng([1997, seed])
    probe, test = sequences(_PROBED, length, rng), sequences(_TEST, length, rng)
    found.before.append(gradients(model, *probe))
    optimizer = keras.optimizers.Adam(_RATE, global_clipnorm=_CLIP)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(series: Any, wanted: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(series, training=True) - wanted))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for _ in range(steps):
        step(*map(tf.constant, sequences(_BATCH, length, rng)))
    found.after.append(gradients(model, *probe))
    found.error.append(float(np.mean(np.square(model(test[0], training=False).numpy() - test[1]))))


def gradients(model: keras.Model, series: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Norm of the squared error's derivative by the state after each time step, (time,), the mean over sequences."""
    layer = model.get_layer("recurrent")
    with tf.GradientTape() as tape:
        state, each = layer.get_initial_state(len(series)), []
        for time in range(series.shape[1]):
            _, state = layer.cell(tf.constant(series[:, time]), state)
            state = [tf.identity(part) for part in state]  # an LSTM's output and cell, each with the other held
            each.append(state)
        loss = tf.reduce_sum(tf.square(model.get_layer("sum")(state[0]) - wanted))
    found = tape.gradient(loss, each, unconnected_gradients="zero")
    return np.array([np.linalg.norm(np.concatenate([g.numpy() for g in of], axis=1), axis=1).mean() for of in found])


def _reach(norms: list[np.ndarray]) -> list[float]:
    """Decimal logarithm of the first step's norm over the last's, by seed."""
    return [float(np.log10(max(n[0], 1e-30) / max(n[-1], 1e-30))) for n in norms]


def _drawn(runs: Runs, lengths: tuple[int, ...]) -> Figure:
    figure, (left, middle, right) = drawing.canvas(1, 3, (11.5, 3.2))
    for kind, colour in zip(_UNITS, drawing.COLOURS, strict=False):
        ends = [Interval.of(runs[kind, length].error) for length in lengths]
        low, high = ([max(getattr(end, side), 1e-6) for end in ends] for side in ("low", "high"))
        drawing.band(
            left, lengths, [end.mean for end in ends], low, high, color=colour, label=kind, marker="o", markersize=3
        )
        for axes, when in ((middle, "before"), (right, "after")):
            norms = np.exp(np.mean([np.log(np.maximum(n, 1e-30)) for n in getattr(runs[kind, lengths[-1]], when)], 0))
            axes.plot(np.arange(1, len(norms) + 1) - len(norms), norms / norms[-1], color=colour, label=kind)
    left.axhline(_GUESSING, color=drawing.INK, linestyle=":", linewidth=1)
    left.annotate("guessing", (lengths[0], _GUESSING), xytext=(0, 3), textcoords="offset points", fontsize=8)
    left.set(yscale="log", xlabel="time steps", ylabel="squared error", xticks=lengths)
    for axes, when in ((middle, "before training"), (right, "after training")):
        axes.set(yscale="log", xlabel="time steps before the last", ylabel="gradient, relative to the last step's")
        axes.set_title(f"{lengths[-1]} steps, {when}", fontsize=9)
    left.legend(frameon=False)
    shows = "Squared error by length with 95% intervals; gradient by time step, geometric mean over seeds"
    return Figure("adding", drawing.png(figure, dpi=90, colours=96), shows)
