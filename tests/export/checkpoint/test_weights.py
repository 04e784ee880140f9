"""Weights that are not those of the architecture: every such file is refused with what is missing and what is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tf_keras as k
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.errors import Refused
from export.checkpoint.layouts import Layout

L = k.layers


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, randomize: Any) -> Path:
    """A folder with one model as `m.h5`, `m.keras`, `w.h5`, `w.weights.h5` and `m.json`."""
    folder = tmp_path_factory.mktemp("whole")
    x = k.Input((4,), name="x")
    model = k.Model(x, L.Dense(4, name="b")(L.BatchNormalization(name="n")(L.Dense(4, name="a")(x))))
    randomize(model)
    model.save(folder / "m.h5")
    model.save(folder / "m.keras")
    model.save_weights(folder / "w.h5")
    model.save_weights(folder / "w.weights.h5")
    (folder / "m.json").write_text(model.to_json())
    return folder


def group(file: h5py.File) -> h5py.Group:
    return file["model_weights"]


def move(old: str, new: str) -> Callable[[h5py.File], None]:
    return lambda file: file.move(old, new)


def copy(old: str, new: str) -> Callable[[h5py.File], None]:
    return lambda file: file.copy(old, new)


def drop(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def drop_layer(file: h5py.File) -> None:
    names = [n for n in group(file).attrs["layer_names"] if n not in (b"b", "b")]
    group(file).attrs["layer_names"] = names


def add_layer(file: h5py.File) -> None:
    group(file).copy("b", "c")
    group(file).attrs["layer_names"] = [*group(file).attrs["layer_names"], "c"]


def drop_weight(file: h5py.File) -> None:
    group(file)["b"].attrs["weight_names"] = group(file)["b"].attrs["weight_names"][:1]


def reshape(file: h5py.File) -> None:
    del group(file)["b/b/bias:0"]
    group(file)["b/b/bias:0"] = np.zeros(5, np.float32)


def transpose(file: h5py.File) -> None:
    del group(file)["b/b/kernel:0"]
    group(file)["b/b/kernel:0"] = np.zeros((2, 8), np.float32)


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("m.h5", drop_layer, "without b"),
        ("m.h5", add_layer, "with c, which the model has not"),
        ("m.h5", drop_weight, '1 weights for layer "b", which has 2'),
        ("m.h5", reshape, 'bias of "b" is (4,) and the file holds (5,)'),
        ("m.h5", transpose, 'kernel of "b" is (4, 4) and the file holds (2, 8)'),
        ("w.weights.h5", move("layers/dense_1", "layers/other"), "without b/kernel, b/bias and with layers/other"),
        ("w.weights.h5", copy("layers/dense", "layers/extra"), "with layers/extra/vars/0, layers/extra/vars/1"),
        ("w.weights.h5", drop("layers/dense_1/vars/1"), "expected 2 variables, but received 1"),
        ("w.weights.h5", move("layers/dense/vars/1", "layers/dense/vars/7"), "layers/dense"),
    ],
)
def test_weights_that_do_not_fit_are_named(
    name: str, spoil: Callable[[h5py.File], Any], said: str, whole: Path, tmp_path: Path, opened: Any
) -> None:
    path = Path(shutil.copy(whole / name, tmp_path / name))
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(Refused) as refused:
        opened(path, **({} if name == "m.h5" else {"architecture": whole / "m.json"}))
    assert said in refused.value.received


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5"])
def test_a_builder_gives_weights_their_model(
    name: str, whole: Path, tmp_path: Path, opened: Any, agree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text(
        "import keras\n"
        "def make():\n"
        "    x = keras.Input((4,), name='x')\n"
        "    z = keras.layers.BatchNormalization(name='n')(keras.layers.Dense(4, name='a')(x))\n"
        "    return keras.Model(x, keras.layers.Dense(4, name='b')(z))\n"
        "def late():\n"
        "    return keras.Sequential([keras.layers.Dense(4)])\n"
        "def renamed():\n"
        "    return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4, name=n) for n in 'pq')])\n"
        "def broken():\n"
        "    raise OSError('no such thing')\n"
    )
    model = k.models.load_model(whole / "m.h5", compile=False)
    agree(model, opened(whole / name, builder=f"{tmp_path / 'net.py'}:make").model)
    monkeypatch.chdir(tmp_path)
    agree(model, opened(whole / name, builder="net:make").model)
    for function, said in [("late", "Sequential"), ("broken", "no such thing"), ("missing", "missing")]:
        with pytest.raises(Refused, match=said):
            opened(whole / name, builder=f"net:{function}")
    with pytest.raises(Refused, match="weights"):
        opened(whole / name, builder="net:renamed")


def test_layers_of_other_names_are_matched_by_their_order_and_that_is_told(
    tmp_path: Path, opened: Any, agree: Any, randomize: Any
) -> None:
    model = randomize(k.Sequential([k.Input((4,)), L.Dense(3, name="one"), L.Dense(2, name="two")]))
    model.save_weights(tmp_path / "w.h5")
    text = model.to_json().replace('"one"', '"uno"').replace('"two"', '"due"')
    (tmp_path / "m.json").write_text(text)
    loaded = opened(tmp_path / "w.h5", architecture=tmp_path / "m.json")
    agree(model, loaded.model)
    assert "layers matched by their order, since their names differ: uno from one, due from two" in loaded.changes


def test_weights_written_by_keras_3_in_both_layouts(tmp_path: Path, opened: Any, agree: Any, randomize: Any) -> None:
    import keras

    def build() -> Any:
        x = keras.Input((6, 4), name="x")
        inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
        z = inner(inner(keras.layers.Bidirectional(keras.layers.GRU(3), merge_mode="sum")(x)))
        return keras.Model(x, keras.layers.Dense(2)(keras.layers.Dropout(0.5)(z)))

    model = randomize(build())
    (tmp_path / "m.json").write_text(model.to_json())
    model.save_weights(tmp_path / "w.weights.h5")
    agree(model, opened(tmp_path / "w.weights.h5", architecture=tmp_path / "m.json").model)
    for suffix in ("h5", "keras"):
        model.save(tmp_path / f"m.{suffix}")
        loaded = opened(tmp_path / f"m.{suffix}")
        agree(model, loaded.model)
        assert loaded.changes == []


class Named:
    """Stands for a layer where only its class's name and its own are asked for."""

    def __init__(self, name: str, **fields: Any) -> None:
        self.name = name
        self.__dict__.update(fields)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 4), columns=st.integers(1, 4), channels=st.integers(1, 4), filters=st.integers(1, 4),
    backend=st.sampled_from(["theano", "tensorflow", "cntk", ""]), first=st.booleans(),
)  # fmt: skip
def test_a_kernel_of_keras_1_keeps_every_value_in_its_place(
    rows: int, columns: int, channels: int, filters: int, backend: str, first: bool
) -> None:
    """Element by element, by what the axes are called."""
    stored = np.arange(rows * columns * channels * filters).reshape(
        (filters, channels, rows, columns) if first else (rows, columns, channels, filters)
    )
    target = type("Conv2D", (Named,), {})("c")
    (found,) = Layout(1, backend, frozenset({"c"} if first else ())).convert(target, [stored])
    assert found.shape == (rows, columns, channels, filters)
    for r, c, i, f in np.ndindex(found.shape):
        y, x = (rows - 1 - r, columns - 1 - c) if backend == "theano" else (r, c)
        assert found[r, c, i, f] == (stored[f, i, y, x] if first else stored[y, x, i, f])
