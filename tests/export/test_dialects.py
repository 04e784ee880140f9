"""Checkpoints of older Keras: translated so that they give their makers' numbers, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import edgeproof
from edgeproof.errors import Refused
from export import dialects
from export.source import load


def old_file(path: Path, model: keras.Model, change: Any, version: str | None = "2.2.4") -> Path:
    """`model` as an older Keras would have written it: its architecture edited layer by layer, the weights its own."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            change(layer["class_name"], layer["config"])
        file.attrs["model_config"] = json.dumps(config)
        del file.attrs["keras_version"]
        if version:
            file.attrs["keras_version"] = version
    return path


def model_of(*layers: keras.layers.Layer, shape: tuple[int, ...]) -> keras.Model:
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.mark.parametrize("version", ["1.2.2", "2.2.4", "2.14.0", None])
def test_groups_of_one_are_dropped_and_the_numbers_stay(tmp_path: Path, version: str | None) -> None:
    model = model_of(keras.layers.DepthwiseConv2D(3), keras.layers.Conv2D(4, 1), shape=(8, 8, 2))

    def change(kind: str, config: dict[str, Any]) -> None:
        if kind == "DepthwiseConv2D":
            config["groups"] = 1

    path = old_file(tmp_path / "old.h5", model, change, version)
    with pytest.raises(Exception, match="groups"):
        keras.models.load_model(path, compile=False)  # or there would be nothing to translate
    loaded, changes = load(path)
    x = np.random.default_rng(0).random((3, 8, 8, 2), np.float32)
    np.testing.assert_array_equal(loaded(x), model(x))
    assert len(changes) == 1
    assert "groups=1 dropped" in changes[0]


def test_a_gru_without_reset_after_is_the_gru_of_its_time(tmp_path: Path) -> None:
    model = model_of(keras.layers.GRU(5, reset_after=False), shape=(7, 3))
    path = old_file(tmp_path / "old.h5", model, lambda kind, config: config.pop("reset_after", None))
    loaded, changes = load(path)
    x = np.random.default_rng(0).standard_normal((4, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded(x), model(x))
    assert ["reset_after=False written out" in change for change in changes] == [True]
    # The same weights under today's default would be another model, or none.
    with pytest.raises(ValueError, match="shape"):
        keras.models.load_model(path, compile=False)


@pytest.mark.parametrize(
    ("kind", "argument", "value"),
    [("DepthwiseConv2D", "groups", 2), ("Conv2DTranspose", "groups", 4), ("LSTM", "time_major", True)],
)
def test_an_argument_that_meant_something_is_refused(kind: str, argument: str, value: Any) -> None:
    config = {"layers": [{"class_name": kind, "config": {"name": "odd", argument: value}}]}
    with pytest.raises(Refused, match=f'"odd" with {argument} {value}'):
        dialects.translate(config, "2.4.0", "x")


@pytest.mark.parametrize("argument", ["activation", "recurrent_activation"])
def test_hard_sigmoid_of_older_keras_is_refused_wherever_it_stands(argument: str) -> None:
    inner = {"class_name": "LSTM", "config": {"name": "cell", argument: "hard_sigmoid"}}
    outer = {"class_name": "Bidirectional", "config": {"name": "both", "layer": inner}}
    config = {"class_name": "Functional", "config": {"name": "m", "layers": [outer]}}
    with pytest.raises(Refused, match=r"0\.2x \+ 0\.5 before Keras 3"):
        dialects.translate(config, "2.14.0", "x")
    assert dialects.translate(config, "3.1.0", "x") == (config, [])


def test_translation_leaves_what_it_was_given() -> None:
    config = {"class_name": "LSTM", "config": {"name": "a", "time_major": False}}
    translated, changes = dialects.translate(config, "2.4.0", "x")
    assert config["config"] == {"name": "a", "time_major": False}
    assert translated["config"] == {"name": "a"}
    assert len(changes) == 1


# Float32 sums in another order, largest difference of any output relative to the largest.
TOLERANCE = 1e-5


def test_mobilenet_of_keras_2_gives_its_makers_numbers(shared: Path) -> None:
    folder = shared / "checkpoints" / "mlperf-tiny"
    loaded, changes = load(folder / "vww_96.h5")
    assert len(changes) == 13  # its depthwise layers
    theirs = edgeproof.load(folder / "vww_96_float.tflite")
    x = np.random.default_rng(0).random((8, 96, 96, 3), np.float32)
    (expected,) = theirs.outputs({theirs.session.inputs[0].name: x}).values()
    np.testing.assert_allclose(loaded(x), expected, atol=TOLERANCE * np.abs(expected).max())


def test_wake_word_network_of_keras_2_decides_as_its_makers_int8_file(shared: Path) -> None:
    """There is no float file of theirs; on their samples the int8 one, by another road, decides the same."""
    folder = shared / "checkpoints" / "mlperf-tiny"
    loaded, changes = load(folder / "str_ww_ref_model.h5")
    assert changes
    theirs = edgeproof.load(folder / "str_ww_ref_model.tflite")
    with np.load(folder / "str_ww_calibration_samples.npz") as archive:
        x = archive["specs"].astype(np.float32)
    (expected,) = theirs.outputs({theirs.session.inputs[0].name: x}).values()
    found = np.asarray(loaded(x))
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 0.05  # one part in 256 a value, and rounding
    assert (found.argmax(1) == expected.reshape(len(x), -1).argmax(1)).mean() > 0.95
