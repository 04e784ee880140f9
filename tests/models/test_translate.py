"""Encoders and decoders: sizes, causality, and attention as the paper has it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy import special

from models.translate import VARIANTS, build_translate

SMALL = {"length": 6, "vocabulary": 9, "answer_length": 5, "answer_vocabulary": 7, "width": 4, "units": 8, "heads": 2}


def inputs(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 9, (3, 6)).astype(np.int32), rng.integers(0, 7, (3, 5)).astype(np.int32)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_token_is_told_by_those_before_it_and_by_the_source(variant: str) -> None:
    model = build_translate(variant=variant, **SMALL)  # type: ignore[arg-type]
    tokens, written = inputs()
    before = model.predict([tokens, written], verbose=0)
    later = written.copy()
    later[:, 3] = (later[:, 3] + 1) % 7
    after = model.predict([tokens, later], verbose=0)
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-6)
    assert np.abs(after[:, 3:] - before[:, 3:]).max() > 1e-4
    other = model.predict([(tokens + 1) % 9, written], verbose=0)
    assert np.abs(other[:, 0] - before[:, 0]).max() > 1e-5


def test_the_writer_looks_back_with_additive_scores() -> None:
    model = build_translate(**SMALL)  # type: ignore[arg-type]
    names = ("writer", "memory", "attention")
    cut = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    states, memory, seen = cut.predict(inputs(), verbose=0)
    (w,), (u, b) = model.get_layer("query").get_weights(), model.get_layer("key").get_weights()
    (v,) = model.get_layer("attention").get_weights()
    scores = np.tanh((states @ w)[:, :, None] + (memory @ u + b)[:, None]) @ v
    np.testing.assert_allclose(seen, special.softmax(scores, axis=-1) @ memory, atol=1e-5)


def test_parameters() -> None:
    assert build_translate().count_params() == LSTM
    assert build_translate(variant="transformer").count_params() == TRANSFORMER


LSTM = 80 * 32 + 2 * 4 * 32 * (32 + 32 + 1) + 65 * 64 + 14 * 32 + 65 * 32 + 4 * 64 * (32 + 64 + 1) + 64 * 64 \
    + 65 * 64 + 64 + 129 * 64 + 65 * 14  # fmt: skip
_ATTENTION, _WIDE, _NORM = 4 * 65 * 64, 65 * 256 + 257 * 64, 2 * 64
TRANSFORMER = (
    (80 + 32) * 64 + 2 * (_ATTENTION + _WIDE + 2 * _NORM) + _NORM
    + (14 + 12) * 64 + 2 * (2 * _ATTENTION + _WIDE + 3 * _NORM) + _NORM + 65 * 14
)  # fmt: skip


def test_what_can_not_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match="variant"):
        build_translate(variant="gru")
    with pytest.raises(ValueError, match="divide"):
        build_translate(variant="transformer", units=30)
