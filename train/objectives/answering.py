"""Something that is given, and the text that answers it: encoders and decoders."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.decode.answers import wanted
from edgeproof.decode.search import Manner, Tokens, rows_of, together
from edgeproof.frontend import text
from train import nearest, overlap
from train.data import Dataset
from train.objectives.descent import Descent
from train.objectives.objective import Ready, Task

_TOGETHER = 125  # samples that are answered side by side
_SHOWN = 5


class Answering(Descent):
    """See `train.fits.Answering`. The model's last input is what has been written.

    Raises:
        Refused: outputs that are not decoded as an answer.
    """

    decodes = ("answer", "train: what answers is decoded as an answer.")

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        self._written = str(model.inputs[-1].name)
        super().__init__(model, settings, dataset, task)

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return criterion(targets, outputs[self.output], self.settings["smoothing"])

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        inputs = {name: tensor[chosen] for name, tensor in ready.tensors.items()}
        return inputs, self.targets(ready)[chosen]

    def targets(self, ready: Ready) -> np.ndarray:
        return wanted(ready.tensors[self._written])

    def answers(self, ready: Ready, manner: Manner) -> list[Tokens]:
        """What it writes by itself, a row of tokens a sample."""
        length = ready.tensors[self._written].shape[1]
        found: list[Tokens] = []
        for start in range(0, len(ready), _TOGETHER):
            given = {name: tensor[start : start + _TOGETHER] for name, tensor in ready.tensors.items()}
            searches = [manner.search(length - 1) for _ in range(len(given[self._written]))]
            best = together(searches, partial(self._following, given))
            found += [hypotheses[0].tokens for hypotheses in best]
        return found

    def _following(self, given: dict[str, np.ndarray], rows: np.ndarray, told: list[Tokens]) -> np.ndarray:
        tensors = {name: tensor[rows] for name, tensor in given.items()}
        tensors[self._written] = rows_of(told, given[self._written].shape[1])
        return np.asarray(self.outputs(tensors)[self.output][:, len(told[0])])

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """What it writes by itself for the test split, the likeliest token always and by a beam; of texts beside what
        is copied from the nearest training sample."""
        ready = self.ready(dataset.test, "the test split")
        true = [tuple(int(t) for t in row if t != text.PADDING) for row in ready.tensors[self._written]]
        step = self.frontends[self._written].steps[-1]
        told = {}
        manners = {"the likeliest token always": Manner()}
        if self.settings["beam"] > 1:
            manners[f"a beam of {self.settings['beam']}"] = Manner(beam=self.settings["beam"])
        meant = [str(sample) for sample in dataset.test.samples[self._written]]
        for name, manner in manners.items():
            found = self.answers(ready, manner)
            right = np.mean([ours == theirs for ours, theirs in zip(found, true, strict=True)])
            said = [text.written(tokens, step) for tokens in found]
            told[f"written by itself, {name}"] = f"{right:.2%} to the letter; {overlap.told(said, meant)}"
        given = next(iter(dataset.test.samples))
        source = dataset.test.samples[given]
        if source.dtype.kind == "U":
            known = dataset.train.samples
            copies = nearest.copied(known[given], known[self._written], source)
            right = np.mean([ours == theirs for ours, theirs in zip(copies, meant, strict=True)])
            told["copied from the training sample whose source is nearest by character n-grams"] = (
                f"{right:.2%} to the letter; {overlap.told(copies, meant)}"
            )
            shown = [f"{source[i]} → {said[i]} (true: {meant[i]})" for i in range(min(_SHOWN, len(said)))]
            told["for example"] = "; ".join(shown).replace("|", "\\|")
        return told


def criterion(targets: Any, logits: Any, smoothing: float = 0.0) -> Any:
    """Cross-entropy of each token and the first end behind them with the logits there, in nats.

    Args:
        targets: (n, steps) tokens.
        logits: (n, steps, tokens).
        smoothing: share of the truth that all tokens have in common (`train.fits.Answering`).
    """
    kept = tf.cast(tf.not_equal(targets, text.PADDING), logits.dtype)
    kept = tf.concat([tf.ones_like(kept[:, :1]), kept[:, :-1]], axis=1)  # the end counts, what is behind it does not
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    if smoothing:
        uniform = tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_mean(logits, axis=-1)
        each = (1.0 - smoothing) * each + smoothing * uniform
    return tf.reduce_sum(each * kept) / tf.reduce_sum(kept)
