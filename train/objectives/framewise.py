"""Labels of time steps by their class, or by what is so of each class."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused
from train.data import Dataset
from train.objectives.objective import Task
from train.objectives.supervised import Supervised


class Framewise(Supervised):
    """See `train.fits.Framewise`.

    Raises:
        Refused: outputs that are no labels of time steps, or a model whose attributes do not tell the classes.
    """

    decodes = ("label", "train: frames are labelled one by one.")

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        self._table = table(model, task.decode.output)
        super().__init__(model, {"loss": "cross_entropy", **settings}, dataset, task)
        if self._table is not None:
            self.called = widened(model, self.output)

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        if self._table is None:
            return super().loss(targets, outputs)
        return criterion(targets, list(outputs.values())[-1], self._table)

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """How well the rare classes are told, and each attribute."""
        ready = self.ready(dataset.test, "the test split")
        outputs, labels = self.outputs(ready.tensors), ready.labels
        assert labels is not None
        right = np.argmax(outputs[self.output], axis=-1) == labels
        recalls = [float(right[labels == label].mean()) for label in np.unique(labels)]
        rows = {"mean recall": f"{np.mean(recalls):.2%} over the classes of the test split, each counted alike"}
        if self._table is not None:
            wanted, found = self._table[labels] > 0.5, outputs["attributes"] > 0.5
            each = (wanted == found).mean(axis=(0, 1))
            rows["attributes"] = (
                f"{each.mean():.2%} right, from {each.min():.2%} to {each.max():.2%}; all of a frame's are right in "
                f"{(wanted == found).all(axis=-1).mean():.2%}"
            )
        return rows


def table(model: keras.Model, output: str) -> np.ndarray | None:
    """What is so of each class, (classes, attributes): the fixed weights of the layer that gives the decoded output.

    None where the model tells no attributes.

    Raises:
        Refused: it tells some, and the classes are not told from them by fixed weights.
    """
    if "attributes" not in model.output_names:
        return None
    kernels = model.get_layer(output).non_trainable_weights
    if len(kernels) != 1:
        raise Refused(
            'train: a model with an output "attributes" must tell the classes from them by a table.',
            received=f"{len(kernels)} fixed weights of layer {output}",
            fix="build it as models.phonemes does",
        )
    return np.asarray(kernels[0].numpy().T)


def widened(model: keras.Model, output: str) -> keras.Model:
    """The model with one output more, the last: the log-odds of its attributes, from which it tells the classes."""
    return keras.Model(model.input, [*model.outputs, model.get_layer(output).input])


def criterion(labels: Any, odds: Any, rows: np.ndarray) -> Any:
    """The binary cross-entropies of the attributes, summed over them, a step, in nats.

    Args:
        labels: (batch, steps).
        odds: (batch, steps, attributes), logarithms.
        rows: (classes, attributes), 1 or 0.
    """
    wanted = tf.gather(tf.constant(rows, odds.dtype), labels)
    each = tf.nn.sigmoid_cross_entropy_with_logits(wanted, odds)
    return tf.reduce_mean(tf.reduce_sum(each, axis=-1))
