"""Sparse coding: a dictionary by alternation, then an encoder that predicts its codes."""

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
from train.objectives import sparse
from train.objectives.descent import optimizer
from train.objectives.objective import Objective, Picture, Task


class Dictionary(Objective):
    """See `train.fits.Dictionary`. The model is `models.lista`'s."""

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        (x,), (held,) = self.train.tensors.values(), self.validation.tensors.values()
        self._x, self._held = x, held
        self._kernel = model.get_layer("reconstruction").kernel
        rng = np.random.default_rng(settings["seed"])
        first = self._x[rng.choice(len(self._x), self._kernel.shape[0], replace=False)]
        self._kernel.assign(first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12))
        shrinks = [layer for layer in model.layers if layer.name.startswith("shrink")]
        layers = [model.get_layer(name) for name in ("see", "inhibit") if _has(model, name)]
        self._weights = [w for layer in (*layers, *shrinks) for w in layer.trainable_variables]
        self._rule = optimizer(settings, self.steps(len(x)) * settings["epochs"])
        self._rule.build(self._weights)
        self._encoder = keras.Model(model.inputs[0], model.get_layer("code").output)
        self._step = self._compile()
        # Kept with the weights: a resumed run goes on from the same codes.
        self._codes = tf.Variable(tf.zeros((len(x), self._kernel.shape[0])))

    @property
    def epochs(self) -> int:
        return int(self.settings["dictionary_epochs"] + self.settings["epochs"])

    def variables(self) -> list[Any]:
        return [*self.model.variables, *self._rule.variables, self._codes]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """Of the dictionary `loss` is the objective a sample, of the encoder the squared error of its codes."""
        first = self.settings["dictionary_epochs"]
        return self._alternated(index) if index < first else self._encoded(index, index == first, progress)

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """What the encoder's codes cost beside the best ones, and how many atoms a code uses."""
        (x,) = self.ready(dataset.test, "the test split").tensors.values()
        d, sparsity = self._atoms(), self.settings["sparsity"]
        best = self._best(x, d, 1000)
        ours = np.asarray(self._encoder.predict(x, verbose=0), np.float64)
        costs = [float(sparse.cost(x, z, d, sparsity).mean()) for z in (ours, best)]
        return {
            "objective, test": f"{costs[0]:.4f} by the encoder, {costs[1]:.4f} by FISTA ({costs[0] / costs[1]:.3f} x)",
            "atoms a code": f"{(ours != 0).sum(axis=1).mean():.1f} by the encoder, "
            f"{(np.abs(best) > 1e-6).sum(axis=1).mean():.1f} by FISTA, of {len(d)}",
        }

    def draw(self, out: Path, dataset: Dataset) -> list[Picture]:
        d = self._atoms()
        side = math.isqrt(d.shape[1])
        if side * side != d.shape[1]:
            return []
        plots.tiles(out / "dictionary.png", d.reshape(-1, side, side), 16)
        return [Picture("dictionary.png", "The dictionary, an atom a tile")]

    def _alternated(self, index: int) -> dict[str, float]:
        settings, d = self.settings, self._atoms()
        rng = np.random.default_rng([settings["seed"], index])
        z = self._best(self._x, d, settings["iterations"], self._codes.numpy())
        d = sparse.dictionary(self._x, z, d, rng)
        self._codes.assign(z)
        self._kernel.assign(d)
        # The encoder begins as steps of shrinkage: W = D / L, S = 1 - D Dᵀ / L, θ = sparsity / L.
        step = sparse.step_of(d)
        self.model.get_layer("see").kernel.assign(step * d.T)
        if _has(self.model, "inhibit"):
            self.model.get_layer("inhibit").kernel.assign(np.eye(len(d)) - step * d @ d.T)
        for layer in self.model.layers:
            if layer.name.startswith("shrink"):
                layer.threshold.assign(np.full(len(d), step * settings["sparsity"]))
        loss = float(sparse.cost(self._x, z, d, settings["sparsity"]).mean())
        held = self._best(self._held, d, 5 * settings["iterations"])
        validation = float(sparse.cost(self._held, held, d, settings["sparsity"]).mean())
        return {"loss": loss, "validation_loss": validation, "validation_score": self._scored(), "stage": 1.0}

    def _encoded(self, index: int, first: bool, progress: Callable[[float], None]) -> dict[str, float]:
        most = 5 * self.settings["iterations"]
        if first:
            self._codes.assign(self._best(self._x, self._atoms(), most, self._codes.numpy()))
        codes, held = self._codes.numpy(), self._best(self._held, self._atoms(), most)

        def step(chosen: np.ndarray, rng: np.random.Generator, _: float) -> float:
            return float(self._step(self._x[chosen], codes[chosen]))

        mean = self.passed(index, len(codes), step, progress)
        if not math.isfinite(mean):
            return {"loss": mean}
        found = np.asarray(self._encoder(self._held))
        error = float(np.square(found - held).sum(axis=1).mean())
        return {"loss": mean, "validation_loss": error, "validation_score": self._scored(), "stage": 2.0}

    def _scored(self) -> float:
        outputs = self.outputs(self.validation.tensors)
        return float(np.mean(self.values(self.validation, outputs, "the validation split")))

    def _best(self, x: np.ndarray, d: np.ndarray, iterations: int, start: np.ndarray | None = None) -> np.ndarray:
        return sparse.codes(x, d, self.settings["sparsity"], iterations=iterations, start=start)

    def _atoms(self) -> np.ndarray:
        return np.asarray(self._kernel)

    def _compile(self) -> Callable[[Any, Any], Any]:
        encoder, rule, weights = self._encoder, self._rule, self._weights

        @tf.function(reduce_retracing=True)
        def step(x: Any, wanted: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.reduce_sum(tf.square(encoder(x, training=True) - wanted), axis=1))
            rule.apply(tape.gradient(loss, weights), weights)
            return loss

        found: Callable[[Any, Any], Any] = step
        return found


def _has(model: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)
