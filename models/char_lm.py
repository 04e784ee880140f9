"""Networks that say which character comes next."""

from __future__ import annotations

import keras
from keras import layers

from models.attention import block
from models.layers import Positions

VARIANTS = ("lstm", "gpt")


def build_char_lm(
    *,
    variant: str = "lstm",
    length: int = 80,
    vocabulary: int = 100,
    width: int = 32,
    units: int = 192,
    blocks: int = 3,
    heads: int = 4,
    dropout: float = 0.1,
) -> keras.Model:
    """The next character from those before it, at each time step.

    Args:
        variant: "lstm" (Graves 2013, "Generating sequences with recurrent neural networks", section 3), or "gpt", a
            Transformer's decoder alone (Vaswani et al. 2017; Radford et al. 2018), normalized before each part, with
            ReLU for GELU, which microcontrollers lack.
        length: characters that are seen at a time.
        vocabulary: rows of the table of characters, of which the first is padding and the second unknown ones.
        width: of a character's vector; of "lstm" alone.
        units: of the LSTM, or of each character's vector in the Transformer.
        blocks, heads: of the Transformer.
        dropout: share of the outputs of each part that a training step leaves out.

    Returns:
        Functional model. Input "tokens" (batch, length), int32 below `vocabulary`, filled up behind; output "logits"
        (batch, length, vocabulary), of the character after each.

    Raises:
        ValueError: an unknown variant, or units that heads do not divide.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_char_lm: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if variant == "gpt" and units % heads:
        raise ValueError(f"build_char_lm: heads must divide units. Received: {units} units, {heads} heads")
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    if variant == "lstm":
        x = layers.Embedding(vocabulary, width, name="embedding")(tokens)  # (batch, length, width)
        x = layers.LSTM(units, return_sequences=True, name="lstm")(x)  # (batch, length, units)
    else:
        x = layers.Embedding(vocabulary, units, name="embedding")(tokens)  # (batch, length, units)
        x = Positions(name="positions")(x)
        for i in range(blocks):
            x = block(x, f"block{i + 1}", units, heads, dropout, causal=True)
        x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(vocabulary, name="logits")(x)  # (batch, length, vocabulary)
    return keras.Model(tokens, logits, name=f"char_lm_{variant}")
