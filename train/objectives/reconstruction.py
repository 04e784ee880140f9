"""An autoencoder: the input again, by way of a code."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof import metrics
from edgeproof.contract import Decode
from train import plots
from train.data import Dataset
from train.objectives.descent import Descent, known
from train.objectives.objective import Picture, Ready, Task
from train.objectives.principal import Components

_OUTPUT = "reconstruction"
_CODE = "code"
_SHOWN = 16
_LOW = 1e-6


class Reconstruction(Descent):
    """See `train.fits.Reconstruction`. The model has an output "reconstruction", and perhaps a layer "code".

    A detector's other output, its error, is not taught: it follows.

    Raises:
        Refused: an unknown loss.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        self._loss = criterion(settings)
        super().__init__(model, settings, dataset, task)
        self._input = model.inputs[0].name

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return self._loss(targets, outputs[_OUTPUT])

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        clean = self.moved({k: v[chosen] for k, v in ready.tensors.items()}, rng)
        targets = clean[self._input]
        return {**clean, self._input: corrupted(targets, self.settings, rng)}, targets

    def targets(self, ready: Ready) -> np.ndarray:
        return ready.tensors[self._input]

    def decoding(self) -> Decode:
        """A detector's threshold lies where the errors of all but a few training samples end."""
        if self.decode.kind != "detect":
            return self.decode
        errors = self.outputs(self.train.tensors)[self.output]
        threshold = float(np.quantile(errors.astype(np.float64), self.settings["quantile"]))
        return dataclasses.replace(self.decode, threshold=threshold)

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """On the test split: how principal components of a narrower code's width do, what comes back of corrupted
        samples, how many code units are on."""
        if self.decode.kind != "reconstruct":
            return {}
        test = self.ready(dataset.test, "the test split")
        x = test.tensors[self._input]
        told = {}
        code = self._code()
        if code is not None and code.shape[-1] < test.flat().shape[1] // 8:
            width = int(code.shape[-1])
            back = Components.of(self.train.flat(), width).back(test.flat())
            told[f"{width} principal components"] = f"{_explained(back, x):.2%} of the variance"
        given = corrupted(x, self.settings, np.random.default_rng(0))
        if given is not x:
            back = self.outputs({**test.tensors, self._input: given})[_OUTPUT]
            share = f"{_explained(back, x):.2%} of the variance, from inputs that have {_explained(given, x):.2%}"
            told["corrupted test samples"] = share
        if code is not None and (self.settings.get("l1") or self.settings.get("kl")):
            values = np.asarray(keras.Model(self.model.inputs[0], code).predict(x, verbose=0))
            on = float((values > 0.1 * values.max()).mean())
            told["code"] = f"mean {values.mean():.3f}; {on:.1%} of the units above a tenth of the largest"
        return told

    def draw(self, out: Path, dataset: Dataset) -> list[Picture]:
        test = self.ready(dataset.test, "the test split")
        pictures = []
        x = test.tensors[self._input]
        if x.ndim == 4 and x.shape[-1] == 1:
            shown = x[:_SHOWN]
            given = corrupted(shown, self.settings, np.random.default_rng(0))
            back = self._run({**{k: v[:_SHOWN] for k, v in test.tensors.items()}, self._input: given})[_OUTPUT]
            rows = [shown] if given is shown else [shown, given]
            plots.tiles(out / "reconstructions.png", np.concatenate([*rows, back.numpy()])[..., 0], _SHOWN)
            told = "Test samples" + (", what is put in" if len(rows) == 2 else "") + ", and what comes out"
            pictures.append(Picture("reconstructions.png", told))
        code = self._code()
        labels = dataset.test.labels
        if code is not None and code.shape[-1] == 2 and labels is not None:
            reach = keras.Model(self.model.inputs[0], code)
            ours = np.asarray(reach.predict(x, verbose=0))
            theirs = Components.of(self.train.flat(), 2).codes(test.flat())
            panels = {"the autoencoder's codes": ours, "two principal components": theirs}
            plots.planes(out / "codes.png", panels, labels, ())
            pictures.append(Picture("codes.png", "Codes of the test split in the plane"))
        return pictures

    def _code(self) -> Any:
        names = {layer.name for layer in self.model.layers}
        return self.model.get_layer(_CODE).output if _CODE in names else None


def corrupted(values: np.ndarray, settings: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Values with noise added and some set to zero; themselves where neither is asked for."""
    found = values
    if settings.get("noise"):
        found = found + rng.normal(0, settings["noise"], values.shape).astype(np.float32)
    if settings.get("masking"):
        found = found * (rng.random(values.shape) >= settings["masking"])
    return found if found is values else found.astype(np.float32)


def criterion(settings: dict[str, Any]) -> Callable[[Any, Any], Any]:
    def bernoulli(wanted: Any, found: Any) -> Any:
        """Cross-entropy between pixels as probabilities, summed over a sample."""
        p = tf.clip_by_value(found, _LOW, 1 - _LOW)
        each = -wanted * tf.math.log(p) - (1 - wanted) * tf.math.log(1 - p)
        return tf.reduce_mean(tf.reduce_sum(tf.reshape(each, [tf.shape(each)[0], -1]), axis=1))

    def squared(wanted: Any, found: Any) -> Any:
        each = tf.square(wanted - found)
        return tf.reduce_mean(tf.reduce_sum(tf.reshape(each, [tf.shape(each)[0], -1]), axis=1))

    losses = {"bernoulli": bernoulli, "squared": squared}
    return losses[known("loss", settings, losses)]


def _explained(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(metrics.explained_variance(found, wanted).mean())
