"""Shifts and rotations of training pictures, measured on blobs."""

import numpy as np
import pytest

from train import augment

SIDE = 29
CENTRE = (SIDE - 1) / 2


def blobs(n: int, row: float = CENTRE, column: float = CENTRE, *, ground: float = 0.0) -> np.ndarray:
    """Gaussian blobs of height 1 above the ground, (n, 29, 29, 1)."""
    y, x = np.mgrid[:SIDE, :SIDE]
    blob = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 1.5**2))
    return np.repeat((ground + blob).astype(np.float32)[None, :, :, None], n, axis=0)


def centroids(pictures: np.ndarray, ground: float = 0.0) -> np.ndarray:
    """Where the blobs are, (n, 2), about the centre of the picture."""
    weight = pictures[..., 0].astype(np.float64) - ground
    axis = np.arange(SIDE) - CENTRE
    total = weight.sum((1, 2))
    return np.stack([(weight.sum(2) * axis).sum(1) / total, (weight.sum(1) * axis).sum(1) / total], axis=1)


def moved(pictures: np.ndarray, *, shift: float = 0.0, rotate: float = 0.0, seed: int = 0) -> np.ndarray:
    settings = {"shift": shift, "rotate": rotate}
    return augment.moved({"image": pictures}, settings, np.random.default_rng(seed))["image"]


def test_zero_changes_nothing_and_draws_nothing() -> None:
    rng, batch = np.random.default_rng(1), {"image": blobs(3)}
    assert augment.moved(batch, {"shift": 0.0, "rotate": 0.0}, rng) is batch
    assert rng.random() == np.random.default_rng(1).random()


def test_shifts_stay_within_their_bound_and_fill_it() -> None:
    found = centroids(moved(blobs(300), shift=2.5))
    # The centroid of a blob that stays inside the frame moves as the picture does; interpolation blurs evenly.
    assert np.abs(found).max() <= 2.5 + 0.01
    assert (found.min(0) < -2.2).all()
    assert (found.max(0) > 2.2).all()
    assert np.abs(found.mean(0)).max() < 0.3  # no direction is favoured: 300 uniform draws have a spread of 0.08


def test_rotations_stay_within_their_bound_and_keep_the_distance() -> None:
    found = centroids(moved(blobs(300, CENTRE, CENTRE + 8), rotate=20.0))
    angles = np.rad2deg(np.arctan2(found[:, 0], found[:, 1]))
    assert np.abs(angles).max() <= 20.0 + 0.2
    assert angles.min() < -18
    assert angles.max() > 18
    np.testing.assert_allclose(np.hypot(*found.T), 8.0, atol=0.05)


def test_rotation_turns_about_the_centre() -> None:
    found = centroids(moved(blobs(50), rotate=45.0))
    np.testing.assert_allclose(found, 0.0, atol=0.01)


def test_what_comes_in_from_outside_is_ground() -> None:
    pictures = blobs(40, ground=-0.1)
    found = moved(pictures, shift=9.0, rotate=30.0)
    # Interpolation lies between its neighbours, and the ground is the least of them.
    assert found.min() >= -0.1 - 1e-6
    assert found.max() <= pictures.max() + 1e-6
    corners = found[:, [0, 0, -1, -1], [0, -1, 0, -1], 0]
    np.testing.assert_allclose(corners, -0.1, atol=1e-3)


def test_the_same_draws_give_the_same_pictures() -> None:
    pictures = blobs(5, 10, 12)
    np.testing.assert_array_equal(
        moved(pictures, shift=2, rotate=9, seed=4), moved(pictures, shift=2, rotate=9, seed=4)
    )
    assert (moved(pictures, shift=2, rotate=9, seed=4) != moved(pictures, shift=2, rotate=9, seed=5)).any()


def test_each_picture_moves_for_itself_and_its_channels_together() -> None:
    found = moved(np.concatenate([blobs(4), 2 * blobs(4)], axis=-1), shift=3.0)
    np.testing.assert_allclose(found[..., 1], 2 * found[..., 0], rtol=1e-5, atol=1e-6)
    assert len({tuple(row) for row in centroids(found[..., :1]).round(3)}) == 4


def test_the_training_set_itself_stays_as_it_was() -> None:
    pictures = blobs(3)
    before = pictures.copy()
    found = moved(pictures, shift=2.0)
    np.testing.assert_array_equal(pictures, before)
    assert (found.dtype, found.shape) == (pictures.dtype, pictures.shape)


@pytest.mark.parametrize("shape", [(4, 7), (4, 7, 3)])
def test_what_is_no_picture_is_left_alone(shape: tuple[int, ...]) -> None:
    table = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_array_equal(moved(table, shift=2.0, rotate=5.0), table)
