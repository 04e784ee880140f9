"""CIFAR-10 in its makers' binary files, written here as they describe them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import Refused
from train.data import cifar10

FILES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six files of 40 records, of noise; the held-out part is 20."""
    monkeypatch.setattr(cifar10, "RECORDS", 40)
    monkeypatch.setattr(cifar10, "VALIDATION", 20)
    rng = np.random.default_rng(5)
    for name in FILES:
        records = rng.integers(0, 256, (40, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(40) % 10
        (tmp_path / name).write_bytes(records.tobytes())
    return tmp_path


def test_a_record_is_a_label_and_three_planes(folder: Path) -> None:
    """The makers: the first byte is the label; the next 1,024 are the red channel, in row-major order, and so on."""
    dataset = cifar10.load(folder)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [180, 20, 40]
    raw = (folder / "test_batch.bin").read_bytes()
    for record in (0, 17):
        at = record * 3073
        assert dataset.test.labels[record] == raw[at]
        for row, column, channel in ((0, 0, 0), (3, 30, 1), (31, 31, 2)):
            pixel = dataset.test.samples["image"][record, row, column, channel]
            assert pixel == raw[at + 1 + channel * 1024 + row * 32 + column]
    assert dataset.labels[3] == "cat"


def test_held_out_pictures_are_of_the_training_files(folder: Path) -> None:
    dataset = cifar10.load(folder)
    found = {p.tobytes() for s in (dataset.train, dataset.validation) for p in s.samples["image"]}
    planes = [np.fromfile(folder / name, np.uint8).reshape(40, 3073)[:, 1:] for name in FILES[:5]]
    wanted = {p.reshape(3, 32, 32).transpose(1, 2, 0).tobytes() for batch in planes for p in batch}
    assert found == wanted
    assert len(found) == 200
    assert np.bincount(dataset.validation.labels).tolist() == [2] * 10


def test_the_unpacked_archive_s_folder_is_found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    above = tmp_path_factory.mktemp("above")
    (above / "cifar-10-batches-bin").symlink_to(folder)
    assert cifar10.load(above).sha256() == cifar10.load(folder).sha256()


def short(folder: Path) -> None:
    (folder / FILES[1]).write_bytes(b"\0" * 3073 * 39)


def mislabelled(folder: Path) -> None:
    path = folder / FILES[5]
    path.write_bytes(b"\x0a" + path.read_bytes()[1:])


def pickled(folder: Path) -> None:
    for name in FILES:
        (folder / name).rename(folder / name.removesuffix(".bin"))


@pytest.mark.parametrize(
    ("spoil", "rule", "received"),
    [
        (short, "data_batch_2.bin must have 40 records", "119,847 bytes"),
        (mislabelled, "from 0 to 9", "label 10 at sample 0"),
        (pickled, "of the binary version must exist", "of the Python version: a pickle"),
        (lambda folder: (folder / FILES[3]).unlink(), "data_batch_4.bin", "data_batch_4.bin"),
    ],
    ids=["size", "label", "pickled", "missing"],
)
def test_other_files_are_refused(folder: Path, spoil: Callable[[Path], None], rule: str, received: str) -> None:
    spoil(folder)
    with pytest.raises(Refused, match=rule) as refused:
        cifar10.load(folder)
    assert received in refused.value.received


def test_a_folder_must_be_given() -> None:
    with pytest.raises(Refused, match="must be given"):
        cifar10.load()
