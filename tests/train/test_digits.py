"""The embedded digits: scikit-learn's scans, split once and for all."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from train.data import Dataset, Split, digits


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return digits.load()


def splits(dataset: Dataset) -> list[Split]:
    return [dataset.train, dataset.validation, dataset.test]


def test_splits_have_their_sizes_and_types(dataset: Dataset) -> None:
    assert [len(split) for split in splits(dataset)] == [1247, 100, 450]
    for split in splits(dataset):
        images, labels = split.samples["image"], split.labels
        assert labels is not None
        assert (images.dtype, images.shape[1:]) == (np.uint8, (8, 8))
        assert (labels.dtype, labels.shape) == (np.int64, (len(split),))
        assert set(labels) == set(range(10))


def test_the_splits_are_scikit_learn_s_scans_each_in_one_of_them(dataset: Dataset) -> None:
    bunch = load_digits()
    expected = Counter(
        (tuple((image * 255 / 16).round().astype(int).ravel()), int(label))
        for image, label in zip(bunch.images, bunch.target, strict=True)
    )
    found = Counter(
        (tuple(image.astype(int).ravel()), int(label))
        for split in splits(dataset)
        for image, label in zip(split.samples["image"], split.labels, strict=True)
    )
    assert found == expected
    hashes = [set(sample_hashes(split.samples["image"])) for split in splits(dataset)]
    assert sum(map(len, hashes)) == len(set().union(*hashes)) == 1797


def test_each_split_has_the_classes_in_proportion(dataset: Dataset) -> None:
    whole = np.bincount(load_digits().target) / 1797
    for split in splits(dataset):
        counts = np.bincount(split.labels, minlength=10)
        # Rounded to whole samples, at each of two cuts.
        assert (np.abs(counts - whole * len(split)) < 2).all()


def test_every_load_gives_the_same_splits(dataset: Dataset) -> None:
    assert digits.load().sha256() == dataset.sha256()


def test_the_hash_sees_a_pixel_a_label_and_a_move_between_splits(dataset: Dataset) -> None:
    others = [dataclasses.replace(dataset, test=dataset.validation, validation=dataset.test)]
    for name in ("train", "validation", "test"):
        split = getattr(dataset, name)
        pixel, label = split.samples["image"].copy(), split.labels.copy()
        pixel[3, 4, 4] ^= 1
        label[3] += 1
        others.append(dataclasses.replace(dataset, **{name: Split({"image": pixel}, split.labels)}))
        others.append(dataclasses.replace(dataset, **{name: Split(split.samples, label)}))
    assert len({dataset.sha256(), *[other.sha256() for other in others]}) == 1 + 7


def test_a_split_without_samples_is_refused(dataset: Dataset) -> None:
    empty = Split({"image": dataset.test.samples["image"][:0]}, dataset.test.labels[:0])
    with pytest.raises(Refused, match="data: every split of embedded must hold samples") as refused:
        dataclasses.replace(dataset, validation=empty)
    assert refused.value.received == "train 1247, validation 0, test 450"
