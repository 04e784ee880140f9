"""Encoders that read a text both ways, and the classifier on them."""

from __future__ import annotations

import keras
from keras import layers

from models.attention import block, placed


def build_bert(
    *,
    length: int = 24,
    vocabulary: int = 64,
    units: int = 32,
    blocks: int = 2,
    heads: int = 2,
    dropout: float = 0.0,
    classes: int = 2,
) -> keras.Model:
    """BERT (Devlin et al. 2018, "BERT: pre-training of deep bidirectional transformers for language understanding",
    section 3), small, with a classifier on its first token.

    What differs from there: one segment; blocks normalize before each part, not behind it, and have ReLU for GELU
    (`models.attention.block`); no layer with tanh before the classifier; padding is seen as what it is, a token.

    Args:
        length: tokens, the first, which is padding, among them.
        vocabulary: rows of the table of tokens: padding, the unknown or masked, then the words.
        units: of each token's vector.
        blocks: one after another.
        heads: of attention, which `units` are divided among.
        dropout: share of what each part adds that is left out in training.
        classes: to tell apart.

    Returns:
        Functional model. Input "tokens" (batch, length), int32 below `vocabulary`; output "logits" (batch, classes).
        Layers "tokens_positions", "read1_add2" and so on, and "encoded" (batch, length, units) between them.

    Raises:
        ValueError: fewer than two tokens or classes, no block, or units that heads do not divide.
    """
    if length < 2 or classes < 2 or blocks < 1 or heads < 1 or units % heads:
        raise ValueError(
            "build_bert: length and classes must be 2 or more, blocks 1 or more, and units a multiple of heads. "
            f"Received: length {length}, classes {classes}, blocks {blocks}, units {units}, heads {heads}"
        )
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    x = placed(tokens, "tokens", vocabulary, units)  # (batch, length, units)
    for i in range(blocks):
        x = block(x, f"read{i + 1}", units, heads, dropout)
    x = layers.LayerNormalization(epsilon=1e-5, name="encoded")(x)
    x = layers.Cropping1D((0, length - 1), name="first")(x)  # (batch, 1, units)
    x = layers.Reshape((units,), name="summary")(x)  # (batch, units)
    x = layers.Dropout(dropout, name="summary_dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(tokens, logits, name="bert")


def build_student(
    *,
    length: int = 24,
    vocabulary: int = 64,
    units: int = 4,
    blocks: int = 1,
    heads: int = 2,
    dropout: float = 0.0,
    classes: int = 2,
) -> keras.Model:
    """`build_bert` as small as a student is (Jiao et al. 2020, "TinyBERT", section 4.1): fewer blocks, shorter vectors.

    Args, Returns and Raises: as `build_bert`.
    """
    return build_bert(
        length=length,
        vocabulary=vocabulary,
        units=units,
        blocks=blocks,
        heads=heads,
        dropout=dropout,
        classes=classes,
    )
