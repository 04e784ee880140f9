"""A restricted Boltzmann machine, taught by contrastive divergence."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from train import plots
from train.data import Dataset
from train.objectives.boltzmann import Machine, log_odds
from train.objectives.divergence import Divergence
from train.objectives.objective import Objective, Picture, Task

_GAP_SAMPLES = 1000
_LIKELIHOOD_SAMPLES = 1000
_SHOWN = 64


class Contrastive(Objective):
    """See `train.fits.Contrastive`. The model's layer "machine" is a `models.layers.Boltzmann`."""

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        layer = model.get_layer("machine")
        self.machine = Machine(layer.kernel, layer.back_bias, layer.bias, layer.gaussian)
        self._train, self._held = self.train.flat(), self.validation.flat()
        mean = self._train.mean(axis=0)
        # Section 8.1: p is the share of samples in which the unit is on.
        layer.back_bias.assign(mean if layer.gaussian else log_odds(mean, len(self._train)))
        self._divergence = Divergence(
            self.machine,
            batch=settings["batch"],
            gibbs_steps=settings["steps"],
            persistent=settings["persistent"],
            weight_decay=settings["weight_decay"],
        )

    def variables(self) -> list[Any]:
        return [*self.model.variables, *self._divergence.variables()]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """Besides what every epoch tells: the gap between the mean free energies of held-out and training samples,
        which grows when a machine overfits (section 6), and of Bernoulli units the pseudo-likelihood a sample and the
        Kullback-Leibler divergence of the reconstruction a pixel."""
        settings = self.settings
        momentum = settings["momentum"] if index >= settings["momentum_after"] else settings["momentum_first"]

        def step(chosen: np.ndarray, rng: np.random.Generator, share: float) -> float:
            seeds = rng.integers(0, 2**31 - 1, (1 + 2 * settings["steps"], 2), dtype=np.int32)
            return float(
                self._divergence.step(self._train[chosen], seeds, self.rate(index, share), np.float32(momentum))
            )

        mean = self.passed(index, len(self._train), step, progress)
        if not math.isfinite(mean):
            return {"loss": mean}
        outputs = self.outputs(self.validation.tensors)
        back = outputs[self.output].reshape(len(self._held), -1)
        values = self.values(self.validation, outputs, "the validation split")
        gap = np.mean(self.machine.free_energy(self._held)) - np.mean(
            self.machine.free_energy(self._train[:_GAP_SAMPLES])
        )
        figures = {
            "loss": mean,
            "validation_loss": float(np.square(self._held - back).sum(axis=1).mean()),
            "validation_score": float(np.mean(values)),
            "free_energy_gap": float(gap),
        }
        if not self.machine.gaussian:
            rng = np.random.default_rng([settings["seed"], index, 1])
            figures["pseudo_likelihood"] = float(np.mean(self.machine.pseudo_likelihood(self._held, rng)))
            figures["reconstruction_divergence"] = _divergence(self._held, back)
        return figures

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """The mean log-likelihood of test samples, of Bernoulli units: by annealed importance sampling."""
        if self.machine.gaussian:
            return {}
        v = self.ready(dataset.test, "the test split").flat()[:_LIKELIHOOD_SAMPLES]
        partition, error = self.machine.annealed_log_partition(self._train.mean(axis=0))
        value = float(-np.mean(self.machine.free_energy(v))) - partition
        told = f"{value:.1f} nats a sample by annealed importance sampling (its standard error {error:.2f})"
        return {"test log-likelihood": told}

    def draw(self, out: Path, dataset: Dataset) -> list[Picture]:
        side = math.isqrt(self._train.shape[1])
        kernels = np.asarray(self.machine.kernel).T[:_SHOWN].reshape(-1, side, side)
        plots.tiles(out / "kernels.png", kernels, 16, signed=True)
        rng = np.random.default_rng(self.settings["seed"])
        h = np.asarray(self.machine.up(self._train[:_SHOWN]))
        for _ in range(500):
            h = (rng.random(h.shape) < h).astype(np.float32)
            means, h = (np.asarray(x) for x in self.machine.gibbs(h, rng.integers(0, 2**31 - 1, 2)))
        plots.tiles(out / "samples.png", means.reshape(-1, side, side), 16)
        return [
            Picture("kernels.png", "Weights of hidden units"),
            Picture("samples.png", "What it dreams: means after 500 steps of Gibbs sampling"),
        ]


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Mean KL(Bernoulli(p) || Bernoulli(q)) a unit, in nats."""
    low = 1e-7
    a, b = np.clip(p.astype(np.float64), low, 1 - low), np.clip(q.astype(np.float64), low, 1 - low)
    return float((a * np.log(a / b) + (1 - a) * np.log((1 - a) / (1 - b))).mean())
