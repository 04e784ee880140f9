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


def moved(pictures: np.ndarray, *, seed: int = 0, **settings: float) -> np.ndarray:
    settings = {"shift": 0.0, "rotate": 0.0, **settings}
    axes = augment.colour_axes({"image": pictures}, settings)
    return augment.moved({"image": pictures}, settings, np.random.default_rng(seed), axes)["image"]


def test_zero_changes_nothing_and_draws_nothing() -> None:
    rng, batch = np.random.default_rng(1), {"image": blobs(3)}
    off = {"shift": 0.0, "rotate": 0.0, "pad": 0, "crop": 1.0, "flip": False, "lighting": 0.0}
    assert augment.moved(batch, off, rng) is batch
    assert augment.colour_axes(batch, off) == {}
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
    every = {"shift": 2.0, "rotate": 5.0, "pad": 2, "crop": 0.8, "flip": True, "lighting": 0.1}
    np.testing.assert_array_equal(moved(table, **every), table)


def ramps(n: int, side: int = 16) -> np.ndarray:
    """Each pixel tells its own row and column: (n, side, side, 2), counted from 1."""
    grid = np.stack(np.mgrid[:side, :side], axis=-1) + 1
    return np.repeat(grid[None].astype(np.float32), n, axis=0)


def test_a_cut_is_a_window_of_the_framed_picture_at_every_place() -> None:
    found = moved(ramps(400), pad=2)
    framed = np.pad(ramps(1)[0], ((2, 2), (2, 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(framed, (16, 16), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    which = [
        [(r, c) for r in range(5) for c in range(5) if np.array_equal(picture, windows[r, c])] for picture in found
    ]
    assert all(len(places) == 1 for places in which)
    assert len({places[0] for places in which}) == 25


def test_a_crop_is_a_window_enlarged() -> None:
    found = moved(ramps(500), crop=0.875)
    steps = np.diff(found[:, 1:-1, 1:-1, 0], axis=1)
    # Seven eighths of the side over the whole of it; at the ends the outermost pixel is repeated.
    np.testing.assert_allclose(steps, 0.875, atol=1e-4)
    np.testing.assert_allclose(np.diff(found[:, 1:-1, 1:-1, 1], axis=2), 0.875, atol=1e-4)
    middles = found.mean((1, 2))
    # The middle of a window of 14 in 16 lies within one pixel of the picture's, 8.5.
    assert np.abs(middles - 8.5).max() <= 1.01
    assert (middles.min(0) < 7.6).all()
    assert (middles.max(0) > 9.4).all()
    assert abs(np.corrcoef(middles.T)[0, 1]) < 0.2  # rows and columns are drawn apart


def test_half_of_the_pictures_are_turned_left_for_right() -> None:
    pictures = np.random.default_rng(2).uniform(size=(400, 5, 6, 3)).astype(np.float32)
    found = moved(pictures, flip=True)
    same = (found == pictures).all((1, 2, 3))
    turned = (found == pictures[:, :, ::-1]).all((1, 2, 3))
    assert (same ^ turned).all()
    assert 150 < turned.sum() < 250


def test_lighting_goes_along_the_axes_of_the_split_s_colours() -> None:
    """Krizhevsky et al. 2012, section 4.1: p1 p2 p3 times (a1 l1, a2 l2, a3 l3), one draw a picture."""
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(3, 3))
    pictures = (rng.normal(size=(3000, 4, 4, 3)) @ mixing.T).astype(np.float32)
    covariance = np.cov(pictures.reshape(-1, 3), rowvar=False)
    axes = augment.colour_axes({"image": pictures}, {"lighting": 0.1})["image"]
    np.testing.assert_allclose(axes @ axes.T, covariance, rtol=0.05, atol=0.05 * np.abs(covariance).max())
    np.testing.assert_allclose((axes.T @ axes)[~np.eye(3, dtype=bool)], 0, atol=1e-4)

    added = moved(pictures, lighting=0.1) - pictures
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1], added.shape), atol=1e-5)
    # Each picture's draw has the colours' own covariance, a tenth as wide: a hundredth of it.
    drawn = np.cov(added[:, 0, 0], rowvar=False)
    np.testing.assert_allclose(drawn, covariance / 100, atol=0.1 * np.abs(covariance).max() / 100)
    assert moved(pictures, lighting=0.1).dtype == np.float32


def test_the_grey_of_a_picture_has_one_axis() -> None:
    pictures = np.random.default_rng(4).normal(0, 2, (50, 8, 8, 1)).astype(np.float32)
    added = moved(pictures, lighting=0.5) - pictures
    assert 0.7 < added[:, 0, 0, 0].std() < 1.3
