"""Labelled frames: where their middles lie, what they are told beside, and the loss of attributes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgeproof.contract import Decode, sample_hashes
from edgeproof.errors import Refused
from models import phonology
from train import learned, registry, settings, sounds
from train.data import Dataset, phonemes, words
from train.objectives import framewise
from train.objectives.objective import Task


def small() -> Dataset:
    parts = (phonemes.speak(n, seed=seed) for seed, n in enumerate((30, 4, 8)))
    train, validation, test = parts
    labels = tuple(phonology.PHONEMES)
    return Dataset("embedded", "SYNTHETIC", "Apache-2.0", True, train, validation, test, labels, rate=phonemes.RATE)


def test_a_label_is_what_the_voice_is_told_in_the_middle_of_its_frame() -> None:
    middles = phonemes.middles()
    assert len(middles) == 138
    # Frame 5 of 25 ms each 10 is heard from 50 to 75 ms; its middle, 62.5 ms, lies in the 5 ms number 12.
    assert middles[:3].tolist() == [12, 14, 16]
    assert middles[-1] * words.HOP < phonemes.LENGTH


def test_sounds_are_the_same_for_a_seed_and_hold_every_phoneme() -> None:
    one, other = phonemes.speak(40, seed=0), phonemes.speak(40, seed=1)
    assert one.samples["features"].shape == (40, phonemes.LENGTH)
    assert one.labels is not None
    assert one.labels.shape == (40, 138)
    assert set(one.labels.ravel()) == set(range(len(words.PHONEMES)))
    phonemes.speak.cache_clear()
    again = phonemes.speak(40, seed=0)
    np.testing.assert_array_equal(again.samples["features"], one.samples["features"])
    np.testing.assert_array_equal(again.labels, one.labels)
    assert len({*sample_hashes(one.samples["features"]), *sample_hashes(other.samples["features"])}) == 80


def test_frames_of_an_s_hiss() -> None:
    split = phonemes.speak(40, seed=0)
    bands = learned.whole(sounds.bands(whole=True), small())
    from edgeproof import frontend

    heard = frontend.apply(bands, split.samples["features"])[:, 5:-5]
    names = np.array(list(phonology.PHONEMES))[split.labels]
    hiss = heard[..., 36:].mean(axis=-1) - heard[..., :20].mean(axis=-1)
    assert np.median(hiss[names == "s"]) > np.median(hiss[names == "aa"]) + 1


def test_methods_beside_it_against_counting_by_hand() -> None:
    dataset = small()
    chosen = settings.resolve(registry.load("phonemes"), "embedded", {})
    assert dataset.train.labels is not None
    assert dataset.test.labels is not None
    most = np.bincount(dataset.train.labels.ravel()).argmax()
    np.testing.assert_allclose(sounds.frequent(dataset, chosen), (dataset.test.labels == most).mean(axis=1))
    one, eleven = sounds.single(dataset, chosen), sounds.spliced(dataset, chosen)
    assert one.shape == eleven.shape == (8,)
    assert one.mean() > sounds.frequent(dataset, chosen).mean() + 0.1
    # A permutation of the training frames' labels leaves a linear discriminant nothing to learn.
    rng = np.random.default_rng(0)
    shuffled = dataclasses.replace(
        dataset,
        train=dataclasses.replace(dataset.train, labels=rng.permuted(dataset.train.labels.ravel()).reshape(30, -1)),
    )
    assert sounds.single(shuffled, chosen).mean() < one.mean() - 0.1


def test_the_loss_of_attributes_is_keras_s_binary_cross_entropy() -> None:
    rng = np.random.default_rng(3)
    labels, odds = rng.integers(0, 19, (2, 5)), rng.normal(0, 3, (2, 5, 16)).astype(np.float32)
    rows = phonology.table()
    found = framewise.criterion(tf.constant(labels), tf.constant(odds), rows)
    wanted = 16 * tf.reduce_mean(keras.losses.binary_crossentropy(rows[labels], odds, from_logits=True))
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_attributes_without_a_table_are_refused() -> None:
    x = keras.Input((138, 4), name="features")
    outputs = [keras.layers.Dense(16, name="attributes")(x), keras.layers.Dense(19, name="logits")(x)]
    with pytest.raises(Refused, match="by a table"):
        framewise.table(keras.Model(x, outputs), "logits")


def test_what_is_no_label_of_steps_is_refused() -> None:
    recipe = registry.load("phonemes")
    chosen = settings.resolve(recipe, "embedded", {}, tiny=True)
    task = Task(learned.frontends(recipe, chosen, small()), Decode("classify", output="logits"), "accuracy")
    with pytest.raises(Refused, match="frames are labelled"):
        framewise.Framewise(recipe.builder()(), chosen, small(), task)


def test_a_folder_is_refused() -> None:
    with pytest.raises(Refused, match="synthesiser"):
        phonemes.load(Path("here"))
