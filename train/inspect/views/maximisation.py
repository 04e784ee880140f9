"""Activation maximisation: the input that each class, or each channel of a layer, answers to most.

Erhan et al. 2009, "Visualizing higher-layer features of a deep network", climb the gradient of a unit's activation
from noise; Simonyan et al. 2014, section 2, do so for class scores, with a penalty on the squared norm of the input.
The blur between steps, against the high frequencies that otherwise win, is from Yosinski et al. 2015.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from train import drawing
from train.inspect import tiles
from train.inspect.subject import Absent, Picture, Subject, as_picture

_MOST = 30


@dataclass(frozen=True)
class Ascent:
    """How to climb; every length is in units of the input's range.

    Attributes:
        steps: of gradient ascent.
        rate: root mean square of a step, falling linearly to a tenth.
        decay: share of the distance from zero that each step takes away: the squared norm's penalty.
        blur: standard deviation in pixels of the Gaussian after every fourth step.
        noise: half-width of the uniform noise around zero at the start.
    """

    steps: int = 120
    rate: float = 0.05
    decay: float = 0.02
    blur: float = 0.6
    noise: float = 0.1


@dataclass(frozen=True)
class Found:
    """Inputs (n, ...) and the activation of unit i for input i, before and after the ascent."""

    inputs: np.ndarray
    before: np.ndarray
    after: np.ndarray


def draw(subject: Subject) -> list[Picture]:
    """One picture: what each class, or with `subject.layer` each channel of it, answers to most."""
    activation, what = target(subject)
    units = list(range(min(int(activation.shape[1]), _MOST)))
    found = maximise(subject, activation, units)
    columns = min(len(units), 10 if len(units) <= 10 else 6)
    rows = math.ceil(len(units) / columns)
    figure, axes = drawing.canvas(rows, columns, (0.95 * columns + 0.2, 1.25 * rows), squeeze=False)
    for axis in axes.ravel():
        drawing.bare(axis)
    for axis, unit, value, score in zip(axes.ravel(), units, found.inputs, found.after, strict=False):
        picture = as_picture(value)
        assert picture is not None
        axis.imshow(tiles.stretched(picture), cmap="gray", interpolation="nearest")
        name = str(unit) if subject.layer else subject.told(unit)
        axis.set_title(f"{name}: {score:.3g}", fontsize=8, parse_math=False)
    cut = f", the first {_MOST}" if int(activation.shape[1]) > _MOST else ""
    caption = f"{what}{cut}; above each picture the activation that it reaches, from "
    caption += f"{found.before.mean():.3g} on average for the noise (seed {subject.seed}) where it began."
    return [Picture("maximisation", drawing.png(figure), caption)]


def target(subject: Subject) -> tuple[Any, str]:
    """What is climbed, symbolic and (batch, units), and what it is in words."""
    if not subject.layer:
        return subject.scores, "The score of each class"
    output = subject.call(subject.layer).outputs[0]
    between = tuple(range(1, len(output.shape) - 1))
    if len(output.shape) < 2 or output.shape[-1] is None:
        raise Absent(
            "inspect: maximisation needs a layer with channels.",
            received=f'"{subject.layer}" of shape {tuple(output.shape)}',
            fix="choose another layer",
        )
    if between:
        return keras.ops.mean(output, axis=between), f'Each channel of layer "{subject.layer}", its mean over places'
    return output, f'Each unit of layer "{subject.layer}"'


def maximise(subject: Subject, activation: Any, units: list[int], how: Ascent | None = None) -> Found:
    """Climb from noise, all units side by side.

    Args:
        activation: symbolic, (batch, units), of a network with one input that can be seen as a picture.

    Raises:
        Absent: another kind of network.
    """
    how = how or Ascent()
    which = subject.picture_input
    if len(subject.model.inputs) > 1:
        raise Absent(
            "inspect: maximisation needs a network with one input.",
            received=", ".join(t.name for t in subject.model.inputs),
            fix="--only the other views",
        )
    low, high = subject.bounds(which)
    rest, span = float(np.clip(0.0, low, high)), high - low
    shape = tuple(subject.model.inputs[which].shape[1:])
    rng = np.random.default_rng(subject.seed)
    noise = rest + how.noise * span * rng.uniform(-1, 1, (len(units), *shape))
    reach = keras.Model(subject.model.inputs, activation)
    rows = tf.stack([tf.range(len(units)), tf.constant(units)], axis=1)
    kernel = _gaussian(how.blur, shape[-1]) if len(shape) == 3 else None

    @tf.function
    def step(x: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.gather_nd(reach([x], training=False), rows))
        slope = tape.gradient(total, x)
        size = tf.sqrt(tf.reduce_mean(tf.square(slope), axis=list(range(1, len(x.shape))), keepdims=True))
        moved = x + rate * span * slope / (size + 1e-12)
        return tf.clip_by_value(rest + (1 - how.decay) * (moved - rest), low, high)

    start = tf.constant(np.clip(noise, low, high), tf.float32)
    x = start
    for i in range(how.steps):
        x = step(x, tf.constant(how.rate * (1 - 0.9 * i / how.steps), tf.float32))
        if kernel is not None and how.blur and i % 4 == 3 and i < how.steps - 8:
            x = tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME")
    before, after = (tf.gather_nd(reach([v], training=False), rows).numpy() for v in (start, x))
    return Found(x.numpy(), before, after)


def _gaussian(deviation: float, channels: int) -> Any:
    """A kernel (5, 5, channels, 1) whose weights sum to 1 in each channel."""
    line = np.exp(-0.5 * (np.arange(-2, 3) / max(deviation, 1e-6)) ** 2)
    square = np.outer(line, line) / line.sum() ** 2
    return tf.constant(np.repeat(square[:, :, None, None], channels, axis=2), tf.float32)
