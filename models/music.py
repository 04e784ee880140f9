"""Networks that say what is sung next."""

from __future__ import annotations

import keras
from keras import layers

VARIANTS = ("chorale", "chord")


def build_music(
    *,
    variant: str = "chorale",
    steps: int = 32,
    grid: int = 2,
    voices: int = 4,
    vocabulary: int = 256,
    width: int = 32,
    near: int = 8,
    units: int = 128,
    dropout: float = 0.1,
) -> keras.Model:
    """The next note of four voices, or the next chord, from the nearest before it and an LSTM's memory of all others.

    As Liang, Gotham, Johnson and Shotton 2017, "Automatic stylistic composition of Bach chorales with deep LSTM", have
    it, the voices of a time step are one stream of tokens, so that each is drawn given those above it. The convolution
    is ours: what a voice sang last stands a whole time step back, which an LSTM alone is slow to learn to look up.

    Args:
        variant: "chorale", a token each note, or "chord", a token the harmony of each quarter note.
        steps: time steps that are seen at a time.
        grid: time steps a quarter note.
        voices: of a score.
        vocabulary: rows of the table of tokens, of which the first is padding and the second unknown ones.
        width: of a token's vector.
        near: tokens that the convolution sees, the latest among them.
        units: of the LSTM, and of the convolution.
        dropout: share of the outputs of both that a training step leaves out.

    Returns:
        Functional model. Input "tokens" (batch, length), int32 below `vocabulary`, length being steps x voices of
        "chorale", steps / grid of "chord"; output "logits" (batch, length, vocabulary), of the token after each.

    Raises:
        ValueError: an unknown variant, or steps that are no quarter notes.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_music: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if steps < 2 * grid or steps % grid:
        raise ValueError(f"build_music: steps must be two quarter notes or more, of {grid} each. Received: {steps}")
    length = steps * voices if variant == "chorale" else steps // grid
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    x = layers.Embedding(vocabulary, width, name="embedding")(tokens)  # (batch, length, width)
    last = layers.Conv1D(units, near, padding="causal", activation="relu", name="near")(x)  # (batch, length, units)
    x = layers.LSTM(units, return_sequences=True, name="lstm")(last)
    x = layers.Concatenate(name="both")([last, x])  # (batch, length, 2 units)
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(vocabulary, name="logits")(x)  # (batch, length, vocabulary)
    return keras.Model(tokens, logits, name=f"music_{variant}")
