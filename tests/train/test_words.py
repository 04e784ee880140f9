"""The synthesiser of words: its resonators against scipy's filters, and what it makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from edgeproof.contract import sample_hashes
from edgeproof.errors import Refused
from edgeproof.frontend import sound
from train.data import words


@pytest.mark.parametrize("centre", [300.0, 1000.0, 3000.0])
def test_a_resonator_is_the_filter_of_its_equation(centre: float) -> None:
    a, b, c = (float(x[0]) for x in words._resonators(np.array([centre]), np.array([80.0])))
    frequencies, response = signal.freqz([a], [1, -b, -c], worN=8000, fs=words.RATE)
    power = np.square(np.abs(response))
    assert abs(power[0] - 1) < 1e-9, "a gain of 1 at 0 Hz"
    # The largest lies at the centre but for what 0 Hz and the other half of the circle pull it.
    assert abs(frequencies[np.argmax(power)] - centre) < 15
    wide = frequencies[power > power.max() / 2]
    assert abs((wide.max() - wide.min()) - 80) < 15, "half of the power across its bandwidth"


def test_the_sound_is_the_source_through_the_resonators() -> None:
    """Steady controls make it one filter in a row with the next: what scipy makes of the same source."""
    formants, pulses = (700.0, 1200.0, 2500.0), np.zeros((1, words.LENGTH), np.float32)
    pulses[0, ::80] = 1
    track = np.tile(np.array([*formants, 1.0, 0.0, 2000.0, 1000.0]), (1, words._FRAMES, 1))

    class Silent:
        def standard_normal(self, shape: tuple[int, ...], _: object) -> np.ndarray:
            return np.zeros(shape, np.float32)

        def uniform(self, low: float, high: float, n: int) -> np.ndarray:
            return np.zeros(n)

    found = words._sounded(track, pulses, Silent())[0]  # type: ignore[arg-type]
    wanted = signal.lfilter([1], [1, -np.exp(-2 * np.pi * 100 / words.RATE)], pulses[0].astype(np.float64))
    for centre, width in zip(formants, words._BANDWIDTHS, strict=True):
        a, b, c = (float(x[0]) for x in words._resonators(np.array([centre]), np.array([width])))
        wanted = signal.lfilter([a], [1, -b, -c], wanted)
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_words_are_in_equal_parts_the_same_for_a_seed_and_none_is_there_twice() -> None:
    one, other = words.speak(100, seed=0), words.speak(100, seed=1)
    sounds = one.samples["features"]
    assert (sounds.dtype, sounds.shape) == (np.int16, (100, 8000))
    assert one.labels is not None
    assert np.bincount(one.labels).tolist() == [10] * 10
    words.speak.cache_clear()
    np.testing.assert_array_equal(words.speak(100, seed=0).samples["features"], sounds)
    hashes = {*sample_hashes(sounds), *sample_hashes(other.samples["features"])}
    assert len(hashes) == 200


def test_an_s_hisses_where_a_vowel_does_not() -> None:
    split = words.speak(100, seed=0)
    bands = sound.log_mel(sound.samples(split.samples["features"], rate=8000, length=8000), rate=8000)
    hiss = np.exp(bands[..., 36:]).sum(axis=(1, 2)) / np.exp(bands).sum(axis=(1, 2))
    names = np.array(list(words.WORDS))[split.labels]
    assert np.median(hiss[names == "yes"]) > 5 * np.median(hiss[names == "no"])


def test_a_folder_is_refused() -> None:
    with pytest.raises(Refused, match="synthesiser"):
        words.load(Path("here"))
