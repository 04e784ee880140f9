"""Texts, and which token comes after each: language models."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from train.data import Dataset
from train.objectives.descent import Descent
from train.objectives.objective import Ready


class NextToken(Descent):
    """See `train.fits.NextToken`.

    Raises:
        Refused: outputs that are not decoded as what comes next.
    """

    decodes = ("write", "train: a language model says what comes next.")

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return criterion(targets, outputs[self.output])

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        inputs = {name: tensor[chosen] for name, tensor in ready.tensors.items()}
        return inputs, self.targets(ready)[chosen]

    def targets(self, ready: Ready) -> np.ndarray:
        return ready.tensors[self.model.inputs[0].name]

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """Bits a token of the test split, and what its tokens' frequencies alone would come to."""
        ready = self.ready(dataset.test, "the test split")
        bits = 8 * (1 - float(np.mean(self.values(ready, self.outputs(ready.tensors), "the test split"))))
        counts = np.bincount(self.targets(self.train).ravel(), minlength=self.model.output_shape[-1]) + 1.0
        alone = -np.log2(counts / counts.sum())[self.targets(ready)[:, 1:]].mean()
        return {"bits a token": f"**{bits:.3f}** on the test split ({alone:.3f} by the tokens' frequencies alone)"}


def criterion(tokens: Any, logits: Any) -> Any:
    """Cross-entropy of each token but the first with the logits at the one before it, in nats."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tokens[:, 1:], logits[:, :-1]))
