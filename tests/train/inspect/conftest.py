"""Networks small enough to compute by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from train.inspect.subject import Subject


@pytest.fixture
def look() -> Callable[..., Subject]:
    """A model with one random picture, as a subject."""

    def make(model: keras.Model, **options: object) -> Subject:
        rng = np.random.default_rng(5)
        inputs = {t.name: rng.uniform(size=(1, *t.shape[1:])).astype(np.float32) for t in model.inputs}
        return Subject(Path("net.h5"), model, inputs=inputs, source="noise", **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def cam() -> keras.Model:
    """One convolution, global average pooling, a softmax: where Grad-CAM is CAM (Zhou et al. 2016)."""
    keras.utils.set_random_seed(3)
    image = keras.Input((9, 9, 3), name="photo")
    x = keras.layers.Conv2D(5, 3, activation="relu", name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, keras.layers.Dense(4, activation="softmax", name="classes")(x), name="cam")
