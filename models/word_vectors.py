"""Word vectors, and the words that three of them ask for."""

from __future__ import annotations

import keras
from keras import layers

from models.layers import Offset


def build_word_vectors(*, words: int = 355, width: int = 48) -> keras.Model:
    """a is to b as c is to what? A score for each word: the product of its vector with b - a + c (Mikolov, Yih, Zweig
    2013, "Linguistic regularities in continuous space word representations", section 4).

    The vectors are of length 1, so that the order of scores is that of cosines. Padding and the unknown have zeros for
    a vector: of one word alone, after two of padding, the graph scores its neighbours.

    Args:
        words: that have a vector.
        width: of a vector.

    Returns:
        Functional model. Input "query" (batch, 3), int32 below `words` + 2: 0 padding, 1 unknown, the words from 2 on;
        output "scores" (batch, words). Layers "vectors", the table that is looked up, (words + 2, width), and "scores",
        the words' part of it again, (width, words), without a bias; `train.objectives.skip_gram` sets both.

    Raises:
        ValueError: fewer than four words, or no width.
    """
    if words < 4 or width < 1:
        raise ValueError(f"build_word_vectors: words must be 4 or more, width 1 or more. Received: {words}, {width}")
    query = keras.Input((3,), dtype="int32", name="query")
    x = layers.Embedding(words + 2, width, name="vectors")(query)  # (batch, 3, width)
    x = Offset(name="offset")(x)  # (batch, width)
    scores = layers.Dense(words, use_bias=False, name="scores")(x)  # (batch, words)
    return keras.Model(query, scores, name="word_vectors")
