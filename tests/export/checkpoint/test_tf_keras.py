"""Files that tf.keras writes, against tf.keras itself: every layer that both have, in every kind of file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf
import tf_keras as k

from edgeproof.errors import Refused

L = k.layers
IMAGE, SEQUENCE, VECTOR = (8, 8, 4), (7, 4), (6,)

# name -> input shape, layers. One name a behaviour; the comment says what differs from Keras 3 where it is no secret.
CASES: dict[str, tuple[tuple[int, ...], Callable[[], list[Any]]]] = {
    "conv2d": (IMAGE, lambda: [L.Conv2D(4, 3, strides=2, padding="same", activation="relu")]),
    "conv2d groups": (IMAGE, lambda: [L.Conv2D(4, 3, groups=2, dilation_rate=2)]),
    "depthwise": (IMAGE, lambda: [L.DepthwiseConv2D(3, depth_multiplier=2)]),  # groups
    "separable": (IMAGE, lambda: [L.SeparableConv2D(5, 3, depth_multiplier=2)]),  # groups, kernel_initializer
    "separable 1d": (SEQUENCE, lambda: [L.SeparableConv1D(5, 3)]),
    "transposed": (IMAGE, lambda: [L.Conv2DTranspose(3, 3, strides=2, padding="same")]),  # groups
    "transposed 1d": (SEQUENCE, lambda: [L.Conv1DTranspose(3, 3, strides=2)]),
    "conv1d causal": (SEQUENCE, lambda: [L.Conv1D(4, 3, padding="causal", dilation_rate=2)]),
    "conv3d": ((4, 5, 5, 2), lambda: [L.Conv3D(3, 2), L.MaxPooling3D(2)]),
    "depthwise 1d": (SEQUENCE, lambda: [L.DepthwiseConv1D(3)]),
    "batch normalization": (IMAGE, lambda: [L.BatchNormalization(), L.BatchNormalization(axis=2, scale=False)]),
    "frozen batch normalization": (IMAGE, lambda: [L.Conv2D(3, 1), L.BatchNormalization(trainable=False)]),
    "layer normalization": (SEQUENCE, lambda: [L.LayerNormalization(), L.UnitNormalization(), L.GroupNormalization(2)]),
    "pooling": (IMAGE, lambda: [L.MaxPooling2D(2, padding="same"), L.AveragePooling2D(2, 1, padding="same")]),
    "global pooling": (IMAGE, lambda: [L.GlobalAveragePooling2D(keepdims=True), L.GlobalMaxPooling2D()]),
    "pooling 1d": (SEQUENCE, lambda: [L.MaxPooling1D(2), L.AveragePooling1D(2, 1), L.GlobalAveragePooling1D()]),
    "padding": (IMAGE, lambda: [L.ZeroPadding2D(((1, 0), (2, 1))), L.Cropping2D(1), L.UpSampling2D(2)]),
    "bilinear": (IMAGE, lambda: [L.UpSampling2D((2, 3), interpolation="bilinear")]),
    "padding 1d": (SEQUENCE, lambda: [L.ZeroPadding1D(2), L.Cropping1D(1), L.UpSampling1D(2)]),
    "reshaping": (IMAGE, lambda: [L.Permute((3, 1, 2)), L.Reshape((-1, 8)), L.Flatten(), L.RepeatVector(2)]),
    "leaky relu": (VECTOR, lambda: [L.LeakyReLU(alpha=0.2)]),  # negative_slope
    "elu": (VECTOR, lambda: [L.ELU(alpha=0.7)]),
    "prelu": (IMAGE, lambda: [L.PReLU(shared_axes=[1, 2])]),
    "relu limits": (VECTOR, lambda: [L.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2)]),
    "thresholded relu": (VECTOR, lambda: [L.ThresholdedReLU(theta=0.7)]),  # gone
    "softmax axis": (SEQUENCE, lambda: [L.Softmax(axis=1)]),
    "hard sigmoid": (VECTOR, lambda: [L.Dense(5), L.Activation("hard_sigmoid")]),  # another slope
    "hard sigmoid dense": (VECTOR, lambda: [L.Dense(5, activation="hard_sigmoid")]),
    "gelu": (VECTOR, lambda: [L.Dense(5, activation="gelu"), L.Activation("swish"), L.Dense(3, activation="selu")]),
    "softplus": (VECTOR, lambda: [L.Dense(5, activation="softplus"), L.Dense(3, activation="softsign")]),
    "exponential": (VECTOR, lambda: [L.Dense(5, activation="exponential"), L.Dense(4, activation="elu")]),
    "activation layer as activation": (VECTOR, lambda: [L.Dense(5, activation=L.LeakyReLU(alpha=0.3))]),
    "dropout": (VECTOR, lambda: [L.Dropout(0.5), L.GaussianNoise(1.0), L.GaussianDropout(0.3), L.AlphaDropout(0.2)]),
    "spatial dropout": (IMAGE, lambda: [L.SpatialDropout2D(0.5), L.ActivityRegularization(0.1)]),
    "embedding": (SEQUENCE[:1], lambda: [L.Embedding(9, 4, input_length=7), L.Conv1D(3, 2)]),  # input_length
    "masked embedding": (SEQUENCE[:1], lambda: [L.Embedding(9, 4, mask_zero=True), L.LSTM(3)]),
    "masking": (SEQUENCE, lambda: [L.Masking(0.0), L.GRU(3)]),
    "lstm": (SEQUENCE, lambda: [L.LSTM(5, return_sequences=True), L.LSTM(3, go_backwards=True)]),  # time_major
    "lstm hard sigmoid": (SEQUENCE, lambda: [L.LSTM(5, recurrent_activation="hard_sigmoid")]),
    "gru": (SEQUENCE, lambda: [L.GRU(5, return_sequences=True), L.GRU(3, reset_after=False)]),
    "gru hard sigmoid": (SEQUENCE, lambda: [L.GRU(5, reset_after=False, recurrent_activation="hard_sigmoid")]),
    "simple rnn": (SEQUENCE, lambda: [L.SimpleRNN(5, unroll=True, use_bias=False)]),
    "rnn of cells": (SEQUENCE, lambda: [L.RNN([L.LSTMCell(4), L.GRUCell(3)])]),
    "bidirectional": (SEQUENCE, lambda: [L.Bidirectional(L.LSTM(4, return_sequences=True)), L.Bidirectional(L.GRU(3))]),
    "bidirectional hard": (SEQUENCE, lambda: [L.Bidirectional(L.LSTM(4, recurrent_activation="hard_sigmoid"))]),
    "two directions": (
        SEQUENCE, lambda: [L.Bidirectional(L.LSTM(4), backward_layer=L.GRU(4, go_backwards=True), merge_mode="sum")],
    ),
    "time distributed": ((3, 8, 8, 2), lambda: [L.TimeDistributed(L.Conv2D(3, 3)), L.TimeDistributed(L.Flatten())]),
    "conv lstm": ((3, 6, 6, 2), lambda: [L.ConvLSTM2D(3, 3)]),  # hard_sigmoid by default
    "rescaling": (IMAGE, lambda: [L.Rescaling(2.0, 0.5), L.Resizing(5, 5), L.CenterCrop(4, 4)]),
    "random layers rest": (IMAGE, lambda: [L.RandomFlip(), L.RandomRotation(0.1), L.Conv2D(2, 1)]),
    "normalization": (VECTOR, lambda: [L.Normalization(mean=[1.0] * 6, variance=[2.0] * 6)]),
    "regularized": (VECTOR, lambda: [L.Dense(3, kernel_regularizer="l2", kernel_constraint="max_norm")]),
    "dense on sequences": (SEQUENCE, lambda: [L.Dense(3), L.Dense(2, activation="softmax")]),
    "nested": (
        VECTOR, lambda: [k.Sequential([L.Dense(6), k.Sequential([L.Dense(5), L.BatchNormalization()])]), L.Dense(2)],
    ),
}  # fmt: skip


def model_of(name: str, randomize: Callable[..., Any]) -> Any:
    k.backend.clear_session()
    shape, layers = CASES[name]
    model = k.Sequential([k.Input(shape), *layers()], name=name.replace(" ", "_"))
    return randomize(model)


@pytest.mark.parametrize("name", CASES)
def test_a_layer_gives_its_makers_numbers(name: str, tmp_path: Path, opened: Any, agree: Any, randomize: Any) -> None:
    model = model_of(name, randomize)
    model.save(tmp_path / "theirs.h5")
    agree(model, opened(tmp_path / "theirs.h5").model)


@pytest.mark.all
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["keras", "h5 weights", "weights.h5"])
def test_a_layer_gives_its_makers_numbers_from_every_kind_of_file(
    name: str, kind: str, tmp_path: Path, opened: Any, agree: Any, randomize: Any
) -> None:
    model = model_of(name, randomize)
    agree(model, kept(model, kind, tmp_path, opened).model)


def kept(model: Any, kind: str, folder: Path, opened: Any) -> Any:
    """`model` written as `kind` and opened again."""
    (folder / "m.json").write_text(model.to_json())
    if kind in ("h5", "keras"):
        model.save(folder / f"m.{kind}")
        return opened(folder / f"m.{kind}")
    path = folder / ("w.weights.h5" if kind == "weights.h5" else "w.h5")
    model.save_weights(path)
    return opened(path, architecture=folder / "m.json")


def graph(wrapped: bool = True) -> Any:
    """Shared layers (`wrapped`: in a wrapper too), models in models, several ends, states, tensors as keywords."""
    x, y = k.Input(SEQUENCE, name="x"), k.Input(SEQUENCE, name="y")
    attended = L.MultiHeadAttention(2, 3)(x, value=y)
    sequence, h, c = L.LSTM(5, return_state=True, return_sequences=True)(x)
    decoded = L.LSTM(5)(y, initial_state=[h, c])
    inner = k.Sequential([k.Input((4,)), L.Dense(3), L.BatchNormalization()], name="inner")
    late = k.Sequential([L.Dense(2)], name="late")
    v = L.Dense(4, name="block/dense")(decoded)
    first = k.Input((4,))
    branch = k.Model(first, [L.Dense(2, name="left")(first), L.Dense(3, name="right")(first)], name="branch")
    left, right = branch(L.Activation("relu")(v))
    twice = inner(L.Add()([v, v]))
    scaled = L.Attention(use_scale=True)([attended, x])
    ends = [
        L.TimeDistributed(inner if wrapped else L.Dense(3))(attended),
        late(inner(v)),
        L.Concatenate()([left, right, twice]),
        scaled,
        sequence,
    ]
    return k.Model([x, y], [*ends, L.Dot(axes=1, normalize=True)([v, v]), left, L.Maximum()([v, v * 2])], name="graph")


@pytest.mark.parametrize("kind", ["h5", "keras", "h5 weights", "weights.h5"])
def test_a_graph_gives_its_makers_numbers(kind: str, tmp_path: Path, opened: Any, agree: Any, randomize: Any) -> None:
    # An architecture of its own does not say that a layer in a wrapper is shared, and this kind of file holds it once.
    model = randomize(graph(wrapped=kind != "weights.h5"))
    loaded = kept(model, kind, tmp_path, opened)
    agree(model, loaded.model)
    assert any('"block/dense" is called "block_dense"' in change for change in loaded.changes)


def test_the_first_call_of_an_inner_model_is_told_from_the_second(
    tmp_path: Path, opened: Any, agree: Any, randomize: Any
) -> None:
    """The calls of models are counted in three ways: from 1 by tf.keras, and from 0 and from 1 by Keras 3."""
    first, x = k.Input((4,)), k.Input((4,), name="x")
    inner = k.Model(first, L.Dense(4, activation="tanh")(first), name="inner")
    once = inner(x)
    twice = inner(once)
    model = randomize(k.Model(x, [once, L.Dense(2)(once), twice, L.Dense(2)(twice)]))
    model.save(tmp_path / "m.h5")
    agree(model, opened(tmp_path / "m.h5").model)


@pytest.mark.parametrize("kind", ["h5", "keras", "h5 weights", "weights.h5"])
def test_an_adapted_normalization_computes_with_what_it_learned(
    kind: str, tmp_path: Path, opened: Any, agree: Any
) -> None:
    """Its mean and variance follow from its weights: whoever assigns those alone gets a layer that does nothing."""
    k.backend.clear_session()
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).normal(3, 5, (64, 4)))
    model = k.Sequential([k.Input((4,)), layer, L.Dense(2)])
    agree(model, kept(model, kind, tmp_path, opened).model)


def test_initializers_of_tensorflow_1_said_their_dtype(tmp_path: Path, opened: Any, agree: Any, randomize: Any) -> None:
    k.backend.clear_session()
    model = randomize(k.Sequential([k.Input((4,)), L.Dense(3), L.BatchNormalization()]))
    model.save(tmp_path / "m.h5")

    def older(config: dict[str, Any]) -> None:
        for layer in config["config"]["layers"]:
            for name, value in layer["config"].items():
                if name.endswith("_initializer"):
                    value["config"]["dtype"] = "float32"
            if layer["class_name"] == "BatchNormalization":
                layer.update(class_name="BatchNormalizationV1", config={**layer["config"], "axis": [1], "fused": None})
            if layer["class_name"] == "Dense":
                layer["config"]["dtype"] = {"class_name": "PolicyV1", "config": {"name": "infer", "loss_scale": None}}

    agree(model, opened(rewritten(tmp_path / "m.h5", older, "2.2.4-tf")).model)


def test_a_shared_layer_that_the_file_does_not_hold_twice_is_refused_by_its_name(tmp_path: Path, opened: Any) -> None:
    with pytest.raises(Refused, match=r"weights without inner/"):
        kept(graph(), "weights.h5", tmp_path, opened)


def test_a_frozen_inner_model_keeps_every_weight_in_its_place(
    tmp_path: Path, opened: Any, agree: Any, randomize: Any
) -> None:
    """HDF5 stores what is trained before what is not, whatever layer it belongs to."""
    inner = k.Sequential([k.Input((4,)), L.Dense(4), L.BatchNormalization(), L.Dense(4), L.BatchNormalization()])
    inner.layers[1].trainable = False
    x = k.Input((4,))
    model = randomize(k.Model(x, L.Dense(2)(inner(x))))
    model.save(tmp_path / "m.h5")
    agree(model, opened(tmp_path / "m.h5").model)
    inner.trainable = False
    model.save(tmp_path / "n.h5")
    agree(model, opened(tmp_path / "n.h5").model)


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "operators": lambda x, y: (1 - x) * 2 + y / 3 - x**2,
    "comparison": lambda x, y: tf.where(x > y, x, -y) + tf.cast(tf.math.less_equal(x, 0.5), "float32"),
    "slices": lambda x, y: tf.concat([x[:, 1:, ::2], y[:, :-1, 1:3]], axis=-1) + x[:, 2, None, :1],
    "shapes": lambda x, y: tf.reshape(x, [tf.shape(x)[0], -1, 2]) + 1.0,
    "reshaping": lambda x, y: tf.expand_dims(tf.transpose(tf.squeeze(x[:, :1], 1)[:, None], [0, 2, 1]), -1),
    "reductions": lambda x, y: tf.reduce_mean(x, [1], keepdims=True) + tf.reduce_max(y, -1, True),
    "splits": lambda x, y: tf.stack([tf.split(x, 2, axis=2)[1], tf.split(y, 2, axis=2)[0]], axis=1),
    "unstack": lambda x, y: tf.unstack(x, axis=1)[3] * tf.unstack(y, axis=1)[0],
    "matmul": lambda x, y: tf.matmul(tf.linalg.matmul(x, y, transpose_b=True), y),
    "activations": lambda x, y: tf.nn.relu6(3 * x) + tf.nn.gelu(y) + tf.nn.swish(x) + tf.nn.leaky_relu(y, 0.3),
    "more activations": lambda x, y: tf.nn.softmax(x, axis=1) + tf.nn.elu(y) + tf.sigmoid(x) + tf.nn.tanh(y),
    "unary": lambda x, y: tf.exp(x) + tf.math.rsqrt(tf.abs(y) + 1) + tf.sqrt(tf.square(x)) + tf.math.log(tf.abs(y) + 1),
    "rounding": lambda x, y: tf.floor(x) + tf.round(y) + tf.math.sign(x) + tf.maximum(x, y) + tf.minimum(x, 0.1),
    "clip": lambda x, y: tf.clip_by_value(x, -0.5, 0.7) + tf.math.squared_difference(x, y),
    "pad and tile": lambda x, y: tf.tile(tf.pad(x, [[0, 0], [1, 2], [0, 0]], constant_values=1), [1, 2, 1]),
    "reflect": lambda x, y: tf.pad(x, [[0, 0], [1, 1], [0, 0]], "REFLECT") + tf.constant([1.0, 2.0, 3.0, 4.0]),
    "gather": lambda x, y: tf.gather(x, [2, 0], axis=1) + tf.repeat(y, 1, axis=1)[:, :2],
    "norms": lambda x, y: tf.nn.l2_normalize(x, axis=-1) + tf.cumsum(y, axis=1) + tf.one_hot(tf.argmax(x, -1), 4),
    "likes": lambda x, y: tf.ones_like(x) * 2 + tf.zeros_like(y) + tf.reverse(x, [1]),
    "images": lambda x, y: tf.image.resize(x[..., None], (5, 9)) + 0.5,
    "nearest": lambda x, y: tf.image.resize(x[..., None], (14, 8), method="nearest"),
    "pools": lambda x, y: tf.nn.avg_pool(x[..., None], 2, 2, "SAME") + tf.nn.max_pool(y[..., None], 2, 2, "SAME"),
    "bias": lambda x, y: tf.nn.bias_add(x, tf.constant([1.0, 2.0, 3.0, 4.0])),
    "depth": lambda x, y: tf.nn.depth_to_space(tf.reshape(x, [-1, 1, 7, 4]), 2),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gives_its_makers_numbers(name: str, tmp_path: Path, opened: Any, agree: Any) -> None:
    k.backend.clear_session()
    x, y = k.Input(SEQUENCE, name="x"), k.Input(SEQUENCE, name="y")
    model = k.Model([x, y], [FUNCTIONS[name](x, y), L.Dense(2)(y)])
    model.save(tmp_path / "m.h5")
    loaded = opened(tmp_path / "m.h5")
    agree(model, loaded.model)
    assert any("as a layer of its own" in change for change in loaded.changes)


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda x: tf.einsum("bij,bkj->bik", x, x), "einsum's tensors"),
        (lambda x: tf.math.bessel_i0(x), "math.bessel_i0"),
        (lambda x: tf.signal.fft(tf.cast(x, tf.complex64)), "signal.fft"),
    ],
)
def test_a_function_that_is_not_on_the_list_is_refused_by_its_name(
    build: Any, named: str, tmp_path: Path, opened: Any
) -> None:
    k.backend.clear_session()
    x = k.Input(SEQUENCE, name="x")
    k.Model(x, build(x)).save(tmp_path / "m.h5")
    with pytest.raises(Refused) as refused:
        opened(tmp_path / "m.h5")
    assert named in str(refused.value)
    assert "--builder" in refused.value.fix


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("functional", [False, True])
def test_time_major_layers_are_computed_batch_major(
    kind: str, sequences: bool, functional: bool, tmp_path: Path, opened: Any, agree: Any, randomize: Any
) -> None:
    k.backend.clear_session()
    layer = getattr(L, kind)(5, time_major=True, return_sequences=sequences, name="r")
    x = k.Input(batch_shape=(7, 4, 3))
    model = k.Model(x, L.Dense(2)(layer(x))) if functional else k.Sequential([x, layer, L.Dense(2)])
    randomize(model).save(tmp_path / "m.h5")
    agree(model, opened(tmp_path / "m.h5").model)


def test_channels_first_is_computed_where_no_kernel_for_it_exists(tmp_path: Path, opened: Any, randomize: Any) -> None:
    """tf.keras can't run it on a processor either: the oracle is its network with channels last, same weights."""
    k.backend.clear_session()

    def network(order: str) -> Any:
        last = order == "channels_last"
        x = k.Input((9, 8, 3) if last else (3, 9, 8))
        z = L.Conv2D(4, 3, strides=2, padding="same", data_format=order, name="a")(x)
        z = L.BatchNormalization(axis=-1 if last else 1, name="b")(z)
        z = L.AveragePooling2D(2, data_format=order)(
            L.DepthwiseConv2D(3, padding="same", data_format=order, name="c")(z)
        )
        return k.Model(
            x, L.GlobalAveragePooling2D(data_format=order)(L.Conv2DTranspose(2, 2, data_format=order, name="d")(z))
        )

    first, last = network("channels_first"), randomize(network("channels_last"))
    for layer in ("a", "b", "c", "d"):
        first.get_layer(layer).set_weights(last.get_layer(layer).get_weights())
    first.save(tmp_path / "m.h5")
    images = np.random.default_rng(0).normal(size=(3, 9, 8, 3)).astype(np.float32)
    found = opened(tmp_path / "m.h5").model(images.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(found, last(images), atol=1e-5)


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any], version: str | None = None) -> Path:
    """The file with its architecture edited, and signed by another version ("" takes the signature away)."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(change(config) or config)
        if version is not None:
            for place in (file, file["model_weights"]):
                del place.attrs["keras_version"]
                if version:
                    place.attrs["keras_version"] = version
    return path


@pytest.mark.parametrize("version", ["2.0.8", "2.1.6", "2.2.4", ""])
def test_a_sequential_model_of_a_bare_list_is_that_model(
    version: str, tmp_path: Path, opened: Any, agree: Any, randomize: Any
) -> None:
    k.backend.clear_session()
    model = randomize(
        k.Sequential([L.Conv2D(3, 3, input_shape=IMAGE), L.Flatten(), L.Dense(4, activation="hard_sigmoid")])
    )
    model.save(tmp_path / "m.h5")

    def bare(config: dict[str, Any]) -> dict[str, Any]:
        layers = [layer for layer in config["config"]["layers"] if layer["class_name"] != "InputLayer"]
        for layer in layers:
            for key in ("module", "registered_name", "build_config"):
                layer.pop(key, None)
        return {"class_name": "Sequential", "config": layers}

    loaded = opened(rewritten(tmp_path / "m.h5", bare, version))
    agree(model, loaded.model)
    assert any("bare list" in change for change in loaded.changes)


def test_defaults_that_changed_mean_what_they_meant(tmp_path: Path, opened: Any, agree: Any, randomize: Any) -> None:
    k.backend.clear_session()
    x = k.Input(SEQUENCE)
    gru = L.GRU(3, reset_after=False, recurrent_activation="hard_sigmoid")(x)
    model = randomize(k.Model(x, [gru, L.LSTM(4, recurrent_activation="hard_sigmoid")(x)]))
    model.save(tmp_path / "m.h5")

    def shorten(config: dict[str, Any]) -> None:
        for layer in config["config"]["layers"]:
            for name in ("reset_after", "recurrent_activation", "time_major"):
                layer["config"].pop(name, None)

    loaded = opened(rewritten(tmp_path / "m.h5", shorten, "2.1.6"))
    agree(model, loaded.model)
    with pytest.raises(Refused, match="default differed between TensorFlow 1 and 2"):
        opened(rewritten(tmp_path / "m.h5", shorten, "2.2.4-tf"))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_weights_of_cudnn_layers_are_unpacked(
    kind: str, tmp_path: Path, opened: Any, agree: Any, randomize: Any
) -> None:
    k.backend.clear_session()
    x = k.Input(SEQUENCE)
    layer = getattr(L, kind)(5, name="r")
    model = randomize(k.Model(x, layer(x)))
    model.save(tmp_path / "m.h5")
    gates, units = (4 if kind == "LSTM" else 3), 5
    kernel, recurrent, bias = layer.get_weights()
    if kind == "LSTM":
        bias = np.tile(0.5 * bias, 2)
    packed = [
        np.hstack([part.T.reshape(part.shape, order="C") for part in np.hsplit(kernel, gates)]),
        np.hstack([part.T for part in np.hsplit(recurrent, gates)]),
        bias.reshape(2 * gates * units),
    ]

    def cudnn(config: dict[str, Any]) -> None:
        for entry in config["config"]["layers"]:
            if entry["class_name"] == kind:
                entry["class_name"] = f"CuDNN{kind}"
                entry["config"] = {"name": "r", "units": units, "trainable": True}

    path = rewritten(tmp_path / "m.h5", cudnn, "2.2.4")
    with h5py.File(path, "r+") as file:
        group = file["model_weights/r"]
        for name, values in zip(group.attrs["weight_names"], packed, strict=True):
            del group[name]
            group[name] = values
    agree(model, opened(path).model)


@pytest.mark.all
@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("MobileNet", 64), ("MobileNetV2", 64), ("MobileNetV3Small", 64), ("EfficientNetB0", 64),
        ("EfficientNetV2B0", 64), ("ConvNeXtTiny", 64), ("RegNetX002", 64), ("ResNet50V2", 64),
        ("ResNetRS50", 64), ("DenseNet121", 64),
        ("NASNetMobile", 64), ("InceptionV3", 96), ("Xception", 96),
    ],
)  # fmt: skip
def test_an_architecture_of_tf_keras_gives_its_makers_numbers(
    name: str, side: int, tmp_path: Path, opened: Any
) -> None:
    k.backend.clear_session()
    model = getattr(k.applications, name)(weights=None, input_shape=(side, side, 3), classes=10)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if "variance" in variable.name:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif len(variable.shape) == 1 and "float" in variable.dtype.name:
            variable.assign(variable + rng.normal(size=variable.shape).astype(np.float32) * 0.05)
    model.save(tmp_path / "m.h5")
    kinds = {type(layer).__name__: type(layer) for layer in model.layers}  # tf.keras does not know its own LayerScale
    theirs = k.models.load_model(tmp_path / "m.h5", custom_objects=kinds, compile=False)
    images = rng.uniform(0, 255, (2, side, side, 3)).astype(np.float32)
    wanted = theirs(images, training=False).numpy()
    found = np.asarray(opened(tmp_path / "m.h5").model(images, training=False))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("checkpoint", ["ad01", "pretrainedResnet", "str_ww_ref_model", "vww_96"])
def test_mlperf_checkpoints_give_the_numbers_of_tf_keras(
    checkpoint: str, shared: Path, opened: Any, agree: Any
) -> None:
    path = shared / "checkpoints" / "mlperf-tiny" / f"{checkpoint}.h5"
    agree(k.models.load_model(path, compile=False), opened(path).model)


def test_kernels_that_theano_turned_are_turned_back(tmp_path: Path, opened: Any, agree: Any, randomize: Any) -> None:
    """As Keras 2 did when it read a file of Theano's on TensorFlow: convolutions, transposed and recurrent ones too."""
    k.backend.clear_session()
    layers = [L.Conv2D(3, 3, name="a"), L.Conv2DTranspose(2, (2, 3), name="b"), L.SeparableConv2D(2, 3, name="c")]
    model = randomize(k.Sequential([k.Input(IMAGE), *layers]))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        for place in (file, file["model_weights"]):
            place.attrs["backend"] = "theano"
        for name in "ab":
            kernel = file[f"model_weights/{name}/{name}/kernel:0"]
            kernel[...] = kernel[()][::-1, ::-1]
    agree(model, opened(rewritten(tmp_path / "m.h5", lambda config: None, "2.1.6")).model)


def test_mixed_precision_keeps_its_policy(tmp_path: Path, opened: Any, randomize: Any) -> None:
    k.backend.clear_session()
    model = k.Sequential([k.Input((4,)), L.Dense(5, dtype=k.mixed_precision.Policy("mixed_float16"))])
    randomize(model).save(tmp_path / "m.h5")
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    found = np.asarray(opened(tmp_path / "m.h5").model(x))
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, model(x), rtol=2**-9)


def test_weights_under_the_paths_of_tf_keras_2_12(tmp_path: Path, opened: Any, agree: Any, randomize: Any) -> None:
    k.backend.clear_session()
    model = randomize(k.Sequential([k.Input((4,)), L.Dense(3), k.Sequential([L.Dense(3)]), L.Dense(2)]))
    (tmp_path / "m.json").write_text(model.to_json())
    path = tmp_path / "w.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file.move("layers/sequential/layers", "layers/sequential/_layer_checkpoint_dependencies")
        file.move("layers", "_layer_checkpoint_dependencies")
    agree(model, opened(path, architecture=tmp_path / "m.json").model)


@pytest.mark.parametrize("version", ["2.2.2", "2.2.4-tf", ""])
def test_bilinear_upsampling_of_tensorflow_1_is_refused(version: str, tmp_path: Path, opened: Any) -> None:
    k.backend.clear_session()
    k.Sequential([k.Input(IMAGE), L.UpSampling2D(2, interpolation="bilinear")]).save(tmp_path / "m.h5")
    with pytest.raises(Refused, match="which corners it aligned"):
        opened(rewritten(tmp_path / "m.h5", lambda config: None, version))


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("DepthwiseConv2D", {"groups": 2}), ("Conv2DTranspose", {"groups": 4}), ("LSTM", {"return_runtime": True}),
        ("BatchNormalization", {"renorm": True}), ("BatchNormalization", {"axis": [1, 2]}),
        ("InputLayer", {"ragged": True}), ("Attention", {"causal": True}),
        ("LSTM", {"time_major": True, "return_state": True}),
    ],
)  # fmt: skip
def test_an_argument_that_meant_something_is_refused(kind: str, changed: dict[str, Any]) -> None:
    from export.checkpoint.dialects import Writer, translate

    layers = [{"class_name": kind, "config": {"name": "odd", "recurrent_activation": "tanh", **changed}}]
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}
    with pytest.raises(Refused, match='"odd"') as refused:
        translate(config, Writer("2.4.0", "tensorflow"), "x")
    assert all(name in str(refused.value) for name in changed)


def test_a_translation_leaves_what_it_was_given() -> None:
    import copy

    from export.checkpoint.dialects import Writer, translate

    layers = [{"class_name": "LSTM", "config": {"name": "a", "units": 3, "time_major": False}}]
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}
    before = copy.deepcopy(config)
    translated = translate(config, Writer("2.4.0"), "x")
    assert config == before
    assert "time_major" not in translated.architecture["config"]["layers"][0]["config"]


def test_every_function_on_the_list_is_tensorflows() -> None:
    from models.layers.tensor_function import FUNCTIONS, _resolve

    assert len(FUNCTIONS) > 100
    assert all(callable(_resolve(name)) for name in FUNCTIONS)
    assert not {name for name in FUNCTIONS if name.startswith(("io.", "py_", "raw_ops", "numpy_function"))}
