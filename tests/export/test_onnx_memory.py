"""tf2onnx kept from copying weights: the same file, in a few copies' room instead of dozens."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import keras
import onnx
import pytest
import tf2onnx

from export import onnx_memory
from export.formats import onnx as onnx_format
from export.source import Source
from export.worker import Worker

ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parents[2], Path(__file__).parent)))}
COPIES = 24  # of the weights: it is 18, most of them while TensorFlow freezes the graph; tf2onnx's own make it 51


def small() -> keras.Model:
    image = keras.Input((12, 12, 3), name="image")
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.DepthwiseConv2D(3)(x)
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D()(x))
    return keras.Model(image, keras.layers.Softmax(name="p")(keras.layers.Dense(5)(x)))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("small") / "small.h5"
    small().save(path)
    return Source(path)


def made(source: Source) -> onnx.ModelProto:
    found = onnx_format._float_model(source)
    onnx_format._ordered(found.graph.initializer)
    onnx_format._ordered(found.graph.value_info)
    return found


def test_the_file_is_the_same(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    thrifty = made(source)
    monkeypatch.setattr(onnx_memory, "thrift", lambda copies: nullcontext())
    assert thrifty.SerializeToString(deterministic=True) == made(source).SerializeToString(deterministic=True)


def test_a_rewrite_that_fails_is_left_out(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, graph: object) -> None:
        raise RuntimeError("a rewrite that fails")

    whole = made(source)
    monkeypatch.setattr(tf2onnx.optimizer.transpose_optimizer.TransposeOptimizer, "_optimize", fail)
    assert len(made(source).graph.node) != len(whole.graph.node)


def test_tf2onnx_is_left_as_it_was() -> None:
    from tf2onnx.graph import Node

    write, before = Node.update_proto, dict(os.environ)
    with onnx_memory.thrift():
        assert Node.update_proto is not write
    assert (Node.update_proto, dict(os.environ)) == (write, before)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read the most that a process held")
def test_memory_is_a_few_copies_of_the_weights(tmp_path: Path) -> None:
    with Worker(environment=ENVIRONMENT) as worker:
        found = worker.call("memory_children:float_model", folder=str(tmp_path), units=2048)
    assert found["peak"] < COPIES * found["weights"]
