"""Layer by layer without labels, then the classifier, then everything: deep belief networks, stacked autoencoders."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from train.data import Dataset, Split, stratified
from train.objectives.boltzmann import Machine, log_odds
from train.objectives.descent import known, optimizer
from train.objectives.divergence import Divergence
from train.objectives.objective import Objective, Task
from train.objectives.reconstruction import corrupted
from train.objectives.supervised import Supervised

_PRETRAININGS = ("rbm", "autoencoder", "none")
_MOMENTUM_AFTER = 3


class Greedy(Objective):
    """See `train.fits.Greedy`. Hidden layers are Dense layers called dense1, dense2, ... with a sigmoid each.

    Raises:
        Refused: an unknown kind of pretraining.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        kind = known("pretraining", settings, _PRETRAININGS)
        self._hidden = [layer for layer in model.layers if layer.name.startswith("dense")]
        kinds: dict[str, type[_Teacher]] = {"rbm": _Boltzmann, "autoencoder": _Tied}
        self._teachers = [
            kinds[kind](layer, settings, self.steps(len(self.train))) for layer in self._hidden if kind in kinds
        ]
        seen = _labelled(dataset, settings["labelled"])
        alone = {**settings, "epochs": settings["classifier_epochs"]}
        self._alone = _Last(model, alone, seen, task) if settings["classifier_epochs"] else None
        self._whole = Supervised(model, settings, seen, task)
        self._test = dataset.test
        # Kept with the weights, so that a resumed run tells it too.
        self._alone_score = tf.Variable(math.nan, dtype=tf.float64)
        self._features: tuple[int, np.ndarray, np.ndarray] | None = None
        if self._teachers:
            self._teachers[0].begin(self.train.flat())

    @property
    def epochs(self) -> int:
        return len(self._stages())

    def variables(self) -> list[Any]:
        stages = [self._alone, self._whole] if self._alone else [self._whole]
        optimizers = [variable for stage in stages for variable in stage.optimizer.variables]
        own = [variable for teacher in self._teachers for variable in teacher.variables()]
        return [*self.model.variables, *own, *optimizers, self._alone_score]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """`stage` counts the hidden layers first, then the classifier alone, then the whole."""
        stages = self._stages()
        stage = stages[index]
        within = index - stages.index(stage)
        last = index + 1 == len(stages) or stages[index + 1] != stage
        if stage < len(self._teachers):
            figures = self._taught(stage, index, within, progress)
        elif stage == len(self._teachers) and self._alone:
            figures = self._alone.epoch(within, progress)
            if last:
                self._alone_score.assign(np.mean(self.score(self._test)[1]))
        else:
            figures = self._whole.epoch(within, progress)
        return {**figures, "stage": float(stage + 1)}

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """The score of the classifier alone, before the layers below it were moved."""
        score = float(self._alone_score)
        told = {} if math.isnan(score) else {"test score with the classifier alone trained": f"{score:.2%}"}
        if self.settings["labelled"] < 1:
            told["labels seen"] = f"{len(self._whole.train):,} of {len(self.train):,}"
        return told

    def _stages(self) -> list[int]:
        """The stage of each epoch."""
        pre, first = self.settings["pretraining_epochs"], len(self._teachers)
        stages = [i for i in range(first) for _ in range(pre)]
        stages += [first] * self.settings["classifier_epochs"]
        return stages + [first + bool(self._alone)] * self.settings["epochs"]

    def _taught(self, layer: int, index: int, within: int, progress: Callable[[float], None]) -> dict[str, float]:
        if self._features is None or self._features[0] != layer:
            # Below a layer nothing moves while it is taught: what it sees is worked out once.
            self._features = (
                layer,
                self._below(self.train.flat(), layer),
                self._below(self.validation.flat(), layer),
            )
            if not within:
                self._teachers[layer].begin(self._features[1])
        teacher, (_, x, held) = self._teachers[layer], self._features

        def step(chosen: np.ndarray, rng: np.random.Generator, _: float) -> float:
            return teacher.step(x[chosen], within, rng)

        mean = self.passed(index, len(x), step, progress)
        if not math.isfinite(mean):
            return {"loss": mean}
        return {"loss": mean, "validation_loss": teacher.error(held)}

    def _below(self, x: np.ndarray, layer: int) -> np.ndarray:
        for dense in self._hidden[:layer]:
            x = np.asarray(tf.sigmoid(x @ dense.kernel.value + dense.bias.value))
        return x


class _Last(Supervised):
    """The last layer's weights alone."""

    def trained(self) -> list[Any]:
        return list(self.model.layers[-1].trainable_variables)


class _Teacher(Protocol):
    """What teaches one hidden layer without labels."""

    def __init__(self, layer: Any, settings: dict[str, Any], steps: int) -> None: ...

    def begin(self, x: np.ndarray) -> None: ...

    def variables(self) -> list[Any]: ...

    def step(self, x: np.ndarray, epoch: int, rng: np.random.Generator) -> float: ...

    def error(self, x: np.ndarray) -> float: ...


class _Boltzmann:
    """A hidden layer as a restricted Boltzmann machine on what lies below it."""

    def __init__(self, layer: Any, settings: dict[str, Any], steps: int) -> None:
        self._visible = tf.Variable(tf.zeros(layer.kernel.shape[0]))
        self._layer = layer
        self._machine = Machine(layer.kernel, self._visible, layer.bias)
        self._divergence = Divergence(
            self._machine, batch=settings["batch"], gibbs_steps=1, persistent=False, weight_decay=2e-4
        )
        self._rate = np.float32(settings["pretraining_rate"])

    def begin(self, x: np.ndarray) -> None:
        """Weights as Hinton 2010, section 8, begins: N(0, 0.01), visible biases log(p / (1 - p))."""
        seed = keras.random.SeedGenerator(int(x.shape[1]))
        self._layer.kernel.assign(keras.random.normal(self._layer.kernel.shape, stddev=0.01, seed=seed))
        self._visible.assign(log_odds(x.mean(axis=0), len(x)))

    def variables(self) -> list[Any]:
        return [self._visible, *self._divergence.variables()]

    def step(self, x: np.ndarray, epoch: int, rng: np.random.Generator) -> float:
        seeds = rng.integers(0, 2**31 - 1, (3, 2), dtype=np.int32)
        momentum = np.float32(0.9 if epoch >= _MOMENTUM_AFTER else 0.5)
        return float(self._divergence.step(x, seeds, self._rate, momentum))

    def error(self, x: np.ndarray) -> float:
        back = self._machine.down(self._machine.up(x))
        return float(tf.reduce_mean(tf.reduce_sum(tf.square(x - back), axis=-1)))


class _Tied:
    """A hidden layer as the way forth of an autoencoder with tied weights; cross-entropy, inputs masked."""

    def __init__(self, layer: Any, settings: dict[str, Any], steps: int) -> None:
        self._layer, self._settings = layer, settings
        self._visible = tf.Variable(tf.zeros(layer.kernel.shape[0]))
        self._weights = [layer.kernel, layer.bias, self._visible]
        rate = {**settings, "learning_rate": settings["pretraining_rate"]}
        self._rule = optimizer(rate, max(1, steps * settings["pretraining_epochs"]))
        self._rule.build(self._weights)
        self._step = self._compile()

    def begin(self, x: np.ndarray) -> None:
        """As the builder made them."""

    def variables(self) -> list[Any]:
        return [self._visible, *self._rule.variables]

    def step(self, x: np.ndarray, epoch: int, rng: np.random.Generator) -> float:
        return float(self._step(corrupted(x, {"masking": self._settings["masking"]}, rng), x))

    def error(self, x: np.ndarray) -> float:
        return float(self._loss(tf.constant(x), tf.constant(x)))

    def _loss(self, given: Any, wanted: Any) -> Any:
        kernel = tf.convert_to_tensor(self._layer.kernel)
        hidden = tf.sigmoid(given @ kernel + tf.convert_to_tensor(self._layer.bias))
        logits = tf.matmul(hidden, kernel, transpose_b=True) + tf.convert_to_tensor(self._visible)
        each = tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits)
        return tf.reduce_mean(tf.reduce_sum(each, axis=1))

    def _compile(self) -> Callable[[Any, Any], Any]:
        @tf.function(reduce_retracing=True)
        def step(given: Any, wanted: Any) -> Any:
            values = [w.value if isinstance(w, keras.Variable) else w for w in self._weights]
            with tf.GradientTape() as tape:
                loss = self._loss(given, wanted)
            self._rule.apply(tape.gradient(loss, values), self._weights)
            return loss

        found: Callable[[Any, Any], Any] = step
        return found


def _labelled(dataset: Dataset, share: float) -> Dataset:
    """The data set with so much of its training split, classes in proportion."""
    train = dataset.train
    if share >= 1 or train.labels is None:
        return dataset
    count = max(len(np.unique(train.labels)), round(share * len(train)))
    (chosen, _) = stratified(train.labels, (count,), seed=0)
    some = Split({k: v[chosen] for k, v in train.samples.items()}, train.labels[chosen])
    return dataclasses.replace(dataset, train=some)
