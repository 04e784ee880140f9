"""Models of Keras 3 with operations between their layers: Keras can't read back their .h5; the model is the oracle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from edgeproof.errors import Refused
from export.checkpoint import Opening
from export.checkpoint.load import load
from export.conformance.architectures import build

ops = keras.ops

# Of a tensor (batch, 6, 6, 4). Names that operations share with layers come first.
CASES: dict[str, Callable[[Any], Any]] = {
    "add a constant": lambda x: x + 3.0,
    "multiply by a constant, from the left": lambda x: 0.25 * x,
    "subtract from a constant": lambda x: 1.0 - x,
    "add and multiply tensors": lambda x: (x + keras.layers.Conv2D(4, 1)(x)) * x,
    "maximum and minimum": lambda x: ops.maximum(ops.minimum(x, 0.5), -0.25),
    "average": lambda x: ops.average(x, axis=1),
    "concatenate": lambda x: ops.concatenate([x, x * 2.0], axis=2),
    "dot": lambda x: ops.dot(x, np.arange(8, dtype="float32").reshape(4, 2)),
    "reshape": lambda x: ops.reshape(x, (-1, 36, 4)),
    "softmax": lambda x: ops.softmax(x, axis=1),
    "layers of the same names": lambda x: keras.layers.Add()([x, keras.layers.Softmax(axis=1)(x)]) + 1.0,
    "slices": lambda x: x[:, 1:5:2, ::-1, 0],
    "divide, power, negative": lambda x: -(x**2) / 3.0,
    "mean and variance": lambda x: ops.mean(x, axis=(1, 2)) + ops.var(x, axis=(1, 2)),
    "einsum": lambda x: ops.einsum("bijc,bkjc->bik", x, x),
    "transpose, squeeze, expand": lambda x: ops.expand_dims(
        ops.squeeze(ops.transpose(x[:, :, :1], (0, 3, 2, 1)), 2), 1
    ),
    "where": lambda x: ops.where(x > 0, x, 0.1 * x),
    "normalized": lambda x: ops.nn.normalize(x, axis=-1),
    "resized": lambda x: ops.image.resize(x, (9, 9), interpolation="bilinear"),
    "activations": lambda x: ops.relu6(x) + ops.silu(x) + ops.hard_sigmoid(x),
    "in a model in a model": lambda x: inner()(x) * 2.0,
}


def inner() -> keras.Model:
    x = keras.Input((6, 6, 4))
    return keras.Model(x, ops.tanh(keras.layers.Conv2D(4, 3)(x) - 0.5), name="inner")


def built(case: str, randomize: Any) -> keras.Model:
    x = keras.Input((8, 8, 3), name="x")
    return randomize(keras.Model(x, CASES[case](keras.layers.Conv2D(4, 3, name="c")(x))))


@pytest.mark.parametrize("case", CASES)
def test_operations_are_what_they_were(case: str, tmp_path: Path, randomize: Any, opened: Any, agree: Any) -> None:
    model = built(case, randomize)
    model.save(tmp_path / "m.h5")
    loaded = opened(tmp_path / "m.h5")
    agree(model, loaded.model)
    assert any("operations" in line for line in loaded.changes)


def test_keras_itself_does_not_read_them(tmp_path: Path, randomize: Any) -> None:
    """Once it does, the translation can go."""
    built("mean and variance", randomize).save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="Unknown layer"):
        keras.models.load_model(tmp_path / "m.h5", compile=False)


def test_a_model_of_layers_alone_is_taken_as_it_is(tmp_path: Path, opened: Any, agree: Any) -> None:
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Add()([keras.layers.Dense(3)(x), keras.layers.Dense(3)(x)]))
    model.save(tmp_path / "m.h5")
    loaded = opened(tmp_path / "m.h5")
    agree(model, loaded.model)
    assert loaded.changes == []


def test_an_operation_that_keras_has_not_is_named(tmp_path: Path, randomize: Any) -> None:
    built("mean and variance", randomize).save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"Mean"', '"Meen"')
        assert '"Meen"' in json.dumps(json.loads(file.attrs["model_config"]))
    with pytest.raises(Refused) as refused:
        load(Opening(tmp_path / "m.h5"))
    assert "Meen" in refused.value.received


@pytest.mark.all
def test_mobilenet_v3(tmp_path: Path, opened: Any, agree: Any) -> None:
    model = build("MobileNetV3Small", 32, 5)
    model.save(tmp_path / "m.h5")
    agree(model, opened(tmp_path / "m.h5").model)
