"""Strings of words: what is joined, and the loss that learns to spell them."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
import pytest

from edgeproof import ctc, metrics
from edgeproof.errors import Refused
from edgeproof.frontend import sound
from train.data import fsdd_strings, word_strings, words


def test_the_loss_is_the_likelihood_over_all_paths() -> None:
    import tensorflow as tf

    from train.objectives.transcription import criterion

    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (3, 6, 4)).astype(np.float32)
    for blank in (3, 0):
        a, b = (1, 2)
        strings = np.array([[a, b, blank], [a, a, blank], [b, blank, blank]])
        wanted = np.mean(
            [
                -ctc.likelihood(
                    metrics.softmax(row.astype(np.float64)), tuple(int(c) for c in string if c != blank), blank
                )
                for row, string in zip(logits, strings, strict=True)
            ]
        )
        assert float(criterion(tf.constant(strings), tf.constant(logits), blank)) == pytest.approx(wanted, rel=1e-5)


def test_spoken_strings_are_the_same_for_a_seed_and_hold_three_to_six_words() -> None:
    one = word_strings.speak(20, seed=0)
    sounds, labels = one.samples["features"], one.labels
    assert labels is not None
    assert (sounds.dtype, sounds.shape, labels.shape) == (np.int16, (20, 32000), (20, 6))
    lengths = (labels >= 0).sum(axis=1)
    assert set(lengths) <= {3, 4, 5, 6}
    assert all((row[:n] >= 0).all() and (row[n:] == -1).all() for row, n in zip(labels, lengths, strict=True))
    word_strings.speak.cache_clear()
    np.testing.assert_array_equal(word_strings.speak(20, seed=0).samples["features"], sounds)


def test_a_long_sound_in_parts_is_the_whole_one() -> None:
    class Silent:
        def standard_normal(self, shape: tuple[int, ...], _: object) -> np.ndarray:
            return np.zeros(shape, np.float32)

        def uniform(self, low: float, high: float, n: int) -> np.ndarray:
            return np.zeros(n)

    rng = np.random.default_rng(1)
    string = ("", *words.WORDS["down"], *words.WORDS["yes"], "")
    tracks = np.stack([words._track(string, rng, 250)[0] for _ in range(2)])
    pulses = words._pulses(2, rng, 250 * words.HOP)
    whole, parts = words._sounded(tracks, pulses, Silent()), words._in_parts(tracks, pulses, Silent())  # type: ignore[arg-type]
    assert np.abs(whole - parts).max() < 1e-4 * np.abs(whole).max()


def recording(path: Path, value: int, n: int = 2000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.full(n, value, "<i2").tobytes())


def test_joined_digits_are_whole_recordings_of_one_speaker_and_split(tmp_path: Path) -> None:
    """Each recording is a constant that tells its digit, speaker and index."""
    for who, speaker in enumerate(("ann", "bob")):
        for digit in range(3):
            for index in (0, 5, 10):
                recording(tmp_path / f"{digit}_{speaker}_{index}.wav", 1 + digit + 10 * who + 100 * index)
    recording(tmp_path / "2_ann_11.wav", 9999, n=6000)  # too long for a string
    dataset = fsdd_strings.load(tmp_path)
    for split, index in ((dataset.train, 10), (dataset.validation, 5), (dataset.test, 0)):
        assert split.labels is not None
        for sounds, labels in zip(split.samples["features"][:50], split.labels[:50], strict=True):
            starts = np.flatnonzero((sounds[1:] != 0) & (sounds[:-1] == 0)) + 1
            if sounds[0]:
                starts = np.append(0, starts)
            told = sounds[starts].astype(int) - 1 - 100 * index
            assert (told % 10).tolist() == labels[labels >= 0].tolist()
            assert len(set(told // 10)) == 1
            assert (sounds != 0).sum() == 2000 * len(starts)
    with pytest.raises(Refused, match="recordings must be given"):
        fsdd_strings.load(None)


def test_a_split_without_short_recordings_is_refused(tmp_path: Path) -> None:
    recording(tmp_path / "3_ann_0.wav", 1)
    with pytest.raises(Refused, match="every split must hold recordings"):
        fsdd_strings.load(tmp_path)


def test_a_whole_sound_is_refused_where_it_would_be_cut() -> None:
    sounds = np.zeros((1, 9000), np.int16)
    assert sound.samples(sounds, rate=8000, length=8000).shape == (1, 8000)
    with pytest.raises(Refused, match="at most 1 seconds") as refused:
        sound.samples(sounds, rate=8000, length=8000, whole=True)
    assert math.isclose(float(refused.value.received.split()[0]), 1.125)
