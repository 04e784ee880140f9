"""Cat or not: drawn pictures, the HDF5 files of courses, and a folder of pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from train import data, registry
from train.data import cats, catvnoncat, folder

RNG = np.random.default_rng(6)


def pixels(n: int, height: int = 64, width: int = 64) -> np.ndarray:
    return RNG.integers(0, 256, (n, height, width, 3), dtype=np.uint8)


# --- drawn ---


@pytest.mark.all  # it takes a while to draw them
def test_half_of_the_drawn_pictures_are_cats_and_none_is_there_twice() -> None:
    dataset = cats.load()
    splits = (dataset.train, dataset.validation, dataset.test)
    for split, size in zip(splits, (4000, 500, 1000), strict=True):
        assert (split.samples["image"].dtype, split.samples["image"].shape) == (np.uint8, (size, 64, 64, 3))
        assert np.bincount(split.labels).tolist() == [size // 2] * 2
    hashes = [set(sample_hashes(split.samples["image"])) for split in splits]
    assert sum(map(len, hashes)) == len(set().union(*hashes)) == 5500
    assert dataset.synthetic
    assert "SYNTHETIC" in dataset.title
    np.testing.assert_array_equal(cats.draw(40, seed=0).samples["image"], cats.draw(40, seed=0).samples["image"])
    with pytest.raises(Refused, match="drawn by a generator"):
        cats.load(Path("here"))


# --- catvnoncat ---


def written(place: Path, **changes: Callable[[h5py.File], None]) -> Path:
    """Two files of the usual layout; `changes` by part spoil them."""
    for part, n in (("train", 21), ("test", 6)):
        with h5py.File(place / f"{part}_catvnoncat.h5", "w") as file:
            file[f"{part}_set_x"] = pixels(n)
            file[f"{part}_set_y"] = np.arange(n) % 2
            file["list_classes"] = np.array([b"non-cat", b"cat"])
            if part in changes:
                changes[part](file)
    return place


def test_the_usual_layout_is_read(tmp_path: Path) -> None:
    dataset = catvnoncat.load(written(tmp_path))
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [18, 3, 6]
    assert dataset.labels == ("non-cat", "cat")
    with h5py.File(tmp_path / "train_catvnoncat.h5") as file:
        wanted = {(x.tobytes(), int(y)) for x, y in zip(file["train_set_x"][()], file["train_set_y"][()], strict=True)}
    found = [
        (x.tobytes(), int(y))
        for s in (dataset.train, dataset.validation)
        for x, y in zip(s.samples["image"], s.labels, strict=True)
    ]
    assert len(found) == 21
    assert set(found) == wanted
    with h5py.File(tmp_path / "test_catvnoncat.h5") as file:
        np.testing.assert_array_equal(dataset.test.samples["image"], file["test_set_x"][()])
        np.testing.assert_array_equal(dataset.test.labels, file["test_set_y"][()])


def replaced(name: str, value: object, **how: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        if isinstance(value, (h5py.SoftLink, h5py.ExternalLink)):
            file[name] = value
        elif value is not None:
            file.create_dataset(name, data=value, **how)

    return change


def elsewhere(file: h5py.File) -> None:
    del file["train_set_x"]
    secret = Path(file.filename).with_name("secret.bin")
    secret.write_bytes(bytes(21 * 64 * 64 * 3))
    file.create_dataset("train_set_x", (21, 64, 64, 3), np.uint8, external=[(str(secret), 0, 21 * 64 * 64 * 3)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((21, 64, 64, 3), np.uint8)
    layout[:] = h5py.VirtualSource("other.h5", "x", (21, 64, 64, 3))
    del file["train_set_x"]
    file.create_virtual_dataset("train_set_x", layout)


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (replaced("train_set_y", None), "nothing"),
        (replaced("train_set_x", h5py.SoftLink("/list_classes")), "a link to another place"),
        (replaced("train_set_x", h5py.ExternalLink("other.h5", "/x")), "a link to another place"),
        (elsewhere, "an array whose numbers lie in other files"),
        (virtual, "an array whose numbers lie in other files"),
        (replaced("train_set_x", np.zeros((21, 64, 64, 3), np.float32)), "float32 of shape"),
        (replaced("train_set_x", np.zeros((21, 32, 32, 3), np.uint8)), "uint8 of shape (21, 32, 32, 3)"),
        (replaced("train_set_y", np.arange(20) % 2), "of shape (20,), for 21 samples"),
        (replaced("train_set_y", np.full(21, 2)), "label 2 at sample 0"),
        (replaced("list_classes", np.array([b"dog", b"cat"])), "dog, cat; non-cat, cat"),
        (replaced("train_set_x", None), "nothing"),
    ],
)
def test_files_of_another_layout_are_refused(
    tmp_path: Path, change: Callable[[h5py.File], None], received: str
) -> None:
    with pytest.raises(Refused) as refused:
        catvnoncat.load(written(tmp_path, train=change))
    assert received in refused.value.received


def test_what_claims_more_than_a_machine_holds_is_not_read(tmp_path: Path) -> None:
    def vast(file: h5py.File) -> None:
        del file["train_set_x"]
        file.create_dataset("train_set_x", (10**9, 64, 64, 3), np.uint8, chunks=(1, 64, 64, 3))

    with pytest.raises(Refused, match="must hold train_set_x") as refused:
        catvnoncat.load(written(tmp_path, train=vast))
    assert "1000000000" in refused.value.received


def test_missing_and_damaged_files_are_refused(tmp_path: Path) -> None:
    for place in (None, tmp_path):
        with pytest.raises(Refused, match="catvnoncat"):
            catvnoncat.load(place)
    path = written(tmp_path) / "test_catvnoncat.h5"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(Refused, match="must be readable HDF5"):
        catvnoncat.load(tmp_path)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=30))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_with_any_bytes_is_read_or_refused(tmp_path: Path, spoiled: list[tuple[int, int]]) -> None:
    path = tmp_path / "whole" / "train_catvnoncat.h5"
    if not path.exists():
        path.parent.mkdir()
        written(path.parent)
    place = tmp_path / "spoiled"
    place.mkdir(exist_ok=True)
    body = bytearray(path.read_bytes())
    for at, value in spoiled:
        body[at] = value
    (place / path.name).write_bytes(body)
    (place / "test_catvnoncat.h5").write_bytes(path.with_name("test_catvnoncat.h5").read_bytes())
    with contextlib.suppress(Refused):
        assert len(catvnoncat.load(place).test) == 6


# --- a folder ---


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two classes, 14 pictures of each to train on and 3 to test on, 80 x 72."""
    for part, n in (("train", 14), ("test", 3)):
        for name in ("cat", "non-cat"):
            (tmp_path / part / name).mkdir(parents=True)
            for i, picture in enumerate(pixels(n, 72, 80)):
                Image.fromarray(picture).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_pictures_are_read_as_squares_with_the_folder_s_name(place: Path) -> None:
    flat = np.full((64, 100, 3), 200, np.uint8)
    flat[:, 18:82] = [10, 20, 30]  # the square in the middle
    Image.fromarray(flat).save(place / "test" / "non-cat" / "0.png")
    dataset = folder.load(place)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [24, 4, 6]
    assert dataset.labels == ("cat", "non-cat")
    assert dataset.test.labels.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(dataset.test.samples["image"][3], np.broadcast_to([10, 20, 30], (64, 64, 3)))
    assert np.bincount(dataset.validation.labels).tolist() == [2, 2]


def test_a_folder_of_validation_pictures_is_used(place: Path) -> None:
    for name in ("cat", "non-cat"):
        (place / "validation" / name).mkdir(parents=True)
        Image.fromarray(pixels(1)[0]).save(place / "validation" / name / "one.png")
    dataset = folder.load(place)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [28, 2, 6]


def no_picture(place: Path) -> None:
    (place / "train" / "cat" / "5.png").write_text("not a picture")


def half_a_picture(place: Path) -> None:
    path = place / "train" / "cat" / "5.png"
    path.write_bytes(path.read_bytes()[:2000])


def one_class(place: Path) -> None:
    for part in ("train", "test"):
        (place / part / "non-cat").rename(place / f"{part}-away")


def other_classes(place: Path) -> None:
    (place / "test" / "non-cat").rename(place / "test" / "dog")


def empty_class(place: Path) -> None:
    (place / "test" / "dog").mkdir()
    (place / "train" / "dog").mkdir()


def overlap(place: Path) -> None:
    # Another file of the same pixels: bytes alone would not tell.
    Image.open(place / "train" / "cat" / "3.png").save(place / "test" / "cat" / "again.bmp")


def two_names(place: Path) -> None:
    Image.open(place / "train" / "cat" / "3.png").save(place / "train" / "non-cat" / "again.png")


@pytest.mark.parametrize(
    ("spoil", "rule", "received"),
    [
        (no_picture, "a picture that decodes whole", "5.png"),
        (half_a_picture, "a picture that decodes whole", "5.png"),
        (one_class, "two classes or more", "cat in"),
        (other_classes, "the same classes", "cat, dog"),
        (empty_class, "every class must have pictures", "dog"),
        (overlap, "in one split and one class alone", "again.bmp"),
        (two_names, "in one split and one class alone", "again.png"),
        (lambda place: (place / "test").rename(place / "tests"), "the folder must exist", "test"),
    ],
)
def test_folders_that_can_not_be_trained_on_are_refused(
    place: Path, spoil: Callable[[Path], None], rule: str, received: str
) -> None:
    spoil(place)
    with pytest.raises(Refused, match=rule) as refused:
        folder.load(place)
    assert received in refused.value.received


def test_a_picture_twice_in_a_class_counts_once(place: Path) -> None:
    Image.open(place / "train" / "cat" / "3.png").save(place / "train" / "cat" / "again.png")
    dataset = folder.load(place)
    assert len(dataset.train) + len(dataset.validation) == 28


def test_classes_are_numbered_as_the_recipe_names_them(place: Path) -> None:
    recipe = registry.load("cat")
    raw, dataset = folder.load(place), data.load(recipe, "folder", place)
    assert recipe.labels == dataset.labels == ("non-cat", "cat")
    np.testing.assert_array_equal(dataset.test.samples["image"], raw.test.samples["image"])
    assert dataset.test.labels.tolist() == [1, 1, 1, 0, 0, 0]
    for part in ("train", "test"):
        (place / part / "non-cat").rename(place / part / "dog")
    with pytest.raises(Refused, match="must be those of the recipe") as refused:
        data.load(recipe, "folder", place)
    assert (refused.value.received, refused.value.fix) == ("cat, dog", "name them non-cat, cat")
