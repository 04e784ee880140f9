"""A network that reads a sentence along its tree."""

from __future__ import annotations

import keras
from keras import layers

from models.layers import Column, NeuralTensor, Pick


def build_rntn(
    *,
    length: int = 16,
    levels: int = 8,
    vocabulary: int = 80,
    width: int = 12,
    classes: int = 5,
) -> keras.Model:
    """Recursive neural tensor network (Socher et al. 2013, "Recursive deep models for semantic compositionality over a
    sentiment treebank", section 4.3).

    Words pass tanh as what is joined does, so that both have one range. All trees are read a level at a time: each
    level joins all nodes again, of which those of its height are then right for good. A score for each node, with which
    a sentence can be parsed, is from Socher et al. 2011, "Parsing natural scenes and natural language with recursive
    neural networks", equation 9.

    Args:
        length: words of a sentence at most.
        levels: above the words at most.
        vocabulary: rows of the table of words, of which the first is padding and the second unknown ones.
        width: of a node's vector.
        classes: of a node.

    Returns:
        Functional model. Input "tree" (batch, length, 3), int32: words, left and right parts as
        `edgeproof.frontend.tree` has them. Outputs "logits" (batch, classes) of the root, "phrases" (batch, 2 length,
        classes) of every node, words first, and "score" (batch, length, 1) of every node above the words.

    Raises:
        ValueError: fewer than two words, levels below one, or fewer than two classes.
    """
    if length < 2 or levels < 1 or classes < 2:
        raise ValueError(
            "build_rntn: length and classes must be 2 or more, levels 1 or more. "
            f"Received: length {length}, classes {classes}, levels {levels}"
        )
    tree = keras.Input((length, 3), dtype="int32", name="tree")
    # Layers: the same ones at every level.
    join, classify = NeuralTensor(name="join"), layers.Dense(classes, name="phrases")
    # Graph
    words = layers.Embedding(vocabulary, width, name="words")(Column(0, name="tokens")(tree))
    leaf = layers.Activation("tanh", name="leaf")(words)  # (batch, length, width)
    lefts, rights = Column(1, name="lefts")(tree), Column(2, name="rights")(tree)
    root = Column(1, length - 1, name="root")(tree)  # (batch, 1)
    parent = leaf  # of no use before there is a node
    for level in range(1, levels + 1):
        at = "" if level == levels else str(level)  # the last level's tensors are what its parts are called by
        below = layers.Concatenate(axis=1, name=f"below{at}")([leaf, parent])  # (batch, 2 length, width)
        left = Pick(name=f"left{at}")([below, lefts])  # (batch, length, width)
        right = Pick(name=f"right{at}")([below, rights])
        parent = layers.Activation("tanh", name=f"parent{at}")(join([left, right]))  # (batch, length, width)
    score = layers.Dense(1, name="score")(parent)  # (batch, length, 1)
    nodes = layers.Concatenate(axis=1, name="nodes")([leaf, parent])  # (batch, 2 length, width)
    phrases = classify(nodes)  # (batch, 2 length, classes)
    logits = layers.Reshape((classes,), name="logits")(Pick(name="top")([phrases, root]))
    return keras.Model(tree, [logits, phrases, score], name="rntn")
