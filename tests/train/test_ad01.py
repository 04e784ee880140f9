"""Sounds in the layout of MLPerf Tiny's anomaly detection, written by the tests."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import Refused
from train.data import ad01

RATE = 16000


def sound(path: Path, hertz: float, seconds: float = 10.0, channels: int = 1, seed: int = 0) -> None:
    time = np.arange(int(RATE * seconds)) / RATE
    values = 0.3 * np.sin(2 * np.pi * hertz * time) + 0.01 * np.random.default_rng(seed).normal(size=len(time))
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.repeat(np.rint(values * 32767).astype("<i2"), channels).tobytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("ToyCar")
    for i in range(3):
        sound(base / "train" / f"normal_id_01_{i:08d}.wav", 440, seed=i)
    for i in range(5):
        sound(base / "test" / f"normal_id_01_{i:08d}.wav", 440, seed=10 + i)
        sound(base / "test" / f"anomaly_id_01_{i:08d}.wav", 880, seed=20 + i)
    (base / "test" / "notes.txt").write_text("not a sound")
    return base


def test_windows_are_five_frames_of_128_mels(folder: Path) -> None:
    dataset = ad01.load(folder)
    assert dataset.train.samples["features"].shape[1:] == (640,)
    # 10 s are 313 frames about each hop, 309 windows of five; the benchmark judges 200 of them.
    assert len(dataset.train) == 3 * len(range(0, 309, 10))
    assert (len(dataset.validation), len(dataset.test)) == (2 * 200, 8 * 200)
    assert dataset.train.labels is not None
    assert not dataset.train.labels.any()
    assert dataset.test.labels is not None
    assert dataset.test.labels.mean() == 0.5


def test_a_tone_is_loudest_in_its_own_band(folder: Path) -> None:
    window = ad01.load(folder).train.samples["features"][5].reshape(5, 128)
    edges = ad01._hertz(np.linspace(0, ad01._mel(RATE / 2), ad01.MELS + 2))
    for frame in window:
        loudest = int(frame.argmax())
        assert edges[loudest] < 440 < edges[loudest + 2]


def test_energies_are_those_of_a_plain_transform() -> None:
    """One frame worked out by the definition of the discrete Fourier transform."""
    x = np.random.default_rng(0).normal(0, 0.1, 8192)
    found = ad01.features(x, RATE)
    middle = 6 * ad01.HOP
    n = np.arange(ad01.WINDOW)
    frame = x[middle - ad01.WINDOW // 2 : middle + ad01.WINDOW // 2] * (0.5 - 0.5 * np.cos(2 * np.pi * n / ad01.WINDOW))
    bins = np.arange(ad01.WINDOW // 2 + 1)[:, None]
    spectrum = (frame * np.exp(-2j * np.pi * bins * n / ad01.WINDOW)).sum(axis=1)
    mel = 10 * np.log10(ad01.bands(RATE) @ np.abs(spectrum) ** 2 + np.finfo(float).eps)
    np.testing.assert_allclose(found[6, :128], mel, rtol=1e-4)
    np.testing.assert_array_equal(found[5, 128:256], found[6, :128])


def test_bands_have_equal_area() -> None:
    areas = ad01.bands(RATE).sum(axis=1) * RATE / ad01.WINDOW
    wide = areas[64:]  # narrow ones fall between bins
    np.testing.assert_allclose(wide, 1.0, rtol=0.05)


def test_no_folder_no_sounds_and_other_files_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="read from a folder"):
        ad01.load(None)
    with pytest.raises(Refused, match="train/ must hold"):
        ad01.load(tmp_path)
    for i, name in enumerate(("train/normal_id_01_00000000.wav", "test/normal_id_01_00000000.wav")):
        sound(tmp_path / name, 440, channels=1 + i)
    sound(tmp_path / "test" / "anomaly_id_01_00000000.wav", 880)
    with pytest.raises(Refused, match="mono") as caught:
        ad01.load(tmp_path)
    assert "2 channels" in caught.value.received
    (tmp_path / "test" / "normal_id_01_00000000.wav").write_bytes(b"RIFF of nothing")
    with pytest.raises(Refused, match="whole wav"):
        ad01.load(tmp_path)
