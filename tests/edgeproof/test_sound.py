"""Sound frontends against TensorFlow's signal library, which defines the same steps, and by their own invariants."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof import frontend
from edgeproof.contract import Frontend
from edgeproof.errors import Refused
from edgeproof.frontend import files, sound

STEPS = (
    {"op": "samples", "rate": 8000, "length": 8000},
    {"op": "log_mel", "rate": 8000, "bands": 40},
    {"op": "cepstra", "coefficients": 10},
)


def noise(n: int, length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20000, 20000, (n, length)).astype(np.int16)


@pytest.mark.parametrize(("rate", "bands", "low", "high"), [(8000, 40, 20.0, 4000.0), (16000, 64, 60.0, 7600.0)])
def test_bands_and_cepstra_are_tensorflows(rate: int, bands: int, low: float, high: float) -> None:
    tf = pytest.importorskip("tensorflow")
    width, step = round(0.025 * rate), round(0.010 * rate)
    size = 1 << (width - 1).bit_length()
    sounds = sound.samples(noise(3, rate), rate=rate, length=rate)
    spectrum = tf.signal.stft(sounds, width, step, size)
    window = tf.signal.hann_window(width)
    power = tf.square(tf.abs(spectrum)) / tf.reduce_sum(tf.square(window)) / width
    mel = tf.signal.linear_to_mel_weight_matrix(bands, size // 2 + 1, rate, low, high, tf.float64)
    theirs = tf.math.log(tf.maximum(power @ tf.cast(mel, tf.float32), 1e-6))
    ours = sound.log_mel(sounds, rate=rate, bands=bands, low=low, high=high)
    # A transform of some hundred values in float32 is off by some 1e-6 of the largest; the logarithm makes it absolute.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)
    # Theirs is the orthonormal one: mfccs are scaled by the root of half the number of bands, the first one too.
    cosines = tf.signal.dct(theirs, 2, norm="ortho")[..., :13]
    np.testing.assert_allclose(sound.cepstra(ours, coefficients=13), cosines, rtol=0, atol=1e-2)


def test_a_tone_is_in_its_band_with_its_power() -> None:
    rate, hertz = 8000, 1000.0
    tone = np.rint(16384 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.int16)
    bands = sound.log_mel(sound.samples(tone[None], rate=rate, length=rate), rate=rate, bands=20)[0]
    edges = 700 * np.expm1(np.linspace(*(1127 * np.log1p(np.array([20.0, 4000.0]) / 700)), 22) / 1127)
    loudest = int(np.argmax(bands.mean(axis=0)))
    assert edges[loudest] < hertz < edges[loudest + 2]
    assert np.ptp(bands[:, loudest]) < 0.01, "a steady tone is as loud in each frame"
    # Half of its power of 1/8 is at its own frequency, half at minus that; frames of 200 are filled up to 256.
    np.testing.assert_allclose(np.exp(bands).sum(axis=1), 1 / 16 * 256 / 200, rtol=1e-3)


@given(st.integers(1, 3), st.integers(1, 400), st.integers(1, 400))
def test_sounds_are_cut_and_filled_about_their_middle(n: int, present: int, wanted: int) -> None:
    raw = noise(n, present)
    found = sound.samples(raw, rate=8000, length=wanted)
    assert found.shape == (n, wanted)
    assert np.abs(found).max() <= 1
    kept = min(present, wanted)
    cut, put = (present - kept) // 2, (wanted - kept) // 2
    np.testing.assert_array_equal(found[:, put : put + kept] * 32768, raw[:, cut : cut + kept])
    assert not np.delete(found, np.s_[put : put + kept], axis=1).any()


@given(st.integers(2, 5))
def test_a_sound_alone_is_as_in_a_batch(n: int) -> None:
    how, raw = Frontend("sound", "sound", STEPS), noise(n, 8000, seed=n)
    together = frontend.apply(how, raw)
    assert together.shape == (n, 98, 10)
    for i in range(n):
        np.testing.assert_array_equal(frontend.apply(how, raw[i : i + 1])[0], together[i])


def test_silence_is_the_floor() -> None:
    quiet = sound.log_mel(np.zeros((1, 400), np.float32), rate=8000, floor=1e-5)
    np.testing.assert_allclose(quiet, np.log(1e-5), rtol=1e-6)


@given(st.integers(2, 5), st.floats(0.02, 1.0))
def test_no_gain_changes_a_level_sound(n: int, gain: float) -> None:
    raw = noise(n, 2000, seed=n).astype(np.float32) / 32768
    raw[:, :400] = 0
    found = [
        sound.level(sound.log_mel(each, rate=8000, floor=1e-10), depth=10.0, least=-13.0) for each in (raw, raw * gain)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-3)
    np.testing.assert_array_equal(found[0].max(axis=(1, 2)), 0)
    assert found[0].min() == -10


def test_a_sound_alone_is_levelled_as_in_a_batch() -> None:
    bands = sound.log_mel(noise(3, 2000) / np.float32([[32768], [3e5], [3e6]]), rate=8000, floor=1e-10)
    together = sound.level(bands, depth=6.0, least=-13.0)
    for i in range(3):
        np.testing.assert_array_equal(sound.level(bands[i : i + 1], depth=6.0, least=-13.0)[0], together[i])


def test_silence_stays_silent_and_the_faintest_noise_faint() -> None:
    quiet = np.zeros((2, 400), np.float32)
    quiet[1] = np.random.default_rng(0).integers(-1, 2, 400) / 32768
    found = sound.level(sound.log_mel(quiet, rate=8000, floor=1e-10), depth=10.0, least=-13.0)
    np.testing.assert_array_equal(found[0], -10)
    assert found[1].max() < -5


def write(path: Path, data: bytes, *, rate: int = 8000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(data)
    return path


HOW = Frontend("sound", "sound", STEPS)


def test_a_file_gives_its_samples_and_channels_their_mean(tmp_path: Path) -> None:
    raw = noise(1, 300)[0]
    np.testing.assert_array_equal(files.read(write(tmp_path / "a.wav", raw.astype("<i2").tobytes()), HOW), raw)
    both = np.stack([raw, np.full_like(raw, 100)], axis=1).astype("<i2")
    found = files.read(write(tmp_path / "b.wav", both.tobytes(), channels=2), HOW)
    np.testing.assert_array_equal(found, np.rint((raw.astype(int) + 100) / 2))


@pytest.mark.parametrize(
    ("damage", "rule", "received"),
    [
        (lambda p: write(p, noise(1, 300).tobytes(), rate=16000), "8000 samples a second", "16000"),
        (lambda p: write(p, b"\x00" * 600, width=3), "16 bits", "24 bits"),
        (lambda p: write(p, b""), "at least one", "0 of 0"),
        (lambda p: p.write_bytes(write(p, noise(1, 300).tobytes()).read_bytes()[:-100]), "states", "250 of 300"),
        (lambda p: p.write_bytes(write(p, noise(1, 300).tobytes()).read_bytes()[:30]), "PCM", "header"),
        (lambda p: p.write_bytes(b"not a sound at all"), "PCM", "RIFF"),
    ],
)
def test_what_is_no_such_sound_is_refused(tmp_path: Path, damage: object, rule: str, received: str) -> None:
    path = tmp_path / "sound.wav"
    damage(path)  # type: ignore[operator]
    with pytest.raises(Refused) as told:
        files.read(path, HOW)
    assert rule in told.value.rule
    assert received in told.value.received
    assert "sound.wav" in told.value.received


def test_arrays_of_another_type_are_refused() -> None:
    with pytest.raises(Refused, match="16 bits"):
        frontend.apply(HOW, np.zeros((1, 8000), np.float32))
    with pytest.raises(Refused, match="one channel"):
        frontend.apply(HOW, np.zeros((1, 8000, 2), np.int16))
    with pytest.raises(Refused, match="as long as a frame"):
        sound.log_mel(np.zeros((1, 20), np.float32), rate=8000)
