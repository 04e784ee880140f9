"""What the checkpoint tests share: the road from a file to a model, and tf.keras's answer to hold it against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.checkpoint import Opening, read
from export.checkpoint.load import Loaded, load

# Float32 sums in another order, largest difference of any output relative to the largest.
TOLERANCE = 1e-5


@pytest.fixture(scope="session")
def opened() -> Callable[..., Loaded]:
    """`opened(path, architecture=...)`: checked as an untrusted file is, then loaded."""

    def act(path: Path, **help: Any) -> Loaded:
        opening = Opening.of(str(Opening(path, **help)))  # as it reaches a child
        read(str(opening))
        return load(opening)

    return act


@pytest.fixture(scope="session")
def agree() -> Callable[[Any, Any], None]:
    """`agree(theirs, ours)`: two models of the same inputs give the same outputs for random samples."""
    import tensorflow as tf

    def act(theirs: Any, ours: Any) -> None:
        feeds = []
        for i, tensor in enumerate(theirs.inputs):
            rng = np.random.default_rng(i)
            shape = [tensor.shape[0] or 4, *(side or 5 for side in tensor.shape[1:])]
            whole = "int" in str(tensor.dtype) or "embedding" in theirs.name
            feeds.append(rng.integers(0, 7, shape) if whole else rng.normal(size=shape).astype(np.float32) * 2)
        feed = feeds if len(feeds) > 1 else feeds[0]
        wanted, found = (tf.nest.flatten(model(feed, training=False)) for model in (theirs, ours))
        assert len(wanted) == len(found)
        for a, b in zip(wanted, found, strict=True):
            a, b = np.asarray(a), np.asarray(b)
            assert a.shape == b.shape
            assert np.abs(a).max() > 1e-3, "an oracle of zeros proves nothing"
            np.testing.assert_allclose(b, a, rtol=0, atol=TOLERANCE * np.abs(a).max())

    return act


def randomize(model: Any, seed: int = 0) -> Any:
    """Other weights than those that a layer begins with, which hide biases and statistics; variances positive."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        name = getattr(variable, "path", variable.name)
        if "float" not in str(variable.dtype) or "count" in name:
            continue
        positive = "variance" in name
        draw = rng.uniform(0.3, 2.0, variable.shape) if positive else rng.normal(size=variable.shape) * 0.4
        variable.assign(draw.astype(np.float32))
    return model


@pytest.fixture(scope="session", name="randomize")
def _randomize() -> Callable[..., Any]:
    return randomize
