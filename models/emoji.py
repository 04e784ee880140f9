"""Networks that answer a sentence with an emoji."""

from __future__ import annotations

import keras
from keras import layers

VARIANTS = ("average", "lstm")


def build_emoji(
    *,
    variant: str = "lstm",
    length: int = 12,
    vocabulary: int = 400,
    width: int = 24,
    units: int = 32,
    classes: int = 5,
) -> keras.Model:
    """A sentence as the average of its word vectors, which forgets their order, or as the last state of an LSTM.

    Args:
        variant: "average" (Iyyer et al. 2015, "Deep unordered composition rivals syntactic methods for text
            classification", without its hidden layers) or "lstm" (Hochreiter, Schmidhuber 1997).
        length: tokens.
        vocabulary: rows of the table of word vectors, of which the first is padding and the second unknown words.
        width: of a word vector.
        units: of the LSTM.
        classes: number of emoji.

    Returns:
        Functional model. Input "tokens" (batch, length), int32 below `vocabulary`, filled up in front; output "logits"
        (batch, classes).

    Raises:
        ValueError: an unknown variant, or fewer than two classes.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_emoji: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if classes < 2:
        raise ValueError(f"build_emoji: classes must be 2 or more. Received: {classes}")
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    x = layers.Embedding(vocabulary, width, name="embedding")(tokens)  # (batch, length, width)
    reader = layers.GlobalAveragePooling1D(name="average") if variant == "average" else layers.LSTM(units, name="lstm")
    x = reader(x)  # (batch, width) or (batch, units)
    x = layers.Dropout(0.3, name="dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(tokens, logits, name=f"emoji_{variant}")
