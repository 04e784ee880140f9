"""Changes to training sounds, each measured alone."""

from __future__ import annotations

import numpy as np
import pytest

from train import augment, bands


def sounds(n: int = 50, frames: int = 30, width: int = 20) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, (n, frames, width)).astype(np.float32)


def moved(given: np.ndarray, **settings: float) -> np.ndarray:
    found = augment.moved({"features": given}, settings, np.random.default_rng(1))["features"]
    assert (found.shape, found.dtype) == (given.shape, np.float32)
    return found


def test_nothing_asked_for_changes_nothing_and_draws_nothing() -> None:
    rng, batch = np.random.default_rng(1), {"features": sounds(3)}
    assert augment.moved(batch, dict.fromkeys(bands.SETTINGS, 0), rng) is batch
    assert rng.random() == np.random.default_rng(1).random()


def test_pictures_and_rows_are_left_alone() -> None:
    batch = {"image": np.ones((2, 4, 4, 1), np.float32), "row": np.ones((2, 4), np.float32)}
    found = augment.moved(batch, {"tract": 2.0, "mask_bands": 3, "loud": 1.0}, np.random.default_rng(0))
    for name, values in batch.items():
        assert found[name] is values


def test_a_tract_moves_a_peak_along_the_bands_by_as_much_as_is_allowed() -> None:
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32), (200, 3, 20)).copy()
    found = moved(ramp, tract=3.0) - ramp  # a ramp of slope 1 tells the shift, away from the ends
    by = found[:, 0, 5]
    np.testing.assert_allclose(found[:, :, 4:16], np.broadcast_to(by[:, None, None], (200, 3, 12)), atol=1e-5)
    assert np.abs(by).max() <= 3
    assert by.min() < -2.5 < 2.5 < by.max()
    assert found.min() >= -3
    assert moved(ramp, tract=3.0).max() <= 19, "what comes in is like the end"


def test_late_moves_whole_frames() -> None:
    given = sounds(200)
    found = moved(given, late=4)
    pairs = zip(found, given, strict=True)
    by = [next(k for k in range(-4, 5) if (f[4:-4] == np.roll(g, k, axis=0)[4:-4]).all()) for f, g in pairs]
    assert set(by) == set(range(-4, 5))


def test_loud_adds_one_number_and_stops_at_the_floor() -> None:
    given = np.maximum(sounds(100), -1.0)
    found = moved(given, loud=0.5)
    change = found.max(axis=(1, 2)) - given.max(axis=(1, 2))
    assert np.abs(change).max() <= 0.5
    assert change.min() < -0.4 < 0.4 < change.max()
    np.testing.assert_allclose(found, np.maximum(given + change[:, None, None], -1.0), atol=1e-5)


@pytest.mark.parametrize(("key", "axis", "most"), [("mask_bands", 2, 5), ("mask_frames", 1, 7), ("mask_bands", 2, 999)])
def test_a_stripe_is_taken_out(key: str, axis: int, most: int) -> None:
    given = sounds(300)
    found = moved(given, **{key: most})
    gone = (found != given).all(axis=3 - axis)  # (n, size)
    assert (gone == (found != given).any(axis=3 - axis)).all(), "whole stripes"
    assert (np.abs(np.diff(np.pad(gone, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1) <= 2).all(), "one each"
    widths = gone.sum(axis=1)
    assert widths.min() == 0
    assert widths.max() == min(most, given.shape[axis])
    means = np.broadcast_to(given.mean(axis=(1, 2), keepdims=True), given.shape)
    np.testing.assert_allclose(found[found != given], means[found != given], atol=1e-6)
    assert gone.any(axis=0).all(), "anywhere"
