"""The network that says what is sung next: parameters, what it may depend on, what it does not take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.music import build_music


def parameters(near: int, width: int, units: int, vocabulary: int) -> int:
    convolution, lstm = (near * width + 1) * units, 4 * units * (2 * units + 1)
    return vocabulary * width + convolution + lstm + (2 * units + 1) * vocabulary


def test_it_has_the_textbook_s_parameters() -> None:
    assert build_music().count_params() == parameters(8, 32, 128, 256) == 238_464
    chord = build_music(variant="chord", near=2, vocabulary=96, units=96)
    assert chord.count_params() == parameters(2, 32, 96, 96)
    assert build_music().input_shape == (None, 32 * 4)
    assert chord.output_shape == (None, 16, 96)


@pytest.mark.parametrize("variant", ["chorale", "chord"])
def test_what_is_sung_depends_on_what_was_sung_before_alone(variant: str) -> None:
    model = build_music(variant=variant, units=16, vocabulary=40)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    length = model.input_shape[1]
    one = rng.integers(2, 40, (2, length), dtype=np.int32)
    other = one.copy()
    other[:, length // 2 :] = rng.integers(2, 40, (2, length // 2))
    a, b = (model.predict(tokens, verbose=0) for tokens in (one, other))
    np.testing.assert_allclose(a[:, : length // 2], b[:, : length // 2], atol=1e-5)
    assert np.abs(a[:, length // 2 :] - b[:, length // 2 :]).max() > 0.1


def test_it_remembers_more_than_it_has_near() -> None:
    model = build_music(units=16, vocabulary=40, near=4, steps=8)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    one = rng.integers(2, 40, (1, 32), dtype=np.int32)
    other = one.copy()
    other[:, 0] = 2 + (one[:, 0] - 1) % 38
    assert np.abs(np.subtract(*(model.predict(x, verbose=0)[:, 6] for x in (one, other)))).max() > 1e-3


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"variant": "fugue"}, "variant must be one of chorale, chord"),
        ({"steps": 7}, "two quarter notes or more"),
        ({"steps": 2}, "two quarter notes or more"),
    ],
)
def test_the_builder_says_what_it_does_not_take(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        build_music(**wrong)
