"""Networks over sequences: parameters by the textbook's count, and what each time step may depend on."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.char_lm import build_char_lm
from models.emoji import build_emoji
from models.layers import Positions
from models.rnn import VARIANTS, build_rnn_classify, build_rnn_forecast, build_rnn_label


def lstm(into: int, units: int) -> int:
    return 4 * units * (into + units + 1)


def gru(into: int, units: int) -> int:
    return 3 * units * (into + units + 2)  # reset after the product: a bias on either side


def read(variant: str, into: int, units: int) -> tuple[int, int]:
    """Parameters, and numbers that come out."""
    return {
        "lstm": (lstm(into, units), units),
        "gru": (gru(into, units), units),
        "stacked": (lstm(into, units) + lstm(units, units), units),
        "bidirectional": (2 * lstm(into, units), 2 * units),
    }[variant]


def dense(into: int, out: int) -> int:
    return (into + 1) * out


@pytest.mark.parametrize("variant", VARIANTS)
def test_recurrent_networks_have_the_textbook_s_parameters(variant: str) -> None:
    count, width = read(variant, 64, 32)
    assert build_rnn_classify(variant=variant).count_params() == 2000 * 64 + count + dense(width, 5)
    count, width = read(variant, 3, 40)
    assert build_rnn_label(variant=variant).count_params() == count + dense(width, 5)
    count, width = read(variant, 2, 32)
    assert build_rnn_forecast(variant=variant).count_params() == count + dense(width, 48) + dense(96, 24)


def test_the_other_networks_have_the_textbook_s_parameters() -> None:
    assert build_emoji().count_params() == 400 * 24 + lstm(24, 32) + dense(32, 5)
    assert build_emoji(variant="average").count_params() == 400 * 24 + dense(24, 5)
    assert build_char_lm().count_params() == 100 * 32 + lstm(32, 192) + dense(192, 100)
    block = 2 * 2 * 128 + 4 * dense(128, 128) + dense(128, 512) + dense(512, 128)
    gpt = build_char_lm(variant="gpt", units=128)
    assert gpt.count_params() == 100 * 128 + 80 * 128 + 3 * block + 2 * 128 + dense(128, 100)


@pytest.mark.parametrize("variant", ["lstm", "gpt"])
def test_what_is_written_depends_on_what_was_written_before_alone(variant: str) -> None:
    model = build_char_lm(variant=variant, units=16, heads=2, blocks=2)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    one = rng.integers(2, 100, (2, 80), dtype=np.int32)
    other = one.copy()
    other[:, 40:] = rng.integers(2, 100, (2, 40))
    a, b = (model.predict(tokens, verbose=0) for tokens in (one, other))
    np.testing.assert_allclose(a[:, :40], b[:, :40], atol=1e-5)
    assert np.abs(a[:, 40:] - b[:, 40:]).max() > 0.1


def test_labels_of_steps_see_the_past_and_from_both_ends_the_future_too() -> None:
    one = np.random.default_rng(0).normal(size=(1, 128, 3)).astype(np.float32)
    other = one.copy()
    other[:, 64:] += 1
    for variant in VARIANTS:
        model = build_rnn_label(variant=variant)
        same = np.allclose(*(model.predict(x, verbose=0)[:, :64] for x in (one, other)), atol=1e-6)
        assert same == (variant != "bidirectional")


def test_an_untrained_forecast_is_the_season_before() -> None:
    series = np.random.default_rng(0).normal(size=(3, 96, 2)).astype(np.float32)
    np.testing.assert_array_equal(build_rnn_forecast().predict(series, verbose=0), series[:, -24:])


def test_a_forecast_moves_with_the_level() -> None:
    model = build_rnn_forecast(units=4)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    series = rng.normal(size=(3, 96, 2)).astype(np.float32)
    low, high = (model.predict(series + level, verbose=0) for level in (np.float32(0), np.float32([5, -3])))
    np.testing.assert_allclose(high, low + np.array([5, -3]), atol=1e-4)


def test_an_average_forgets_the_order_and_an_lstm_does_not() -> None:
    tokens = np.arange(2, 14, dtype=np.int32)[None]
    for variant, forgets in (("average", True), ("lstm", False)):
        model = build_emoji(variant=variant)
        answers = [model.predict(t, verbose=0) for t in (tokens, tokens[:, ::-1])]
        assert np.allclose(*answers, atol=1e-6) == forgets


def test_positions_are_added_and_come_back_from_their_config() -> None:
    layer = Positions()
    x = np.ones((2, 3, 4), np.float32)
    np.testing.assert_allclose(layer(x), x + layer.vectors.numpy())
    assert layer.vectors.shape == (3, 4)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(again, Positions)
    with pytest.raises(ValueError, match="must be known"):
        Positions()(keras.Input((None, 4)))


@pytest.mark.parametrize(
    ("build", "wrong", "match"),
    [
        (build_rnn_classify, {"variant": "rnn"}, "variant must be one of lstm"),
        (build_rnn_classify, {"classes": 1}, "classes must be 2 or more"),
        (build_rnn_label, {"variant": "rnn"}, "build_rnn_label"),
        (build_rnn_forecast, {"horizon": 97}, "from 1 to past, 96"),
        (build_emoji, {"variant": "gru"}, "average, lstm"),
        (build_emoji, {"classes": 1}, "2 or more"),
        (build_char_lm, {"variant": "gru"}, "lstm, gpt"),
        (build_char_lm, {"variant": "gpt", "units": 10}, "heads must divide units"),
    ],
)
def test_builders_say_what_they_do_not_take(build: object, wrong: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        build(**wrong)  # type: ignore[operator]
