"""Stochastic gradients: a step of our own, so that any strategy may drive it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused, nearest
from train.data import Dataset
from train.objectives.objective import Objective, Ready, Task


class Descent(Objective):
    """Minimises `loss` over the weights of the model, or those of some of its layers.

    Raises:
        Refused: an unknown loss or optimizer.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        self.weights = self.trained()
        self.optimizer = optimizer(settings, self.steps() * int(settings["epochs"]))
        self.optimizer.build(self.weights)
        self._step = self._compile()

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
        total, seen, steps = 0.0, 0, self.steps()
        for step, (chosen, rng) in enumerate(self.orders(index, len(self.train))):
            inputs, targets = self.batch(self.train, chosen, rng)
            total += float(self._step(inputs, targets)) * len(chosen)
            seen += len(chosen)
            if not math.isfinite(total):
                return {"loss": total}
            progress((step + 1) / steps)
        outputs = self.outputs(self.validation.tensors)
        values = self.values(self.validation, outputs, "the validation split")
        loss = self.loss(
            tf.constant(self.targets(self.validation)), {name: tf.constant(value) for name, value in outputs.items()}
        )
        return {
            "loss": total / seen,
            "validation_loss": float(loss),
            "validation_score": float(np.mean(values)),
        }

    def steps(self) -> int:
        """In an epoch."""
        return math.ceil(len(self.train) / self.settings["batch"])

    def _compile(self) -> Callable[..., Any]:
        model, rule, loss, call, weights = self.model, self.optimizer, self.loss, self.call, self.weights

        @tf.function(reduce_retracing=True)
        def step(inputs: Any, targets: Any) -> Any:
            with tf.GradientTape() as tape:
                value = loss(targets, call(inputs, training=True))
                if model.losses:
                    value += tf.add_n(model.losses)
            rule.apply(tape.gradient(value, weights), weights)
            return value

        return step


def optimizer(settings: dict[str, Any], steps: int) -> keras.optimizers.Optimizer:
    """The optimizer that settings name, its rate falling to zero along a cosine over so many steps.

    Raises:
        Refused: there is none of that name.
    """
    rate = keras.optimizers.schedules.CosineDecay(settings["learning_rate"], steps)
    makers: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=settings["weight_decay"]),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, weight_decay=settings["weight_decay"] or None),
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
