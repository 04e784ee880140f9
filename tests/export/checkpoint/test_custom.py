"""Layers that Keras has not: named with what to pass, and opened with the person's own code."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras as k

from edgeproof.errors import Refused

_spec = importlib.util.spec_from_file_location("keras1", Path(__file__).with_name("keras1.py"))
assert _spec
assert _spec.loader
k1 = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(k1)

LAYERS = """
import keras

class Scale(keras.layers.Layer):
    def __init__(self, start=1.0, **options):
        super().__init__(**options)
        self.start = start

    def build(self, shape):
        self.factor = self.add_weight(name="factor", shape=(shape[-1],))

    def call(self, x):
        return x * self.factor + self.start

    def get_config(self):
        return {**super().get_config(), "start": self.start}

class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


class Scale(k.layers.Layer):
    """As the file's makers had it, in tf.keras."""

    def __init__(self, start: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.start = start

    def build(self, shape: Any) -> None:
        self.factor = self.add_weight(name="factor", shape=(shape[-1],))

    def call(self, x: Any) -> Any:
        return x * self.factor + self.start

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "layers.py"
    path.write_text(LAYERS)
    return path


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_a_layer_of_ones_own(kind: str, tmp_path: Path, code: Path, opened: Any, agree: Any, randomize: Any) -> None:
    x = k.Input((4,))
    model = randomize(k.Model(x, k.layers.Dense(2)(Scale(start=3.0, name="s")(x))))
    path = tmp_path / f"m.{kind}"
    model.save(path)
    with pytest.raises(Refused) as refused:
        opened(path)
    assert 'Scale {"name": "s"' in refused.value.received
    assert '"start": 3.0' in refused.value.received
    assert "--custom-objects" in refused.value.fix
    assert "class Scale" in refused.value.fix
    agree(model, opened(path, custom_objects=code).model)


def test_a_layer_of_ones_own_in_a_file_of_keras_3(tmp_path: Path, code: Path, opened: Any) -> None:
    import keras

    space: dict[str, Any] = {}
    exec(LAYERS, space)
    x = keras.Input((4,))
    model = keras.Model(x, space["Scale"](start=2.0, name="s")(x))
    model.layers[1].factor.assign([1, 2, 3, 4])
    for suffix in ("h5", "keras"):
        path = tmp_path / f"m.{suffix}"
        model.save(path)
        with pytest.raises(Refused, match="class Scale"):
            opened(path)
        found = opened(path, custom_objects=code).model(np.ones((1, 4), np.float32))
        np.testing.assert_array_equal(found, [[3, 4, 5, 6]])


@pytest.mark.parametrize("content", [None, "import nothing_of_that_name", "1 / 0", "def"])
def test_code_that_does_not_run_is_refused_with_its_own_words(content: str | None, tmp_path: Path, opened: Any) -> None:
    k.Sequential([k.Input((4,)), k.layers.Dense(2)]).save(tmp_path / "m.h5")
    if content is not None:
        (tmp_path / "layers.py").write_text(content)
    with pytest.raises(Refused) as refused:
        opened(tmp_path / "m.h5", custom_objects=tmp_path / "layers.py")
    assert "--custom-objects" in refused.value.rule


def with_lambda(path: Path) -> Path:
    """A file of Keras 1 with Python in it that ends the process, were it ever run."""
    code = ["4wEAAAAAAAAAAAAAAAABAAAAAAAAAA==", None, None]
    config = {"class_name": "Sequential", "config": [
        k1.layer("Dense", "d", output_dim=3, activation="linear", batch_input_shape=[None, 3]),
        k1.layer("Lambda", "l", function=code, function_type="lambda", output_shape=None, arguments={}),
    ]}  # fmt: skip
    return k1.write(path, config, {"d": [("d_W", np.eye(3, dtype="f4")), ("d_b", np.zeros(3, "f4"))], "l": []})


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("keras.activations.relu", [[0.0, 2.0, 3.0]]),
        ("keras.ops.square", [[1.0, 4.0, 9.0]]),
        ("keras.ops.exp", [np.exp([-1.0, 2.0, 3.0])]),
        ("keras.layers.Flatten", [[-1.0, 2.0, 3.0]]),
        ("Twice", [[-2.0, 4.0, 6.0]]),
        ("layers.py:Twice", [[-2.0, 4.0, 6.0]]),
    ],
)
def test_a_lambda_is_replaced_by_what_the_user_says(
    what: str, wanted: Any, tmp_path: Path, code: Path, opened: Any
) -> None:
    path = with_lambda(tmp_path / "m.h5")
    with pytest.raises(Refused, match="never opened"):
        opened(path)
    loaded = opened(path, replace=(("l", what),), custom_objects=code)
    np.testing.assert_allclose(loaded.model(np.float32([[-1, 2, 3]])), wanted, rtol=1e-6)
    assert f'Lambda "l" replaced by {what}, as asked; it was not opened' in loaded.changes


@pytest.mark.parametrize(
    "what",
    ["os.system", "keras.ops.nothing", "keras.layers.Nothing", "keras.utils.get_file", "Twice", "exit", "keras.layers"],
)
def test_a_replacement_that_is_not_on_the_list_is_refused(what: str, tmp_path: Path, opened: Any) -> None:
    with pytest.raises(Refused, match="--replace takes an activation"):
        opened(with_lambda(tmp_path / "m.h5"), replace=(("l", what),))


def test_a_replacement_of_no_layer_names_those_that_there_are(tmp_path: Path, opened: Any) -> None:
    path = tmp_path / "m.h5"
    k.Sequential([k.Input((4,)), k.layers.Dense(2, name="d")]).save(path)
    with pytest.raises(Refused, match=r"lambda_1; the model has .*\bd\b"):
        opened(path, replace=(("lambda_1", "keras.ops.relu"),))


def test_a_builder_takes_the_place_of_an_architecture_with_code(tmp_path: Path, opened: Any) -> None:
    """The way out for a Lambda that nothing on the list computes."""
    (tmp_path / "net.py").write_text(
        "import keras\n"
        "def make():\n"
        "    x = keras.Input((3,))\n"
        "    return keras.Model(x, 5 - keras.layers.Dense(3, name='d')(x))\n"
    )
    loaded = opened(with_lambda(tmp_path / "m.h5"), builder=f"{tmp_path / 'net.py'}:make")
    np.testing.assert_array_equal(loaded.model(np.float32([[1, 2, 3]])), [[4, 3, 2]])


def test_a_layer_that_hides_from_keras_in_another_module_is_not_imported(tmp_path: Path, opened: Any) -> None:
    """Only Keras's own classes are found by name, whatever module a file claims for them."""
    import h5py

    path = tmp_path / "m.h5"
    k.Sequential([k.Input((4,)), k.layers.Dense(2, name="d")]).save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][-1].update(module="subprocess", class_name="Popen", registered_name="Popen")
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(Refused, match="class Popen"):
        opened(path)
