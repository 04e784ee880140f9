"""A Helmholtz machine, taught by the wake-sleep algorithm."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from train import plots
from train.data import Dataset
from train.objectives.boltzmann import drawn
from train.objectives.objective import Objective, Picture, Task

_SHOWN = 64


class WakeSleep(Objective):
    """See `train.fits.WakeSleep`. The model is `models.helmholtz`'s."""

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        names = {layer.name for layer in model.layers}
        self._depth = sum(name.startswith("recognize") and not name.startswith("recognized") for name in names)
        self._recognize = [model.get_layer(f"recognize{i + 1}") for i in range(self._depth)]
        self._generate = [model.get_layer(f"generate{i + 1}") for i in range(self._depth)]
        self._top = model.get_layer("cost").top_bias
        self._step = self._compile()
        self._x = self.train.flat()

    def variables(self) -> list[Any]:
        return list(self.model.variables)

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """`loss` is the mean description length, in nats, of the training samples as the epoch found them."""

        def step(chosen: np.ndarray, rng: np.random.Generator, share: float) -> float:
            seeds = rng.integers(0, 2**31 - 1, (2 * self._depth + 3, 2), dtype=np.int32)
            return float(self._step(self._x[chosen], seeds, self.rate(index, share)))

        mean = self.passed(index, len(self._x), step, progress)
        if not math.isfinite(mean):
            return {"loss": mean}
        outputs = self.outputs(self.validation.tensors)
        return {
            "loss": mean,
            "validation_loss": float(outputs["cost"].mean()),
            "validation_score": float(np.mean(self.values(self.validation, outputs, "the validation split"))),
        }

    def facts(self, dataset: Dataset) -> dict[str, str]:
        outputs = self.outputs(self.ready(dataset.test, "the test split").tensors)
        return {"description length": f"{outputs['cost'].mean():.1f} nats a test sample, in mean field"}

    def draw(self, out: Path, dataset: Dataset) -> list[Picture]:
        seeds = np.random.default_rng(self.settings["seed"]).integers(0, 2**31 - 1, (self._depth, 2), dtype=np.int32)
        _, means = self._dream(_SHOWN, seeds)
        side = math.isqrt(self._x.shape[1])
        plots.tiles(out / "samples.png", np.asarray(means).reshape(-1, side, side), 16)
        return [Picture("samples.png", "What it dreams: means of the pixels given samples from the top down")]

    def _dream(self, count: int, seeds: Any) -> tuple[list[Any], Any]:
        """Samples of each hidden layer from the first up, and the means of the visible units."""
        top = tf.tile(tf.sigmoid(tf.convert_to_tensor(self._top))[None], [count, 1])
        states = [drawn(top, seeds[0])]
        for i in range(self._depth - 1, 0, -1):
            states.insert(0, drawn(_means(self._generate[i], states[0]), seeds[self._depth - i]))
        return states, _means(self._generate[0], states[0])

    def _compile(self) -> Callable[[Any, Any, Any], Any]:
        depth, recognize, generate, top = self._depth, self._recognize, self._generate, self._top

        @tf.function(reduce_retracing=True)
        def step(x: Any, seeds: Any, rate: Any) -> Any:
            v = drawn(x, seeds[0])  # a pixel between black and white is one or the other, so often
            # Wake: what is recognized teaches what generates it.
            states, likelihood = [v], tf.zeros(tf.shape(v)[0])
            for i in range(depth):
                q = _means(recognize[i], states[-1])
                states.append(drawn(q, seeds[1 + i]))
                likelihood += _log(states[-1], q)
            cost = likelihood - _log(states[-1], tf.sigmoid(tf.convert_to_tensor(top)))
            for i in range(depth):
                cost -= _log(states[i], _means(generate[i], states[i + 1]))
                _delta(generate[i], states[i + 1], states[i], rate)
            bias = tf.convert_to_tensor(top)
            top.assign(bias + rate * tf.reduce_mean(states[-1] - tf.sigmoid(bias), 0))
            # Sleep: what is dreamt teaches what recognizes it.
            dreamt, means = self._dream(tf.shape(v)[0], seeds[1 + depth : 1 + 2 * depth])
            dreamt = [drawn(means, seeds[1 + 2 * depth]), *dreamt]
            for i in range(depth):
                _delta(recognize[i], dreamt[i], dreamt[i + 1], rate)
            return tf.reduce_mean(cost)

        found: Callable[[Any, Any, Any], Any] = step
        return found


def _means(layer: Any, x: Any) -> Any:
    return tf.sigmoid(x @ tf.convert_to_tensor(layer.kernel) + tf.convert_to_tensor(layer.bias))


def _log(state: Any, mean: Any) -> Any:
    """Log probability of Bernoulli states, (batch,)."""
    p = tf.clip_by_value(mean, 1e-6, 1 - 1e-6)
    return tf.reduce_sum(state * tf.math.log(p) + (1 - state) * tf.math.log(1 - p), axis=-1)


def _delta(layer: Any, given: Any, wanted: Any, rate: Any) -> None:
    """The delta rule: weights move by the product of input and error."""
    error = wanted - _means(layer, given)
    n = tf.cast(tf.shape(given)[0], given.dtype)
    layer.kernel.assign(tf.convert_to_tensor(layer.kernel) + rate * tf.matmul(given, error, transpose_a=True) / n)
    layer.bias.assign(tf.convert_to_tensor(layer.bias) + rate * tf.reduce_mean(error, 0))
