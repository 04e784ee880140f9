"""One number for two classes."""

from __future__ import annotations

from typing import Any

from keras import layers


def sides(logit: Any) -> Any:
    """How much likelier the second class is, as logits of both: (batch, 1) -> (batch, 2), named "logits".

    Half of it away from zero each, so that their softmax is the logistic curve of it.
    """
    no, yes = layers.Rescaling(-0.5, name="no")(logit), layers.Rescaling(0.5, name="yes")(logit)
    return layers.Concatenate(name="logits")([no, yes])
