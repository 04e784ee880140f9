"""Networks that recommend: a user's vector from what the user liked, and from it a score for each item."""

from __future__ import annotations

import keras
from keras import layers

VARIANTS = ("factors", "autoencoder")


def build_recommend(*, variant: str = "factors", items: int = 200, width: int = 16) -> keras.Model:
    """Two towers of one layer each: a history to a user's vector, that to the items' scores.

    Args:
        variant: "factors", where both are linear: a user's vector is the sum of a vector for each item liked, over the
            root of their number, and a score its product with a second vector of the item, plus a bias (asymmetric SVD:
            Koren 2008, "Factorization meets the neighborhood", equation 13; Koren, Bell, Volinsky 2009); or
            "autoencoder", where a bias and a sigmoid follow in the middle (Sedhain et al. 2015, "AutoRec", over users).
        items: number of items.
        width: of a user's vector.

    Returns:
        Functional model. Input "history" (batch, items), float32, rows of length 1; output "scores" (batch, items), the
        larger the more likely; layer "user" (batch, width) between them.

    Raises:
        ValueError: an unknown variant, fewer than two items, or no width.
    """
    if variant not in VARIANTS:
        raise ValueError(f"build_recommend: variant must be one of {', '.join(VARIANTS)}. Received: {variant!r}")
    if items < 2 or width < 1:
        raise ValueError(f"build_recommend: items must be 2 or more, width 1 or more. Received: {items}, {width}")
    history = keras.Input((items,), name="history")
    if variant == "factors":
        user = layers.Dense(width, use_bias=False, name="user")(history)  # (batch, width)
    else:
        user = layers.Dense(width, activation="sigmoid", name="user")(history)  # (batch, width)
    scores = layers.Dense(items, name="scores")(user)  # (batch, items)
    return keras.Model(history, scores, name=f"recommend_{variant}")
