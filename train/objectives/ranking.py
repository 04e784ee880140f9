"""What a user liked, and the items liked later: recommenders."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from edgeproof import metrics
from train.data import Dataset
from train.histories import popularity
from train.objectives.descent import Descent
from train.objectives.objective import Ready


class Ranking(Descent):
    """See `train.fits.Ranking`.

    Raises:
        Refused: outputs that are not decoded as recommendations.
    """

    decodes = ("recommend", "train: ranking is for what recommends.")

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return criterion(targets, outputs[self.output])

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        return {name: tensor[chosen] for name, tensor in ready.tensors.items()}, self.targets(ready)[chosen]

    def targets(self, ready: Ready) -> np.ndarray:
        assert ready.labels is not None
        return ready.labels

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """NDCG on the test split, and that of the most liked items for everyone."""
        ready = self.ready(dataset.test, "the test split")
        wanted = self.targets(ready)
        scores = {"": self.outputs(ready.tensors)[self.output], "popularity": popularity(dataset)}
        found = {name: metrics.ndcg(values, wanted) for name, values in scores.items()}
        low, high = metrics.interval(found[""])
        return {
            "test ndcg@20": f"**{found[''].mean():.2%}** (95% interval {low:.2%} to {high:.2%}; "
            f"popularity {found['popularity'].mean():.2%})"
        }


def criterion(wanted: Any, scores: Any) -> Any:
    """-log softmax of the wanted items, the mean of a user's, then of users; items of the history are left out.

    Args:
        wanted: (n, items): 1 wanted, 0 not, -1 left out.
        scores: (n, items).
    """
    kept = tf.where(wanted < 0, tf.constant(-1e9, scores.dtype), scores)
    ones = tf.cast(wanted > 0, scores.dtype)
    told = tf.reduce_sum(ones * tf.nn.log_softmax(kept), axis=1) / tf.reduce_sum(ones, axis=1)
    return -tf.reduce_mean(told)
