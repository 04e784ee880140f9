"""Sequences and the strings that they spell, without saying where: connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from train.data import Dataset
from train.objectives.objective import Task
from train.objectives.supervised import Supervised


class Transcription(Supervised):
    """See `train.fits.Transcription`.

    Raises:
        Refused: outputs that are not decoded as a string.
    """

    decodes = ("transcribe", "train: connectionist temporal classification spells a string.")
    precise = False

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, {"loss": "cross_entropy", **settings}, dataset, task)

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return criterion(targets, outputs[self.output], self.decode.blank)

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """The word error rate of the test split, and how many strings are right as a whole."""
        _, values = self.score(dataset.test)
        whole = float(np.mean(values == 1))
        return {
            "word error rate": f"**{1 - float(np.mean(values)):.2%}** of the test split's words, by best path; "
            f"{whole:.2%} of the strings without an error"
        }


def criterion(strings: Any, logits: Any, blank: int) -> Any:
    """The mean of -log p(string | sequence), in nats (Graves et al. 2006, equation 12).

    Args:
        strings: (batch, longest + 1) classes, each row filled up with the blank.
        logits: (batch, steps, classes).
    """
    strings = tf.cast(strings, tf.int32)
    words = tf.not_equal(strings, blank)
    sparse = tf.SparseTensor(tf.where(words), tf.boolean_mask(strings, words), tf.shape(strings, tf.int64))
    steps = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    each = tf.nn.ctc_loss(sparse, logits, None, steps, logits_time_major=False, blank_index=blank)
    return tf.reduce_mean(each)
