"""Many short trainings of one network: compiled once, started anew from each seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof import frontend
from train import augment, registry
from train.data import Split, digits, stratified

DATA = (
    "Data: the embedded digits, 1,797 real scans of 8 x 8 pixels (UCI, Alpaydin and Kaynak 1998), resized to 28 x 28: "
    "1,247 to train on, 100 to validate, 450 to test."
)


@dataclass(frozen=True)
class Part:
    """Inputs (n, 28, 28, 1) float32 in [0, 1] and labels (n,) int32."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, n: int, seed: int) -> Part:
        """n samples in the classes' proportions, drawn by the seed; all of them if there are no more."""
        rows = stratified(self.labels, (min(n, len(self)),), seed)[0]
        return Part(self.images[rows], self.labels[rows])


@cache
def parts() -> tuple[Part, Part, Part]:
    """The embedded digits as the recipe mlp takes them: training, validation, test."""
    recipe = registry.load("mlp")
    (steps,) = recipe.frontends(recipe.defaults())

    def ready(split: Split) -> Part:
        assert split.labels is not None
        return Part(frontend.apply(steps, split.samples["image"]), split.labels.astype(np.int32))

    dataset = digits.load()
    return ready(dataset.train), ready(dataset.validation), ready(dataset.test)


@dataclass
class History:
    """What an epoch leaves, a list entry an epoch.

    Attributes:
        loss: mean over the epoch's samples, penalties of the network included.
        validation_loss, validation: cross-entropy and accuracy on the validation split, where they were asked for.
        gradient: mean norm of each variable's gradient over the epoch's steps, (variables,).
        weight: norm of each variable at the epoch's end, (variables,).
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    gradient: list[np.ndarray] = field(default_factory=list)
    weight: list[np.ndarray] = field(default_factory=list)


class Network:
    """A classifier with its optimizer.

    Args:
        build: makes the network; called once for each seed, so that the seed draws its weights.
        optimizer: of Keras; its state is set back for each seed.
        prepare: changes the network's first weights in place, if the builder has no word for it.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        optimizer: keras.optimizers.Optimizer,
        prepare: Callable[[keras.Model, np.random.Generator], None] | None = None,
    ) -> None:
        tf.config.experimental.enable_op_determinism()
        self._build, self._prepare = build, prepare
        self.model, self.optimizer = build(), optimizer
        optimizer.build(self.model.trainable_variables)
        self._slots = [variable.numpy() for variable in optimizer.variables]
        self._epoch, self._outputs = self._compile()

    def fit(
        self,
        part: Part,
        *,
        seed: int,
        epochs: int,
        batch: int,
        validate: bool = False,
        moved: dict[str, float] | None = None,
        patience: int | None = None,
        rate: Callable[[int], float] | None = None,
    ) -> History:
        """Train from the seed's own start; the network keeps the last weights.

        Args:
            part: what to train on.
            seed: of weights, dropout, order and augmentation.
            moved: largest shift and rotation of a training picture, see `train.augment`.
            rate: the learning rate of each epoch, counted from 0, where it is not the optimizer's own.
            patience: stop after so many epochs without a lower validation loss, and go back to the best.

        Returns:
            Figures by epoch; it ends early where the loss is not finite.
        """
        self.start(seed)
        history = History()
        best: tuple[float, int, list[np.ndarray]] = (math.inf, -1, [])
        for epoch in range(epochs):
            rng = np.random.default_rng([seed, epoch])
            if rate is not None:
                self.optimizer.learning_rate = rate(epoch)
            images = augment.moved({"image": part.images}, moved, rng)["image"] if moved else part.images
            loss, gradient = self._epoch(images, part.labels, self._order(rng, len(part), batch))
            history.loss.append(float(loss))
            history.gradient.append(gradient.numpy())
            with np.errstate(over="ignore", invalid="ignore"):  # of a run that is about to end
                history.weight.append(np.array([np.linalg.norm(v.numpy()) for v in self.model.trainable_variables]))
            if not math.isfinite(history.loss[-1]):
                break
            if validate or patience:
                held = parts()[1]
                history.validation_loss.append(self.loss(held))
                history.validation.append(self.accuracy(held))
            if patience and history.validation_loss[-1] < best[0]:
                best = (history.validation_loss[-1], epoch, [v.numpy() for v in self.model.variables])
            elif patience and epoch - best[1] >= patience:
                break
        if patience:
            for variable, value in zip(self.model.variables, best[2], strict=True):
                variable.assign(value)
        return history

    def start(self, seed: int) -> None:
        """The weights that the seed draws, and an optimizer that has seen nothing."""
        keras.utils.set_random_seed(seed)
        fresh = self._build()
        if self._prepare:
            self._prepare(fresh, np.random.default_rng(seed))
        for variable, value in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(value)
        for variable, slot in zip(self.optimizer.variables, self._slots, strict=True):
            variable.assign(slot)

    def accuracy(self, part: Part) -> float:
        """Share of right decisions; 0 where the outputs are not finite."""
        outputs = self._outputs(part.images).numpy()
        return float(np.mean((outputs.argmax(axis=1) == part.labels) & np.isfinite(outputs).all(axis=1)))

    def loss(self, part: Part) -> float:
        """Mean cross-entropy, without penalties."""
        return float(_cross_entropy(part.labels, self._outputs(part.images)))

    def kernels(self) -> list[int]:
        """Which of the trainable variables are the matrices between layers, from the input on."""
        return [i for i, v in enumerate(self.model.trainable_variables) if len(v.shape) > 1]

    def gradients(self, part: Part) -> list[np.ndarray]:
        """Of the loss on the whole part, by trainable variable, at the weights as they are."""
        with tf.GradientTape() as tape:
            value = _cross_entropy(part.labels, self.model(part.images, training=True))
        return [g.numpy() for g in tape.gradient(value, self.model.trainable_variables)]

    @staticmethod
    def _order(rng: np.random.Generator, n: int, batch: int) -> np.ndarray:
        """Indices (steps, batch) of one pass; what does not fill a last batch is left for another epoch."""
        batch = min(batch, n)
        return rng.permutation(n)[: n // batch * batch].reshape(-1, batch)

    def _compile(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        model, optimizer = self.model, self.optimizer
        weights = model.trainable_variables

        @tf.function(reduce_retracing=True)
        def epoch(images: Any, labels: Any, order: Any) -> Any:
            images, labels, order = (tf.convert_to_tensor(v) for v in (images, labels, order))
            total, norms = tf.constant(0.0), tf.zeros(len(weights))
            for i in tf.range(tf.shape(order)[0]):
                rows = order[i]
                with tf.GradientTape() as tape:
                    value = _cross_entropy(tf.gather(labels, rows), model(tf.gather(images, rows), training=True))
                    value += tf.add_n(model.losses) if model.losses else 0.0
                gradients = tape.gradient(value, weights)
                norms += tf.stack([tf.norm(g) for g in gradients])
                optimizer.apply(gradients, weights)
                total += value
            steps = tf.cast(tf.shape(order)[0], tf.float32)
            return total / steps, norms / steps

        return epoch, tf.function(lambda images: model(images, training=False), reduce_retracing=True)


def _cross_entropy(labels: Any, logits: Any) -> Any:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
