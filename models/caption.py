"""Networks that see a picture and write a sentence."""

from __future__ import annotations

import keras
from keras import layers

from models.attention import lstm_writer
from models.layers import Positions


def build_caption(
    *,
    side: int = 48,
    maps: tuple[int, ...] = (16, 32, 48, 64),
    answer_length: int = 17,
    answer_vocabulary: int = 19,
    width: int = 32,
    units: int = 64,
    dropout: float = 0.1,
) -> keras.Model:
    """Convolutions that look at a picture once, and an LSTM that writes a sentence, looking back at their last maps.

    An encoder of pictures before a recurrent writer is Vinyals et al. 2015, "Show and tell: a neural image caption
    generator"; that the writer sees a grid of places, not one vector, is Xu et al. 2015, "Show, attend and tell",
    section 3.1.1. The writer is `models.attention.lstm_writer`. A place is told by a vector of its own, added to its
    features.

    Args:
        side: of the picture, a multiple of 2 to the number of convolutions but one.
        maps: of each convolution; all but the last halve the picture.
        answer_length: steps of the sentence, whose end takes one.
        answer_vocabulary: rows of the sentence's table of tokens; its first is the start and the end.
        width: of a token's vector.
        units: of the writer and the memory.
        dropout: share of the outputs of each part of the writer that a training step leaves out.

    Returns:
        Functional model. Inputs "image" (batch, side, side, 3) and "written" (batch, answer_length), int32 below
        `answer_vocabulary`: 0, the sentence's tokens, filled up with 0. Output "logits" (batch, answer_length,
        answer_vocabulary), of the token after each. The layer "memory" (batch, places, units) is all that the writer
        knows of the picture.

    Raises:
        ValueError: a side that can't be halved so often.
    """
    halved = 2 ** (len(maps) - 1)
    if side < 1 or side % halved:
        raise ValueError(f"build_caption: {halved} must divide side. Received: {side}")
    image = keras.Input((side, side, 3), name="image")
    written = keras.Input((answer_length,), dtype="int32", name="written")
    x = image
    for i, channels in enumerate(maps, start=1):
        x = layers.Conv2D(channels, 3, padding="same", kernel_initializer="he_normal", name=f"see{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"see{i}_norm")(x)
        x = layers.ReLU(name=f"see{i}_relu")(x)
        if i < len(maps):
            x = layers.MaxPooling2D(2, name=f"see{i}_pool")(x)  # (batch, side / 2^i, side / 2^i, channels)
    x = layers.Reshape(((side // halved) ** 2, maps[-1]), name="places")(x)  # (batch, places, channels)
    x = layers.Dense(units, name="features")(x)  # (batch, places, units)
    memory = Positions(name="memory")(x)
    logits = lstm_writer(written, memory, vocabulary=answer_vocabulary, width=width, units=units, dropout=dropout)
    return keras.Model([image, written], logits, name="caption")
