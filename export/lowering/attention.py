"""Masked scores below every other, instead of minus a billion.

A number that large in a tensor leaves 8 bits nothing for the scores. Sixteen below the smallest score, a weight is at
most exp(-16), one ten-millionth, of the smallest that counts: the same in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from export.lowering import Replaced

_BELOW = 16.0


def masked(scores: Any, mask: Any, axis: Any = -1) -> Any:
    """Scores with those out of the mask (True: in) set below all others along the axis."""
    low = tf.reduce_min(scores, axis, keepdims=True) - _BELOW
    inside = tf.cast(tf.broadcast_to(tf.cast(mask, tf.bool), tf.shape(scores)), scores.dtype)
    return inside * scores + (1.0 - inside) * low


def _apply_scores(original: Any) -> Any:
    def apply(self: Any, scores: Any, value: Any, scores_mask: Any = None, training: bool = False) -> Any:
        if scores_mask is not None and scores.dtype == tf.float32:
            scores, scores_mask = masked(scores, scores_mask), None
        return original(self, scores, value, scores_mask, training)

    return apply


def _apply_masks(original: Any) -> Any:
    def apply(logits: Any, mask: Any, is_causal: bool) -> Any:
        if (mask is None and not is_causal) or logits.dtype != tf.float32 or None in logits.shape[2:]:
            return original(logits, mask, is_causal)
        if is_causal:
            past = np.tri(*logits.shape[2:], dtype=np.bool_)[None, None]
            mask = past if mask is None else tf.logical_and(mask, past)
        return masked(logits, mask)

    return apply


REPLACED: Replaced = {
    ("keras.src.layers.attention.attention:Attention", "_apply_scores"): _apply_scores,
    ("keras.src.backend.tensorflow.nn", "_apply_masks"): _apply_masks,
}
