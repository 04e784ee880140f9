"""Networks that read one text and write another."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from models.attention import block, lstm_writer, placed, transformer_writer

VARIANTS = ("lstm", "transformer")


def build_translate(
    *,
    variant: str = "lstm",
    length: int = 32,
    vocabulary: int = 80,
    answer_length: int = 12,
    answer_vocabulary: int = 14,
    width: int = 32,
    units: int = 64,
    blocks: int = 2,
    heads: int = 4,
    dropout: float = 0.1,
) -> keras.Model:
    """An encoder that reads a text once, and a decoder that writes another, looking back at it.

    Args:
        variant: "lstm", an LSTM from either end that reads and one with additive attention that writes (Bahdanau, Cho,
            Bengio 2015; see `models.attention.lstm_writer` for what differs), or "transformer" (Vaswani et al. 2017).
        length: tokens of the source.
        vocabulary: rows of the source's table of tokens, of which the first is padding and the second unknown ones.
        answer_length: steps of the answer, whose end takes one.
        answer_vocabulary: rows of the answer's table of tokens; its first is the start and the end.
        width: of a token's vector; of "lstm" alone.
        units: of the writer and the memory, and of either half of the reader together; in the Transformer of all.
        blocks, heads: of the Transformer, each of encoder and decoder.
        dropout: share of the outputs of each part that a training step leaves out.

    Returns:
        Functional model. Inputs "tokens" (batch, length), int32 below `vocabulary`, and "written" (batch,
        answer_length), int32 below `answer_vocabulary`: 0, the answer's tokens, filled up with 0. Output "logits"
        (batch, answer_length, answer_vocabulary), of the token after each. The layer "memory" (batch, length, units)
        is all that the decoder knows of the source.

    Raises:
        ValueError: an unknown variant, or units that heads (or two halves) do not divide.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_translate: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    parts = heads if variant == "transformer" else 2
    if units % parts:
        raise ValueError(f"build_translate: {parts} parts must divide units. Received: {units} units")
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    written = keras.Input((answer_length,), dtype="int32", name="written")
    writing: dict[str, Any] = {"vocabulary": answer_vocabulary, "units": units, "dropout": dropout}
    if variant == "lstm":
        x = layers.Embedding(vocabulary, width, name="tokens_embedding")(tokens)  # (batch, length, width)
        x = layers.Dropout(dropout, name="tokens_dropout")(x)
        half = layers.LSTM(units // 2, return_sequences=True, name="lstm")
        x = layers.Bidirectional(half, name="reader")(x)  # (batch, length, units)
        memory = layers.Dense(units, name="memory")(x)
        logits = lstm_writer(written, memory, width=width, **writing)
    else:
        x = placed(tokens, "tokens", vocabulary, units)  # (batch, length, units)
        for i in range(blocks):
            x = block(x, f"read{i + 1}", units, heads, dropout)
        memory = layers.LayerNormalization(epsilon=1e-5, name="memory")(x)
        logits = transformer_writer(written, memory, blocks=blocks, heads=heads, **writing)
    return keras.Model([tokens, written], logits, name=f"translate_{variant}")
