"""Recurrent networks over sequences."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

VARIANTS = ("lstm", "gru", "stacked", "bidirectional")


def build_rnn_classify(
    *,
    variant: str = "lstm",
    length: int = 48,
    vocabulary: int = 2000,
    width: int = 64,
    units: int = 32,
    dropout: float = 0.7,
    classes: int = 5,
) -> keras.Model:
    """From a text to its class, many to one: the last state of a recurrent network.

    Args:
        variant: "lstm" (Hochreiter, Schmidhuber 1997; its forget gate is of Gers, Schmidhuber, Cummins 2000), "gru"
            (Cho et al. 2014), "stacked", an LSTM over the states of another, or "bidirectional", an LSTM from either
            end (Schuster, Paliwal 1997).
        length: tokens.
        vocabulary: rows of the table of word vectors, of which the first is padding and the second unknown words.
        width: of a word vector.
        units: of each recurrent layer.
        dropout: share of the inputs of the recurrent layer and of the classifier that a training step leaves out.
        classes: number of classes.

    Returns:
        Functional model. Input "tokens" (batch, length), int32 below `vocabulary`, filled up in front; output "logits"
        (batch, classes).

    Raises:
        ValueError: an unknown variant, or fewer than two classes.
    """
    _check("build_rnn_classify", variant, classes)
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    # Not masked: padding stands in front, and the network learns to wait through it.
    x = layers.Embedding(vocabulary, width, name="embedding")(tokens)  # (batch, length, width)
    x = layers.Dropout(dropout, name="embedding_dropout")(x)
    x = _read(x, variant, units)  # (batch, units), twice as many from both ends
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, classes)
    return keras.Model(tokens, logits, name=f"rnn_classify_{variant}")


def build_rnn_label(
    *,
    variant: str = "lstm",
    length: int = 128,
    columns: int = 3,
    units: int = 40,
    dropout: float = 0.2,
    classes: int = 5,
) -> keras.Model:
    """A class for each time step of a series, many to many, from that step and those before it.

    Args:
        variant: "lstm" or "gru"; "stacked", an LSTM over the states of another; or "bidirectional", which sees what
            comes after too and so can't follow a stream (Graves, Schmidhuber 2005).
        length, columns: time steps, and numbers at each.
        units: of each recurrent layer.
        dropout: share of the states that a training step leaves out.
        classes: number of classes.

    Returns:
        Functional model. Input "series" (batch, length, columns), standardised; output "logits" (batch, length,
        classes).

    Raises:
        ValueError: an unknown variant, or fewer than two classes.
    """
    _check("build_rnn_label", variant, classes)
    series = keras.Input((length, columns), name="series")
    x = _read(series, variant, units, sequences=True)  # (batch, length, units), twice as many from both ends
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)  # (batch, length, classes)
    return keras.Model(series, logits, name=f"rnn_label_{variant}")


def build_rnn_forecast(
    *,
    variant: str = "lstm",
    past: int = 96,
    horizon: int = 24,
    columns: int = 2,
    units: int = 32,
    dropout: float = 0.3,
) -> keras.Model:
    """What comes next in a series: the last `horizon` time steps again, with what a linear function of each column and
    a recurrent network of all of them add (Lai et al. 2018, "Modeling long- and short-term temporal patterns with deep
    neural networks": their autoregressive part beside the recurrent one). Both see the series less its mean, so that a
    level never seen before is no other case (after Kim et al. 2022, "Reversible instance normalization").

    Args:
        variant: as of `build_rnn_label`.
        past: time steps that are seen.
        horizon: time steps that are forecast, as many as the series' season has.
        columns: numbers at each.
        units: of each recurrent layer.
        dropout: share of the last states that a training step leaves out.

    Returns:
        Functional model. Input "series" (batch, past, columns), standardised; output "future" (batch, horizon,
        columns), standardised likewise.

    Raises:
        ValueError: an unknown variant, or a horizon beyond the past.
    """
    _check("build_rnn_forecast", variant)
    if not 0 < horizon <= past:
        raise ValueError(f"build_rnn_forecast: horizon must be from 1 to past, {past}. Received: {horizon}")
    series = keras.Input((past, columns), name="series")
    level = layers.GlobalAveragePooling1D(keepdims=True, name="level")(series)  # (batch, 1, columns)
    about = layers.Subtract(name="about")([series, level])  # (batch, past, columns)

    x = layers.Permute((2, 1), name="by_column")(about)  # (batch, columns, past)
    x = layers.Dense(horizon, kernel_initializer="zeros", name="linear")(x)
    linear = layers.Permute((2, 1), name="by_time")(x)  # (batch, horizon, columns)

    x = layers.Dropout(dropout, name="dropout")(_read(about, variant, units))  # (batch, units)
    x = layers.Dense(horizon * columns, kernel_initializer="zeros", name="change")(x)
    change = layers.Reshape((horizon, columns), name="by_step")(x)  # (batch, horizon, columns)

    season = layers.Cropping1D((past - horizon, 0), name="season")(series)  # (batch, horizon, columns)
    future = layers.Add(name="future")([season, linear, change])
    return keras.Model(series, future, name=f"rnn_forecast_{variant}")


def _check(builder: str, variant: str, classes: int = 2) -> None:
    if variant not in VARIANTS:
        raise ValueError(f"{builder}: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if classes < 2:
        raise ValueError(f"{builder}: classes must be 2 or more. Received: {classes}")


def _read(x: Any, variant: str, units: int, sequences: bool = False) -> Any:
    """The last states, or all of them."""
    last: dict[str, Any] = {"return_sequences": sequences}
    if variant == "gru":
        return layers.GRU(units, **last, name="gru")(x)
    if variant == "stacked":
        x = layers.LSTM(units, return_sequences=True, name="lstm1")(x)  # (batch, length, units)
        return layers.LSTM(units, **last, name="lstm2")(x)
    if variant == "bidirectional":
        return layers.Bidirectional(layers.LSTM(units, **last, name="lstm"), name="both")(x)
    return layers.LSTM(units, **last, name="lstm")(x)
