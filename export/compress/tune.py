"""The training loop of every compression: Adam, a cosine to zero, and what the outputs should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from edgeproof.contract import Decode
from export.arrays import Arrays


@dataclass(frozen=True)
class Tuner:
    """Training samples and how to go through them.

    Attributes:
        inputs: tensors (n, ...) by input name, in the model's order.
        teacher: the float checkpoint's outputs for them, in the model's order.
        names: of the outputs.
        labels: (n,), or None: the model is to answer as the float one did, in its decisions and in its numbers.
        decode: which output decides, and whether in logits.
        epochs, batch, seed: see `export.compress.recipe.Recipe`.
    """

    inputs: Arrays
    teacher: Sequence[np.ndarray]
    names: Sequence[str]
    labels: np.ndarray | None
    decode: Decode
    epochs: int
    batch: int
    seed: int

    @property
    def steps(self) -> int:
        """Of the optimizer, in all epochs."""
        n = len(next(iter(self.inputs.values())))
        return self.epochs * -(-n // self.batch)

    def fit(self, model: Any, rate: float, callbacks: Sequence[Any] = ()) -> None:
        """Train a tf-keras model in place."""
        tf_keras.utils.set_random_seed(self.seed)
        schedule = tf_keras.optimizers.schedules.CosineDecay(rate, self.steps)
        model.compile(tf_keras.optimizers.Adam(schedule), loss=[self._loss(i) for i in range(len(self.names))])
        values = list(self.inputs.values())
        targets = [self._target(i) for i in range(len(self.names))]
        model.fit(
            values if len(values) > 1 else values[0],
            targets if len(targets) > 1 else targets[0],
            batch_size=self.batch, epochs=self.epochs, shuffle=True, verbose=0, callbacks=list(callbacks),
        )  # fmt: skip

    def _decides(self, index: int) -> bool:
        return self.decode.kind == "classify" and self.names[index] == self.decode.output

    def _target(self, index: int) -> np.ndarray:
        teacher = self.teacher[index]
        if not self._decides(index):
            return teacher
        classes = teacher.reshape(len(teacher), -1).shape[1]
        if self.labels is not None:
            return np.eye(classes, dtype=np.float32)[self.labels].reshape(teacher.shape)
        return teacher

    def _loss(self, index: int) -> Any:
        # In units of the output's own spread, so that several outputs weigh alike.
        spread = float(np.var(self.teacher[index])) or 1.0
        if not self._decides(index):
            return lambda wanted, given: tf.reduce_mean(tf.square(wanted - given)) / spread
        logits = self.decode.scores == "logits"
        entropy = tf_keras.losses.CategoricalCrossentropy(from_logits=logits)
        if self.labels is not None or not logits:
            return entropy

        def taught(wanted: Any, given: Any) -> Any:
            # Logits themselves are the targets: their softmax says nothing of a constant added to all of them.
            return entropy(tf.nn.softmax(wanted), given) + tf.reduce_mean(tf.square(wanted - given)) / spread

        return taught
