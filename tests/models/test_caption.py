"""A picture and a sentence: sizes, causality, and what the writer knows of the picture."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.caption import build_caption

SMALL = {"side": 8, "maps": (3, 4, 5), "answer_length": 5, "answer_vocabulary": 7, "width": 4, "units": 6}


def inputs() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, (3, 8, 8, 3)).astype(np.float32), rng.integers(0, 7, (3, 5)).astype(np.int32)]


def test_a_word_is_told_by_those_before_it_and_by_the_picture() -> None:
    model = build_caption(**SMALL)  # type: ignore[arg-type]
    image, written = inputs()
    before = model.predict([image, written], verbose=0)
    assert before.shape == (3, 5, 7)
    later = written.copy()
    later[:, 3] = (later[:, 3] + 1) % 7
    after = model.predict([image, later], verbose=0)
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-6)
    assert np.abs(after[:, 3:] - before[:, 3:]).max() > 1e-4
    other = model.predict([-image, written], verbose=0)
    assert np.abs(other[:, 0] - before[:, 0]).max() > 1e-5


def test_a_place_of_the_memory_is_a_place_of_the_picture() -> None:
    model = build_caption(**{**SMALL, "maps": (3, 4)})  # type: ignore[arg-type]
    seen = keras.Model(model.inputs, model.get_layer("memory").output)
    image, written = inputs()
    before = seen.predict([image, written], verbose=0)
    assert before.shape == (3, 16, 6)
    image[:, 0, 0] += 1
    changed = np.abs(seen.predict([image, written], verbose=0) - before).max(axis=(0, 2)).reshape(4, 4) > 1e-6
    assert changed[0, 0]
    assert not changed[2:].any()
    assert not changed[:, 2:].any()


def test_parameters() -> None:
    assert build_caption().count_params() == SEES + WRITES


SEES = (27 * 16 + 144 * 32 + 288 * 48 + 432 * 64) + 5 * (16 + 32 + 48 + 64) + 65 * 64 + 36 * 64
WRITES = 19 * 32 + 65 * 32 + 4 * 64 * (32 + 64 + 1) + 64 * 64 + 65 * 64 + 64 + 129 * 64 + 65 * 19


def test_a_side_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(ValueError, match="8 must divide side"):
        build_caption(side=50)
