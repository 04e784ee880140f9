"""Labelled samples and a loss between outputs and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused
from train.data import Dataset, Split
from train.objectives.descent import Descent, known
from train.objectives.objective import Ready, Task


class Supervised(Descent):
    """See `train.fits.Supervised`.

    Raises:
        Refused: an unknown loss, or data without labels.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        self._loss = criterion(settings)
        super().__init__(model, settings, dataset, task)

    def ready(self, split: Split, what: str) -> Ready:
        if split.labels is None:
            raise Refused(
                "train: supervised training needs labels.", received=f"none in {what}", fix="choose another data set"
            )
        return super().ready(split, what)

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return self._loss(targets, outputs[self.output])

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        inputs = {name: tensor[chosen] for name, tensor in ready.tensors.items()}
        return self.moved(inputs, rng), self.targets(ready)[chosen]

    def targets(self, ready: Ready) -> np.ndarray:
        assert ready.labels is not None
        return ready.labels


def criterion(settings: dict[str, Any]) -> Callable[[Any, Any], Any]:
    def cross_entropy(labels: Any, logits: Any) -> Any:
        """Between a class and its logits; with one logit a sample, between yes or no and its log-odds."""
        if logits.shape[-1] == 1:
            wanted = tf.cast(tf.reshape(labels, [-1, 1]), logits.dtype)
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits))
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))

    def discriminative_map(labels: Any, logits: Any) -> Any:
        # Equation 9 of LeCun et al. 1998, y_D + log(e^-j + Σ e^-y_i) with logits = -y, is the cross-entropy
        # over the classes and one more, the rubbish class, whose logit is the constant -j.
        rubbish = tf.fill([tf.shape(logits)[0], 1], tf.constant(-settings["rubbish"], logits.dtype))
        return cross_entropy(labels, tf.concat([logits, rubbish], axis=1))

    def squared(wanted: Any, outputs: Any) -> Any:
        return tf.reduce_mean(tf.square(outputs - tf.cast(wanted, outputs.dtype)))

    losses = {"cross_entropy": cross_entropy, "map": discriminative_map, "squared": squared}
    return losses[known("loss", settings, losses)]
