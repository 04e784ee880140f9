"""MNIST in its makers' files: the real ones where they lie beside the checkout, and ones made wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from train.data import Dataset, download, idx, mnist


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    if not (shared / "data" / "mnist").is_dir():
        pytest.skip(f"no MNIST in {shared} (EDGEPROOF_SHARED)")
    return shared / "data" / "mnist"


@pytest.fixture(scope="module")
def real(folder: Path) -> Dataset:
    return mnist.load(folder)


def test_splits_have_their_sizes(real: Dataset) -> None:
    assert [len(s) for s in (real.train, real.validation, real.test)] == [55_000, 5_000, 10_000]


def test_test_set_is_the_makers_and_the_rest_is_their_training_set(real: Dataset, folder: Path) -> None:
    np.testing.assert_array_equal(
        real.test.samples["image"], idx.read(folder / "t10k-images-idx3-ubyte.gz", dimensions=3)
    )
    np.testing.assert_array_equal(real.test.labels, idx.read(folder / "t10k-labels-idx1-ubyte.gz", dimensions=1))
    assert real.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]  # as everyone has seen them

    def labelled(images: np.ndarray, labels: np.ndarray) -> list[tuple[str, int]]:
        return list(zip(sample_hashes(images), labels.tolist(), strict=True))

    makers = labelled(
        idx.read(folder / "train-images-idx3-ubyte.gz", dimensions=3),
        idx.read(folder / "train-labels-idx1-ubyte.gz", dimensions=1),
    )
    ours = [labelled(s.samples["image"], s.labels) for s in (real.train, real.validation)]
    assert len(set(makers)) == 60_000
    assert sorted(ours[0] + ours[1]) == sorted(makers)


def test_validation_has_the_classes_in_proportion(real: Dataset) -> None:
    train, held_out = np.bincount(real.train.labels), np.bincount(real.validation.labels)
    assert (np.abs(held_out - 5000 * (train + held_out) / 60_000) < 1).all()


def test_every_load_gives_the_same_splits(real: Dataset, folder: Path) -> None:
    assert mnist.load(folder).sha256() == real.sha256()


def test_without_a_folder_the_files_are_fetched_by_their_hashes(
    mnist_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(*arguments: object) -> Path:
        asked.append(arguments)
        return mnist_folder()

    monkeypatch.setattr(download, "fetch", fetch)
    assert len(mnist.load().train) == 50
    assert asked == [("mnist", mnist.FILES, mnist.HOSTS)]
    assert all(host.startswith("https://") and host.endswith("/") for host in mnist.HOSTS)


def test_a_folder_in_the_makers_format_is_read(mnist_folder: Callable[..., Path]) -> None:
    dataset = mnist.load(mnist_folder(train=6000, test=30))
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [1000, 5000, 30]
    assert dataset.test.labels.tolist() == [*range(10)] * 3


@pytest.mark.parametrize(
    ("change", "rule", "received"),
    [
        ({"missing": "t10k-images-idx3-ubyte.gz"}, "idx: the file must exist", "t10k-images-idx3-ubyte.gz"),
        ({"side": 27}, "mnist: pictures must have 28x28 pixels", r"\(27, 27\)"),
        ({"labels": lambda n: np.arange(n) % 11}, "one whole number from 0 to 9", "label 10 at sample 10"),
        ({"labels": lambda n: np.zeros(n - 1)}, "one whole number from 0 to 9", "for 5050 samples"),
        ({"train": 4999}, "data: splits of 5000 samples need as many", "4999 samples"),
        ({"train": 5000}, "data: every split of mnist must hold samples", "train 0, validation 5000, test 20"),
        ({"test": 0}, "data: every split of mnist must hold samples", "train 50, validation 5000, test 0"),
    ],
    ids=["missing", "size", "label", "fewer labels", "few", "none to train on", "none to test on"],
)
def test_files_that_cannot_be_mnist_are_refused(
    mnist_folder: Callable[..., Path], change: dict[str, object], rule: str, received: str
) -> None:
    with pytest.raises(Refused, match=rule) as refused:
        mnist.load(mnist_folder(**change))
    assert re.search(received, refused.value.received)
