"""Masked words told first, of texts without labels; then a classifier: BERT."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused
from train.data import Dataset, Split
from train.masking import masked
from train.objectives.descent import Descent
from train.objectives.objective import Ready, Task
from train.objectives.supervised import Supervised

_HELD = 20  # every so manyth sentence is not learned from: it tells the loss


class Cloze(Descent):
    """Masked words, from the data set's text: the encoder's weights, with a head that only this takes.

    The head is a dense layer, a normalization, and a matrix of its own, where BERT has the tokens' vectors again.

    Raises:
        Refused: a data set without text.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        if dataset.text is None:
            raise Refused(
                "train: masked words are learned from texts without labels.",
                received=f"{dataset.name}, which has none",
                fix="--set pretraining_epochs=0",
            )
        table = model.get_layer("tokens_embedding")
        units = table.output_dim
        self._features = keras.Model(model.input, model.get_layer("encoded").output)
        self._vocabulary = table.input_dim
        self._head = keras.Sequential(
            [
                keras.layers.Dense(units, activation="relu"),
                keras.layers.LayerNormalization(epsilon=1e-5),
                keras.layers.Dense(table.input_dim),
            ]
        )
        self._head.build((None, None, units))
        name = model.inputs[0].name
        held = np.arange(len(dataset.text)) % _HELD == _HELD - 1
        rest, judged = (Split({name: dataset.text[held == told]}) for told in (False, True))
        super().__init__(model, settings, dataclasses.replace(dataset, train=rest, validation=judged), task)
        (tokens,) = self.validation.tensors.values()
        self.validation = Ready(*self._hidden(name, tokens, np.random.default_rng([settings["seed"], 1])))

    def trained(self) -> list[Any]:
        return [*self._features.trainable_variables, *self._head.trainable_variables]

    def variables(self) -> list[Any]:
        return [*self._head.variables, *self.optimizer.variables]

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        ((name, tokens),) = ready.tensors.items()
        return self._hidden(name, tokens[chosen], rng)

    def targets(self, ready: Ready) -> np.ndarray:
        assert ready.labels is not None
        return ready.labels

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        """Logits of the word in each place, (batch, length, vocabulary)."""
        (tokens,) = inputs.values()
        found = self._head(self._features(tokens, training=training))
        return {"words": found}

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return criterion(targets, outputs["words"])

    def values(self, ready: Ready, outputs: Mapping[str, np.ndarray], what: str) -> np.ndarray:
        """Of each text the share of its hidden words that are told."""
        wanted = self.targets(ready)
        right = (outputs["words"].argmax(axis=-1) == wanted) & (wanted >= 0)
        return np.asarray(right.sum(axis=1) / np.maximum(1, (wanted >= 0).sum(axis=1)))

    def _hidden(self, name: str, tokens: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        seen, wanted = masked(tokens, self.settings["masking"], self._vocabulary, rng)
        return {name: seen}, wanted


class Masked(Supervised):
    """See `train.fits.Masked`. The model is `models.bert.build_bert`'s.

    Raises:
        Refused: as `Cloze` and `Supervised`.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        first = {
            **settings,
            "epochs": settings["pretraining_epochs"],
            "learning_rate": settings["pretraining_rate"],
            "batch": settings["pretraining_batch"],
        }
        self._cloze = Cloze(model, first, dataset, task) if settings["pretraining_epochs"] else None

    @property
    def epochs(self) -> int:
        return int(self.settings["pretraining_epochs"] + self.settings["epochs"])

    def variables(self) -> list[Any]:
        return [*super().variables(), *(self._cloze.variables() if self._cloze else [])]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """`stage` is 1 of masked words, 2 of the classifier."""
        before = int(self.settings["pretraining_epochs"])
        if self._cloze and index < before:
            figures = self._cloze.epoch(index, progress)
            self.culprit = self._cloze.culprit
            return {**figures, "stage": 1.0}
        return {**super().epoch(index - before, progress), "stage": 2.0}

    def facts(self, dataset: Dataset) -> dict[str, str]:
        if not self._cloze or dataset.text is None:
            return {}
        held = self._cloze.validation
        told = float(self._cloze.values(held, self._cloze.outputs(held.tensors), "").mean())
        return {
            "text": f"{len(dataset.text):,} sentences without labels; after all else {told:.2%} of masked words told"
        }


def criterion(wanted: Any, logits: Any) -> Any:
    """Cross-entropy, the mean over the words that were chosen.

    Args:
        wanted: (n, length), -1 where none was chosen.
        logits: (n, length, vocabulary).
    """
    known = tf.cast(wanted >= 0, logits.dtype)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(wanted, 0), logits)
    return tf.reduce_sum(each * known) / tf.maximum(tf.reduce_sum(known), 1.0)
