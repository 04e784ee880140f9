"""What one step of a compression made, kept while the next one trains: zeros, and weights that are equal.

Training goes on within the set of kernels that have the same zeros and the same equal weights: after each step of the
optimizer every weight is set to the mean of those that it equalled, and what was zero to zero. That is the projection
onto the set, whatever wraps the layer meanwhile (Gong et al., 2014; Han et al., 2016, "Deep compression", section 3,
where equal weights share their gradient).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from export.quantize.repeats import repeats


class Keep(tf_keras.callbacks.Callback):
    """Hold variables to the pattern that they have now.

    Args:
        variables: kernels.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        super().__init__()
        self._held = [held for variable in variables if (held := _pattern(variable))]
        self._project = tf.function(self._projected)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After each step."""
        if self._held:
            self._project()

    def _projected(self) -> None:
        for variable, mask, group, counts in self._held:
            value = variable
            if group is not None:
                sums = tf.math.unsorted_segment_sum(tf.reshape(variable, [-1]), group, len(counts))
                value = tf.reshape(tf.gather(sums / counts, group), variable.shape)
            variable.assign(value * mask)


def _pattern(variable: Any) -> tuple[Any, Any, Any, Any] | None:
    value = variable.numpy()
    mask = (value != 0).astype(value.dtype)
    _, group, counts = np.unique(value.reshape(-1), return_inverse=True, return_counts=True)
    if repeats(value):
        shared = tf.constant(group.reshape(-1).astype(np.int32)), tf.constant(counts.astype(value.dtype))
        return variable, tf.constant(mask), *shared
    return (variable, tf.constant(mask), None, None) if not mask.all() else None
