"""What networks with attention are built from: a Transformer's blocks, and a recurrent writer that looks back."""

from __future__ import annotations

from typing import Any

from keras import layers

from models.layers import Positions


def block(
    x: Any, name: str, units: int, heads: int, dropout: float, *, causal: bool = False, memory: Any = None
) -> Any:
    """A Transformer's block (Vaswani et al. 2017, section 3), normalized before each part (Radford et al. 2018), with
    ReLU, which microcontrollers have, for GELU.

    Args:
        x: (batch, time, units).
        name: of its layers, before theirs.
        causal: each time step sees none behind it.
        memory: (batch, other time, units) that is looked at as well, as a decoder looks at what an encoder gives.
    """
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm1")(x)
    y = layers.MultiHeadAttention(heads, units // heads, name=f"{name}_attention")(y, y, use_causal_mask=causal)
    y = layers.Dropout(dropout, name=f"{name}_dropout1")(y)
    x = layers.Add(name=f"{name}_add1")([x, y])
    if memory is not None:
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_memory")(x)
        y = layers.MultiHeadAttention(heads, units // heads, name=f"{name}_memory")(y, memory)
        y = layers.Dropout(dropout, name=f"{name}_dropout_memory")(y)
        x = layers.Add(name=f"{name}_add_memory")([x, y])
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm2")(x)
    y = layers.Dense(4 * units, activation="relu", name=f"{name}_wide")(y)  # (batch, time, 4 units)
    y = layers.Dense(units, name=f"{name}_narrow")(y)
    y = layers.Dropout(dropout, name=f"{name}_dropout2")(y)
    return layers.Add(name=f"{name}_add2")([x, y])


def placed(tokens: Any, name: str, vocabulary: int, units: int) -> Any:
    """Tokens as vectors that know where they stand: (batch, time) -> (batch, time, units)."""
    x = layers.Embedding(vocabulary, units, name=f"{name}_embedding")(tokens)
    return Positions(name=f"{name}_positions")(x)


def transformer_writer(
    written: Any, memory: Any, *, vocabulary: int, units: int, blocks: int, heads: int, dropout: float
) -> Any:
    """Logits of the token after each one written, (batch, length, vocabulary), by a Transformer's decoder."""
    x = placed(written, "written", vocabulary, units)  # (batch, length, units)
    for i in range(blocks):
        x = block(x, f"write{i + 1}", units, heads, dropout, causal=True, memory=memory)
    x = layers.LayerNormalization(epsilon=1e-5, name="write_norm")(x)
    x = layers.Dropout(dropout, name="write_dropout")(x)
    return layers.Dense(vocabulary, name="logits")(x)


def lstm_writer(written: Any, memory: Any, *, vocabulary: int, width: int, units: int, dropout: float) -> Any:
    """Logits of the token after each one written, (batch, length, vocabulary), by an LSTM that looks at a memory.

    The scores are additive (Bahdanau, Cho, Bengio 2015, "Neural machine translation by jointly learning to align and
    translate", appendix A.1.2). What differs from there: the memory is looked at behind the recurrent layer (Luong,
    Pham, Manning 2015, section 3.1), which so is one layer over all tokens; and it gets the memory's mean with every
    token, as Cho et al. 2014 give it the source's summary.

    Args:
        written: (batch, length) tokens.
        memory: (batch, places, any width).
    """
    x = layers.Embedding(vocabulary, width, name="written_embedding")(written)  # (batch, length, width)
    mean = layers.GlobalAveragePooling1D(keepdims=True, name="memory_mean")(memory)  # (batch, 1, memory's width)
    about = layers.Dense(width, name="about")(mean)  # (batch, 1, width)
    x = layers.Add(name="told")([x, about])  # (batch, length, width)
    x = layers.Dropout(dropout, name="told_dropout")(x)
    states = layers.LSTM(units, return_sequences=True, name="writer")(x)  # (batch, length, units)
    query = layers.Dense(units, use_bias=False, name="query")(states)
    key = layers.Dense(units, name="key")(memory)  # (batch, places, units)
    seen = layers.AdditiveAttention(name="attention")([query, memory, key])  # (batch, length, memory's width)
    x = layers.Concatenate(name="both")([states, seen])
    x = layers.Dense(units, activation="tanh", name="combined")(x)  # (batch, length, units)
    x = layers.Dropout(dropout, name="write_dropout")(x)
    return layers.Dense(vocabulary, name="logits")(x)
