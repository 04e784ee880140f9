"""Stochastic gradients: a step of our own, so that any strategy may drive it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused, nearest
from train import augment, diverged
from train.data import Dataset
from train.objectives.objective import Objective, Ready, Task


class Descent(Objective):
    """Minimises `loss` over the weights of the model, or those of some of its layers.

    Raises:
        Refused: an unknown loss or optimizer.
    """

    precise = True  # its loss can be computed in float64 too

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        self.weights = self.trained()
        self.optimizer = optimizer(settings, self.steps(self.length()) * int(settings["epochs"]))
        self.optimizer.build(self.weights)
        self._step = self._compile()
        self._axes = augment.colour_axes(self.train.tensors, settings)

    def length(self) -> int:
        """Samples of a pass."""
        return len(self.train)

    def trained(self) -> list[Any]:
        """The weights that steps change."""
        return list(self.model.trainable_variables)

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        """A number, from what the batch should give and what it gives."""
        raise NotImplementedError

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        """Inputs and targets of a training batch."""
        raise NotImplementedError

    def targets(self, ready: Ready) -> np.ndarray:
        """What the outputs of a split should be."""
        raise NotImplementedError

    def variables(self) -> list[Any]:
        return [*self.model.variables, *self.optimizer.variables]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        def step(chosen: np.ndarray, rng: np.random.Generator, _: float) -> float:
            inputs, targets = self.batch(self.train, chosen, rng)
            loss, moved = self._step(inputs, targets)
            if not moved:
                self.culprit = self._blamed(inputs, targets)
            return float(loss) if moved else math.nan

        mean = self.passed(index, len(self.train), step, progress)
        if not math.isfinite(mean):
            return {"loss": mean}
        outputs = self.outputs(self.validation.tensors)
        values = self.values(self.validation, outputs, "the validation split")
        loss = self.loss(
            tf.constant(self.targets(self.validation)), {name: tf.constant(value) for name, value in outputs.items()}
        )
        return {
            "loss": mean,
            "validation_loss": float(loss),
            "validation_score": float(np.mean(values)),
        }

    def moved(self, inputs: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """A training batch with its pictures changed as the settings ask (`train.augment`)."""
        return augment.moved(inputs, self.settings, rng, self._axes)

    def _compile(self) -> Callable[..., Any]:
        rule, weights = self.optimizer, self.weights

        @tf.function(reduce_retracing=True)
        def step(inputs: Any, targets: Any) -> tuple[Any, Any]:
            """The loss, and whether the weights were moved: what is not finite moves nothing, so that what made it so
            can still be found."""
            value, gradients = self._differentiated(inputs, targets)
            sums = [tf.reduce_sum(tf.convert_to_tensor(g) * 0) for g in gradients if g is not None]
            finite = tf.math.is_finite(value) & tf.math.is_finite(tf.add_n(sums) if sums else 0.0)

            def move() -> bool:
                rule.apply(gradients, weights)
                return True

            return value, tf.cond(finite, move, lambda: False)

        return step

    def _differentiated(self, inputs: Any, targets: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            value = self.loss(targets, self.call(inputs, training=True))
            if self.model.losses:
                value += tf.add_n(self.model.losses)
        return value, tape.gradient(value, self.weights)

    def _blamed(self, inputs: dict[str, Any], targets: np.ndarray) -> str:
        _, gradients = self._differentiated({k: tf.constant(v) for k, v in inputs.items()}, tf.constant(targets))
        by_weight = {id(w): g for w, g in zip(self.weights, gradients, strict=True)}
        every = [by_weight.get(id(w)) for w in self.model.trainable_variables]
        return diverged.culprit(self.model, inputs, every, training=True) or "the loss itself"


def optimizer(settings: dict[str, Any], steps: int) -> keras.optimizers.Optimizer:
    """The optimizer that settings name, its rate falling to zero along a cosine over so many steps.

    Raises:
        Refused: there is none of that name.
    """
    rate = keras.optimizers.schedules.CosineDecay(settings["learning_rate"], steps)
    clip = settings["clip"] or None
    makers: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=settings["weight_decay"], global_clipnorm=clip),
        "sgd": lambda: keras.optimizers.SGD(
            rate, momentum=0.9, weight_decay=settings["weight_decay"] or None, global_clipnorm=clip
        ),
    }
    return makers[known("optimizer", settings, makers)]()


def known(key: str, settings: dict[str, Any], choices: Any) -> str:
    """The value of a setting that must be one of some.

    Raises:
        Refused: it is not.
    """
    found = str(settings[key])
    if found not in choices:
        raise Refused(f"train: {key} must be one that this objective has.", received=found, fix=nearest(found, choices))
    return found
