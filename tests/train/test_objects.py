"""The drawn pictures: the same ones always, told apart by shape alone."""

import numpy as np
import pytest

from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from train.data import Dataset, objects, scenes
from train.data.scenes import Pose


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return objects.load()


def test_splits_have_their_sizes_types_and_all_classes_equally(dataset: Dataset) -> None:
    for split, size in zip((dataset.train, dataset.validation, dataset.test), (4000, 500, 1000), strict=True):
        pictures = split.samples["image"]
        assert (pictures.dtype, pictures.shape) == (np.uint8, (size, 32, 32, 3))
        assert np.bincount(split.labels).tolist() == [size // 10] * 10
    assert dataset.synthetic
    assert "SYNTHETIC" in dataset.title
    assert len(dataset.labels) == 10


def test_no_picture_is_in_two_splits(dataset: Dataset) -> None:
    hashes = [set(sample_hashes(s.samples["image"])) for s in (dataset.train, dataset.validation, dataset.test)]
    assert sum(map(len, hashes)) == len(set().union(*hashes)) == 5500


def test_a_seed_draws_the_same_pictures_and_another_others() -> None:
    one, again, other = (objects.draw(30, seed=s).samples["image"] for s in (7, 7, 8))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any(axis=(1, 2, 3)).all()
    assert objects.draw(10, seed=0, side=48).samples["image"].shape == (10, 48, 48, 3)


def test_neither_colour_nor_lightness_tells_the_class(dataset: Dataset) -> None:
    """The nearest class by mean colour is right little more often than by guessing, one in ten."""

    def means(split: object) -> np.ndarray:
        return split.samples["image"].mean((1, 2), dtype=np.float64)  # type: ignore[attr-defined]

    train, test = means(dataset.train), means(dataset.test)
    centres = np.stack([train[dataset.train.labels == c].mean(0) for c in range(10)])
    guesses = np.linalg.norm(test[:, None] - centres, axis=2).argmin(1)
    assert (guesses == dataset.test.labels).mean() < 0.25


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("disc", np.pi),
        ("ring", np.pi * (1.0**2 - 0.5**2)),
        ("square", 1.7**2),
        ("triangle", 3 * np.sqrt(3) * 0.55**2),
        ("cross", 2 * 2 * 0.56 - 0.56**2),
        ("bar", 2.4 * 0.6),
        ("corner", 2 * 0.56 * 1.8 - 0.56**2),
    ],
)
def test_outlines_cover_what_geometry_says(name: str, area: float) -> None:
    zero = np.zeros(1, np.float32)
    pose = Pose(zero, zero, np.array([0.5], np.float32), np.array([0.3], np.float32))
    cover = pose.coverage(objects.SHAPES[name], 200)
    assert cover.sum() / 100**2 / 0.5**2 == pytest.approx(area, rel=0.02)


def test_light_falls_from_one_side() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((50, 16, 16, 3), 0.5, np.float32)
    seen = scenes.lit(rng, flat, noise=0.0).astype(float)[..., 0]
    rows, columns = np.mgrid[:16, :16] - 7.5
    for picture in seen:
        plane = np.column_stack([rows.ravel(), columns.ravel(), np.ones(256)])
        residual = picture.ravel() - plane @ np.linalg.lstsq(plane, picture.ravel(), rcond=None)[0]
        assert np.abs(residual).max() < 1.01  # whole numbers about a plane


def test_a_folder_is_refused(tmp_path: object) -> None:
    with pytest.raises(Refused, match="drawn by a generator"):
        objects.load(tmp_path)  # type: ignore[arg-type]
