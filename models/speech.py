"""A network that spells what is said: mel bands in, a word or the blank at each time step out."""

from __future__ import annotations

import keras
from keras import layers

FRAMES, BANDS = 398, 40


def build_speech(*, width: int = 64, blocks: int = 4, classes: int = 11) -> keras.Model:
    """Separable convolutions over time alone, for connectionist temporal classification (Graves et al. 2006; without
    recurrence after Collobert, Puhrsch, Synnaeve 2016, "Wav2Letter").

    Args:
        width: maps of each convolution.
        blocks: convolutions at the slow rate, of 5 steps each, the second and every other one dilated by 2.
        classes: words and the blank.

    Returns:
        Functional model. Input "features" (batch, 398, 40), logarithms of mel bands of about unit size; output
        "logits" (batch, steps, classes), a step each 40 ms: 73 at the defaults. Parameters at the defaults: 53,195.

    Raises:
        ValueError: fewer than two classes, or no block.
    """
    if classes < 2 or blocks < 1:
        raise ValueError(f"build_speech: classes must be 2 or more, blocks 1 or more. Received: {classes}, {blocks}")
    features = keras.Input((FRAMES, BANDS), name="features")
    x = layers.Conv1D(width, 5, strides=2, use_bias=False, name="conv1")(features)  # (batch, 197, width)
    x = layers.BatchNormalization(momentum=0.9, name="conv1_norm")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.Conv1D(width, 5, strides=2, use_bias=False, name="conv2")(x)  # (batch, 97, width)
    x = layers.BatchNormalization(momentum=0.9, name="conv2_norm")(x)
    x = layers.ReLU(name="conv2_relu")(x)
    for i in range(blocks):
        # 4 or 8 steps fewer each: valid, so that a stream can be followed
        x = layers.SeparableConv1D(width, 5, dilation_rate=1 + i % 2, use_bias=False, name=f"block{i + 1}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"block{i + 1}_norm")(x)
        x = layers.ReLU(name=f"block{i + 1}_relu")(x)
    x = layers.Dropout(0.1, name="dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, steps, classes)
    return keras.Model(features, logits, name="speech")
