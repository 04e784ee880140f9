"""Free Spoken Digits in their makers' files: the real ones where they lie beside the checkout, and ones made wrong."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from edgeproof import frontend
from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from train import learned, registry
from train.data import Dataset, fsdd, fsdd_speakers, fsdd_stream


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    if not (shared / "data" / "fsdd").is_dir():
        pytest.skip(f"no Free Spoken Digits in {shared} (EDGEPROOF_SHARED)")
    return shared / "data" / "fsdd"


def recording(path: Path, n: int = 4000, rate: int = 8000, seed: int = 0) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(seed).integers(-9999, 9999, n).astype("<i2").tobytes())


def hashes(dataset: Dataset) -> list[set[str]]:
    return [set(sample_hashes(s.samples["features"])) for s in (dataset.train, dataset.validation, dataset.test)]


def test_the_makers_split(folder: Path) -> None:
    dataset = fsdd.load(folder)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [2400, 300, 300]
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.labels is not None
        assert len(set(np.bincount(split.labels))) == 1, "every digit as often"
    parts = hashes(dataset)
    assert sum(map(len, parts)) == len(set().union(*parts))
    zero = next(path for path, told in fsdd.recordings(folder) if told == (0, "george", 0))
    with wave.open(str(zero)) as file:
        raw = np.frombuffer(file.readframes(8000), "<i2")
    start = (8000 - len(raw)) // 2
    np.testing.assert_array_equal(dataset.test.samples["features"][0][start : start + len(raw)], raw)


def test_no_speaker_is_in_two_splits(folder: Path) -> None:
    told = [where for _, where in fsdd.recordings(folder)]
    assert {speaker for _, speaker, _ in told} > {*fsdd_speakers.TESTED, *fsdd_speakers.HELD_OUT}
    dataset = fsdd_speakers.load(folder)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [1500, 500, 1000]
    assert sum(map(len, hashes(dataset))) == 3000


def test_no_window_of_a_stream_is_in_two_splits_or_twice_in_one(folder: Path) -> None:
    dataset = fsdd_stream.load(folder)
    how = learned.whole(registry.load("keyword").frontends({})[0], dataset)
    seen: set[str] = set()
    for split in (dataset.train, dataset.validation, dataset.test):
        for some in np.array_split(split.samples["features"], 10):
            seen |= set(sample_hashes(frontend.apply(how, some)))  # as the network sees them: silence is all alike
    assert len(seen) == len(dataset.train) + len(dataset.validation) + len(dataset.test) == 6000


def test_short_and_long_recordings_become_a_second(tmp_path: Path) -> None:
    for index, n in ((0, 1000), (5, 8000), (10, 12000)):
        recording(tmp_path / f"3_ann_{index}.wav", n, seed=index)
    dataset = fsdd.load(tmp_path)
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.samples["features"].shape == (1, 8000)
        assert split.labels is not None
        assert split.labels.tolist() == [3]


@pytest.mark.parametrize(
    ("make", "rule", "received"),
    [
        (lambda folder: None, "must hold .wav files", ""),
        (lambda folder: recording(folder / "three.wav"), "DIGIT_SPEAKER_INDEX", "three.wav"),
        (lambda folder: recording(folder / "3_ann_0.wav", rate=16000), "8000 samples a second", "16000"),
        (lambda folder: (folder / "3_ann_0.wav").write_bytes(b"RIFF"), "PCM", "3_ann_0.wav"),
        (lambda folder: recording(folder / "3_ann_0.wav"), "every split of fsdd must hold samples", "train 0"),
    ],
)
def test_what_is_not_such_a_folder_is_refused(tmp_path: Path, make: object, rule: str, received: str) -> None:
    make(tmp_path)  # type: ignore[operator]
    with pytest.raises(Refused) as told:
        fsdd.load(tmp_path)
    assert rule in told.value.rule
    assert received in told.value.received


def test_without_a_folder_it_says_what_to_pass() -> None:
    with pytest.raises(Refused, match="recordings must be given"):
        fsdd.load(None)


def test_windows_of_a_stream_hold_a_digit_near_the_middle_or_nothing() -> None:
    rng = np.random.default_rng(0)
    pieces = [(np.full(1001, 20000, np.int16), i % 10) for i in range(400)]
    split = fsdd_stream.windows(pieces, rng)
    assert split.labels is not None
    assert split.labels[::2].tolist() == [digit for _, digit in pieces]
    assert set(split.labels[1::2]) == {10}
    loud = np.abs(split.samples["features"][::2].astype(int)) > 10000
    middles = np.array([np.flatnonzero(row).mean() for row in loud])
    assert np.abs(middles - 4000).max() <= 801
    assert np.ptp(middles) > 1000


@pytest.mark.parametrize("late", [-6000, -4100, -1, 0, 800, 4100, 6000])
@pytest.mark.parametrize("n", [1, 1000, 8001, 18000])
def test_a_recording_is_put_late_and_cut_off(late: int, n: int) -> None:
    piece = np.arange(1, n + 1).astype(np.int16)
    found = fsdd_stream.second(piece, late)
    wide = {4000 + late - n // 2 + i: value for i, value in enumerate(piece)}
    np.testing.assert_array_equal(found, [wide.get(i, 0) for i in range(8000)])


def test_a_stream_has_a_class_more(tmp_path: Path) -> None:
    for index in (0, 5, 10):
        recording(tmp_path / f"3_ann_{index}.wav", seed=index)
    dataset = fsdd_stream.load(tmp_path)
    assert dataset.labels == (*fsdd.LABELS, "nothing")
    assert [s.samples["features"].shape for s in (dataset.train, dataset.validation, dataset.test)] == [(2, 8000)] * 3
    assert dataset.test.labels is not None
    assert dataset.test.labels.tolist() == [3, 10]
