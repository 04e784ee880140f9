"""A wake word from one recording: what is made of it, and resampling against scipy's."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from edgeproof.errors import Refused
from train.data import wakeword


def recording(path: Path, sound: np.ndarray, channels: int = 2) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, wakeword.RATE, 0, "NONE", ""))
        file.writeframes(np.repeat(np.rint(sound).astype("<i2"), channels).tobytes())


def chirp(n: int = 8000) -> np.ndarray:
    return np.asarray(np.hanning(n) * signal.chirp(np.arange(n) / wakeword.RATE, 300, n / wakeword.RATE, 3000))


def test_the_utterance_is_cut_out_of_its_silence(tmp_path: Path) -> None:
    recording(tmp_path / "marvin_617de221_0.wav", np.pad(10_000 * chirp(6000), (4000, 6000)))
    recording(tmp_path / "stream.wav", np.zeros(1000))
    word, said = wakeword.utterance(tmp_path)
    assert word == "marvin"
    assert 4500 < len(said) <= 6000
    assert np.abs(said).max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("length", [4000, 6001, 8000, 9000, 16000])
def test_resampling_is_scipy_s(length: int) -> None:
    np.testing.assert_allclose(wakeword.resampled(chirp(), length), signal.resample(chirp(), length), atol=1e-6)


def test_seconds_hold_the_word_in_the_middle_in_a_third_of_them() -> None:
    split = wakeword.seconds(chirp(), 60, seed=0)
    sounds, labels = split.samples["features"], split.labels
    assert labels is not None
    assert (sounds.shape, sounds.dtype) == ((60, 16000), np.int16)
    assert np.bincount(labels).tolist() == [20, 40]
    again = wakeword.seconds(chirp(), 60, seed=0)
    np.testing.assert_array_equal(again.samples["features"], sounds)
    other = wakeword.seconds(chirp(), 60, seed=1).samples["features"]
    assert len({row.tobytes() for row in (*sounds, *other)}) == 120
    # Where it is loudest lies near the middle, 100 ms early or late and the change of speed aside.
    power = np.square(sounds[labels == 0].astype(float))
    loud = power.sum(axis=1) > np.median(power.sum(axis=1))
    middles = (power * np.arange(16000)).sum(axis=1) / power.sum(axis=1)
    assert np.abs(middles[loud] - 8000).max() < 3000


@pytest.mark.parametrize("late", [-11200, -8001, 0, 1, 8000])
@pytest.mark.parametrize("n", [1, 7999, 20000])
def test_a_sound_is_put_late_and_cut_off(late: int, n: int) -> None:
    sound = np.arange(1.0, n + 1)
    wide = {8000 + late - n // 2 + i: value for i, value in enumerate(sound)}
    np.testing.assert_array_equal(wakeword.placed(sound, late), [wide.get(i, 0) for i in range(16000)])


def test_what_is_not_one_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="must be given"):
        wakeword.load(None)
    with pytest.raises(Refused, match="one recording called"):
        wakeword.load(tmp_path)
    recording(tmp_path / "marvin_617de221_0.wav", np.zeros(16000))
    with pytest.raises(Refused, match="not be silent"):
        wakeword.load(tmp_path)
    recording(tmp_path / "marvin_617de221_1.wav", np.zeros(16000))
    with pytest.raises(Refused, match="one recording called"):
        wakeword.load(tmp_path)
    (tmp_path / "marvin_617de221_1.wav").unlink()
    (tmp_path / "marvin_617de221_0.wav").write_bytes(b"RIFF")
    with pytest.raises(Refused, match="PCM"):
        wakeword.load(tmp_path)
