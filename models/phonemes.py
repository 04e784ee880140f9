"""A network that tells the phoneme of each frame, with a narrow layer whose outputs serve others as features."""

from __future__ import annotations

import keras
from keras import layers

from models.phonology import ATTRIBUTES, PHONEMES, table

VARIANTS = ("phonemes", "attributes")

FRAMES, BANDS, SPLICED = 148, 40, 11


def build_phonemes(*, variant: str = "phonemes", width: int = 128, bottleneck: int = 32) -> keras.Model:
    """A frame and its ten neighbours through dense layers, one of them narrow and linear (Grézl, Karafiát, Kontár,
    Černocký 2007, "Probabilistic and bottle-neck features for LVCSR of meetings", section 2).

    A convolution over the whole spliced window is a dense layer of each frame with its neighbours.

    Args:
        variant: "phonemes", a class a frame; "attributes", what is so of the frame's sound, each for itself (after
            King, Taylor 2000, "Detection of phonological features in continuous speech using neural networks"), and
            from it the phoneme whose row of `models.phonology.table` is nearest.
        width: units of each wide layer.
        bottleneck: units of the narrow one.

    Returns:
        Functional model. Input "features" (batch, 148, 40), logarithms of mel bands of about unit size; layer
        "bottleneck" (batch, 138, bottleneck); output "logits" (batch, 138, 19). "attributes" has an output "attributes"
        (batch, 138, 16) before it, probabilities. Parameters at the defaults: "phonemes" 85,299; "attributes" 85,216,
        of which 304 are the table, which is not trained.

    Raises:
        ValueError: an unknown variant, or a layer without units.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_phonemes: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if min(width, bottleneck) < 1:
        raise ValueError(f"build_phonemes: width and bottleneck must be 1 or more. Received: {width}, {bottleneck}")
    features = keras.Input((FRAMES, BANDS), name="features")
    x = layers.Conv1D(width, SPLICED, activation="relu", name="spliced")(features)  # (batch, 138, width)
    x = layers.BatchNormalization(momentum=0.9, name="spliced_norm")(x)
    x = layers.Dense(width, activation="relu", name="before")(x)
    x = layers.BatchNormalization(momentum=0.9, name="before_norm")(x)
    x = layers.Dense(bottleneck, name="bottleneck")(x)  # (batch, 138, bottleneck)
    x = layers.Dense(width, activation="relu", name="after")(x)  # (batch, 138, width)
    x = layers.BatchNormalization(momentum=0.9, name="after_norm")(x)
    if variant == "phonemes":
        logits = layers.Dense(len(PHONEMES), name="logits")(x)  # (batch, 138, 19)
        return keras.Model(features, logits, name="phonemes")
    odds = layers.Dense(len(ATTRIBUTES), name="odds")(x)  # (batch, 138, 16)
    attributes = layers.Activation("sigmoid", name="attributes")(odds)
    # Of attributes that are independent, with log-odds z, a row r of zeros and ones has the probability exp(r z) times
    # what is the same for all rows. So the likeliest row, that nearest in cross-entropy, has the largest of z times the
    # table, which are logits.
    nearest = layers.Dense(len(PHONEMES), use_bias=False, trainable=False, name="logits")
    logits = nearest(odds)  # (batch, 138, 19)
    nearest.set_weights([table().T])
    return keras.Model(features, [attributes, logits], name="phonemes_attributes")
