"""Attention and embeddings."""

from __future__ import annotations

from keras import layers as L

from export.conformance.cases import Case

_ROWS, _TWO = ((6, 32),), ((6, 32), (5, 32))

CASES = [
    Case("Attention", "", lambda x, y: L.Attention()([x, y]), _TWO),
    Case("Attention", "scaled, concat", lambda x, y: L.Attention(use_scale=True, score_mode="concat")([x, y]), _TWO),
    Case("Attention", "causal", lambda x: L.Attention()([x, x], use_causal_mask=True), _ROWS),
    Case("AdditiveAttention", "", lambda x, y: L.AdditiveAttention()([x, y]), _TWO),
    Case("MultiHeadAttention", "self", lambda x: L.MultiHeadAttention(4, 8)(x, x), _ROWS),
    Case("MultiHeadAttention", "cross", lambda x, y: L.MultiHeadAttention(4, 8)(x, y), _TWO),
    Case("MultiHeadAttention", "causal", lambda x: L.MultiHeadAttention(4, 8)(x, x, use_causal_mask=True), _ROWS),
    Case("GroupQueryAttention", "", lambda x: L.GroupQueryAttention(8, 4, 2)(x, x), _ROWS),
    Case("Embedding", "", L.Embedding(8, 128), ((5,),), "index8"),
    Case(
        "Embedding",
        "mean of a mask",
        lambda x: L.GlobalAveragePooling1D()(L.Embedding(8, 128, mask_zero=True)(x)),
        ((5,),),
        "index8",
    ),
    Case("ReversibleEmbedding", "", L.ReversibleEmbedding(8, 128), ((5,),), "index8"),
]
