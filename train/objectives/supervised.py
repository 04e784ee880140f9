"""Labelled samples, a loss, stochastic gradients: a step of our own, so that any strategy may drive it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof import frontend, metrics
from edgeproof.contract import Frontend
from edgeproof.errors import Refused, nearest
from train import augment
from train.data import Dataset, Split

_EVALUATION_BATCH = 500


class Supervised:
    """A model with its optimizer and data, ready to be stepped.

    Args:
        model: functional, one output of class scores.
        settings: of the run; see `train.recipe.Supervised`.
        dataset: raw samples.
        frontends: how they become inputs.
        metric: name in `edgeproof.metrics.METRICS`.

    Raises:
        Refused: an unknown loss or optimizer, or labels that the model has no class for.
    """

    def __init__(
        self,
        model: keras.Model,
        settings: dict[str, Any],
        dataset: Dataset,
        frontends: tuple[Frontend, ...],
        metric: str,
    ) -> None:
        self.model = model
        self.settings = settings
        self._metric = metrics.METRICS[metric]
        self._frontends = {f.input: f for f in frontends}
        self._loss = _loss(settings)
        classes = int(model.outputs[0].shape[-1])
        self._train = self._ready(dataset.train, classes, "the training split")
        self._validation = self._ready(dataset.validation, classes, "the validation split")
        self.optimizer = _optimizer(settings, self._steps() * settings["epochs"])
        self.optimizer.build(model.trainable_variables)
        self._step = self._compile()
        self._forward = tf.function(lambda inputs: self._call(inputs, training=False), reduce_retracing=True)

    def variables(self) -> list[Any]:
        """Everything that a step changes: weights, moving statistics, seed states, optimizer slots."""
        return [*self.model.variables, *self.optimizer.variables]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """One pass over the training split, in an order that only the seed and `index` decide.

        Returns:
            Mean loss, and loss and score on the validation split.
        """
        total, seen, steps = 0.0, 0, self._steps()
        for step, (inputs, labels) in enumerate(self._batches(index)):
            total += float(self._step(inputs, labels)) * len(labels)
            seen += len(labels)
            if not math.isfinite(total):
                return {"loss": total}
            progress((step + 1) / steps)
        outputs, labels = self.outputs(self._validation[0]), self._validation[1]
        return {
            "loss": total / seen,
            "validation_loss": float(self._loss(tf.constant(labels), tf.constant(outputs))),
            "validation_score": float(np.mean(self._metric(outputs, labels))),
        }

    def score(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Outputs (n, classes) and value a sample (n,) on a raw split."""
        tensors, labels = self._ready(split, int(self.model.outputs[0].shape[-1]), "the test split")
        outputs = self.outputs(tensors)
        return outputs, self._metric(outputs, labels)

    def outputs(self, tensors: dict[str, np.ndarray]) -> np.ndarray:
        """The model's outputs for input tensors, in inference mode."""
        n = len(next(iter(tensors.values())))
        return np.concatenate(
            [
                self._forward({k: v[i : i + _EVALUATION_BATCH] for k, v in tensors.items()}).numpy()
                for i in range(0, n, _EVALUATION_BATCH)
            ]
        )

    def _ready(self, split: Split, classes: int, what: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
        if split.labels is None:
            raise Refused(
                "train: a supervised recipe needs labels.", received=f"none in {what}", fix="choose another data set"
            )
        labels = metrics.check_labels(split.labels, len(split), classes, source=what)
        tensors = {k: frontend.apply(self._frontends[k], v) for k, v in split.samples.items()}
        return tensors, labels.astype(np.int32)

    def _call(self, inputs: dict[str, Any], *, training: bool) -> Any:
        # In the model's own structure: Keras takes a dict of another one by the order of its keys, and warns.
        own = keras.tree.pack_sequence_as(self.model.input, [inputs[t.name] for t in self.model.inputs])
        return self.model(own, training=training)

    def _steps(self) -> int:
        return math.ceil(len(self._train[1]) / self.settings["batch"])

    def _batches(self, index: int) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        tensors, labels = self._train
        rng = np.random.default_rng([self.settings["seed"], index])
        order = rng.permutation(len(labels))
        size = self.settings["batch"]
        axes = augment.colour_axes(tensors, self.settings)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            batch = {k: v[chosen] for k, v in tensors.items()}
            yield augment.moved(batch, self.settings, rng, axes), labels[chosen]

    def _compile(self) -> Callable[..., Any]:
        model, optimizer, loss, call = self.model, self.optimizer, self._loss, self._call

        @tf.function(reduce_retracing=True)
        def step(inputs: Any, labels: Any) -> Any:
            with tf.GradientTape() as tape:
                value = loss(labels, call(inputs, training=True))
                if model.losses:
                    value += tf.add_n(model.losses)
            optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
            return value

        return step


def _loss(settings: dict[str, Any]) -> Callable[[Any, Any], Any]:
    def cross_entropy(labels: Any, logits: Any) -> Any:
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))

    def discriminative_map(labels: Any, logits: Any) -> Any:
        # Equation 9 of LeCun et al. 1998, y_D + log(e^-j + Σ e^-y_i) with logits = -y, is the cross-entropy
        # over the classes and one more, the rubbish class, whose logit is the constant -j.
        rubbish = tf.fill([tf.shape(logits)[0], 1], tf.constant(-settings["rubbish"], logits.dtype))
        return cross_entropy(labels, tf.concat([logits, rubbish], axis=1))

    losses = {"cross_entropy": cross_entropy, "map": discriminative_map}
    if settings["loss"] not in losses:
        raise Refused(
            "train: loss must be one that this objective has.",
            received=str(settings["loss"]),
            fix=nearest(str(settings["loss"]), losses),
        )
    return losses[settings["loss"]]


def _optimizer(settings: dict[str, Any], steps: int) -> keras.optimizers.Optimizer:
    rate = keras.optimizers.schedules.CosineDecay(settings["learning_rate"], steps)
    makers: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=settings["weight_decay"]),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, weight_decay=settings["weight_decay"] or None),
    }
    if settings["optimizer"] not in makers:
        raise Refused(
            "train: optimizer must be one that this objective has.",
            received=str(settings["optimizer"]),
            fix=nearest(str(settings["optimizer"]), makers),
        )
    return makers[settings["optimizer"]]()
