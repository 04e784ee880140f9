"""Networks that recommend: a user's vector from what the user liked, and from it a score for each item."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from models.layers import ItemTable

VARIANTS = ("factors", "neumf", "autoencoder")


def build_recommend(
    *, variant: str = "factors", items: int = 200, width: int = 16, hidden: tuple[int, ...] = (8, 4)
) -> keras.Model:
    """Two towers: a history to a user's vector by one layer, that to the items' scores.

    Args:
        variant: "factors", where both are linear: a user's vector is the sum of a vector for each item liked, over the
            root of their number, and a score its product with a second vector of the item, plus a bias (asymmetric SVD:
            Koren 2008, "Factorization meets the neighborhood", equation 13; Koren, Bell, Volinsky 2009);
            "neumf", the same plus what a perceptron over the user's and the item's vectors adds (He et al. 2017,
            "Neural collaborative filtering", equation 12); or
            "autoencoder", where a bias and a sigmoid follow in the middle (Sedhain et al. 2015, "AutoRec", over users).
        items: number of items.
        width: of a user's vector.
        hidden: of "neumf", units of the perceptron's layers, each a ReLU.

    Returns:
        Functional model. Input "history" (batch, items), float32, rows of length 1; output "scores" (batch, items), the
        larger the more likely; layer "user" (batch, width) between them.

    Raises:
        ValueError: an unknown variant, fewer than two items, no width, or a perceptron without units.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_recommend: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if items < 2 or width < 1:
        raise ValueError(f"build_recommend: items must be 2 or more, width 1 or more. Received: {items}, {width}")
    if not hidden or min(hidden) < 1:
        raise ValueError(f"build_recommend: hidden layers must be one or more, with units. Received: {hidden}")
    history = keras.Input((items,), name="history")
    if variant == "autoencoder":
        user = layers.Dense(width, activation="sigmoid", name="user")(history)  # (batch, width)
    else:
        user = layers.Dense(width, use_bias=False, name="user")(history)  # (batch, width)
    if variant == "neumf":
        products = layers.Dense(items, name="products")(user)  # (batch, items)
        scores = layers.Add(name="scores")([products, _perceptron(user, items, hidden)])  # (batch, items)
    else:
        scores = layers.Dense(items, name="scores")(user)  # (batch, items)
    return keras.Model(history, scores, name=f"recommend_{variant}")


def _perceptron(user: Any, items: int, hidden: tuple[int, ...]) -> Any:
    """(batch, width) -> (batch, items). The same layers for every item, whose vector is in the first one's table."""
    first, *others = hidden
    x = layers.Dense(first, use_bias=False, name="dense1")(user)  # (batch, hidden[0])
    x = ItemTable(items, name="items")(x)  # (batch, items, hidden[0])
    x = layers.ReLU(name="relu1")(x)
    for i, units in enumerate(others, start=2):
        x = layers.ReLU(name=f"relu{i}")(layers.Dense(units, name=f"dense{i}")(x))  # (batch, items, hidden[i - 1])
    x = layers.Dense(1, use_bias=False, name="added")(x)  # (batch, items, 1)
    return layers.Reshape((items,), name="flat")(x)  # (batch, items)
