"""Files of Keras 1, which nothing here can write or run: written by hand, against its layers in numpy."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeproof.errors import Refused

_spec = importlib.util.spec_from_file_location("keras1", Path(__file__).with_name("keras1.py"))
assert _spec
assert _spec.loader
k1 = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(k1)
layer = k1.layer

RNG = np.random.default_rng(7)


def draw(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) * 0.5).astype(np.float32)


def close(model: Any, x: Any, wanted: np.ndarray) -> None:
    found = np.asarray(model(x, training=False))
    assert found.shape == wanted.shape
    assert np.abs(wanted).max() > 1e-2
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * max(1.0, np.abs(wanted).max()))


def conv(name: str, filters: int, **config: Any) -> dict[str, Any]:
    return layer(
        "Convolution2D", name,
        **{"nb_filter": filters, "nb_row": 3, "nb_col": 2, "init": "glorot_uniform", "activation": "linear",
           "border_mode": "valid", "subsample": [1, 1], "dim_ordering": "th", "bias": True, "W_constraint": None,
           "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.001}, "b_regularizer": None,
           "activity_regularizer": None, "b_constraint": None, **config},
    )  # fmt: skip


def dense(name: str, units: int, **config: Any) -> dict[str, Any]:
    return layer(
        "Dense", name,
        **{"output_dim": units, "init": "glorot_uniform", "activation": "linear", "W_regularizer": None, "bias": True,
           "b_regularizer": None, "activity_regularizer": None, "W_constraint": None, "b_constraint": None,
           "input_dim": None, **config},
    )  # fmt: skip


# Convolution with as many channels in as out and a square kernel: only the layout's own rules tell the axes apart.
@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
@pytest.mark.parametrize("said", ["in the file", "by the user"])
def test_a_network_of_theano_ordering(backend: str, said: str, tmp_path: Path, opened: Any) -> None:
    kernel, bias = draw(3, 3, 3, 3), draw(3)
    gamma, beta, mean, variance = draw(3), draw(3), draw(3), np.abs(draw(3)) + 0.5
    w, b = draw(3 * 3 * 3, 4), draw(4)
    config = {"class_name": "Sequential", "config": [
        conv("convolution2d_1", 3, nb_col=3, activation="relu", batch_input_shape=[None, 3, 9, 8],
             input_dtype="float32"),
        layer("BatchNormalization", "batchnormalization_1", epsilon=0.002, mode=0, axis=1, momentum=0.99,
              gamma_regularizer=None, beta_regularizer=None),
        layer("MaxPooling2D", "maxpooling2d_1", pool_size=[2, 2], strides=[2, 2], border_mode="valid",
              dim_ordering="th"),
        layer("Dropout", "dropout_1", p=0.5),
        layer("Flatten", "flatten_1"),
        dense("dense_1", 4, activation="hard_sigmoid"),
    ]}  # fmt: skip
    arrays = {
        "convolution2d_1": [("convolution2d_1_W", kernel), ("convolution2d_1_b", bias)],
        "batchnormalization_1": [
            ("batchnormalization_1_gamma", gamma), ("batchnormalization_1_beta", beta),
            ("batchnormalization_1_running_mean", mean), ("batchnormalization_1_running_std", variance),
        ],
        "maxpooling2d_1": [], "dropout_1": [], "flatten_1": [],
        "dense_1": [("dense_1_W", w), ("dense_1_b", b)],
    }  # fmt: skip
    path = k1.write(tmp_path / "m.h5", config, arrays, backend=backend if said == "in the file" else "")
    x = draw(2, 3, 9, 8)
    z = np.maximum(k1.convolve(x, kernel, turned=backend == "theano") + bias[:, None, None], 0)
    shape = (1, 3, 1, 1)
    z = (z - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 0.002) * gamma.reshape(shape) + beta.reshape(
        shape
    )
    wanted = k1.hard_sigmoid(k1.pool(z, 2).reshape(2, -1) @ w + b)
    loaded = opened(path, backend="" if said == "in the file" else backend)
    close(loaded.model, x, wanted)
    assert any(change.startswith('Convolution2D "convolution2d_1" -> Conv2D (') for change in loaded.changes)
    if said == "by the user":
        with pytest.raises(Refused, match="which backend trained it") as refused:
            opened(path)
        assert "--backend theano" in refused.value.fix


def test_a_kernel_that_no_turn_changes_needs_no_backend(tmp_path: Path, opened: Any) -> None:
    kernel, bias = draw(4, 3, 1, 1), draw(4)
    first = conv("c", 4, nb_row=1, nb_col=1, batch_input_shape=[None, 3, 5, 5])
    path = k1.write(
        tmp_path / "m.h5", {"class_name": "Sequential", "config": [first]}, {"c": [("c_W", kernel), ("c_b", bias)]}
    )
    x = draw(2, 3, 5, 5)
    close(opened(path).model, x, k1.convolve(x, kernel) + bias[:, None, None])


def test_a_dilated_and_strided_convolution_of_tensorflow_ordering(tmp_path: Path, opened: Any) -> None:
    a, b = draw(3, 2, 3, 4), draw(3, 2, 4, 2)
    config = {"class_name": "Sequential", "config": [
        {**conv("a", 4, dim_ordering="tf", atrous_rate=[2, 2], batch_input_shape=[None, 11, 9, 3]),
         "class_name": "AtrousConvolution2D"},
        conv("b", 2, dim_ordering="tf", subsample=[2, 2], bias=False),
    ]}  # fmt: skip
    bias = draw(4)
    arrays = {"a": [("a_W", a), ("a_b", bias)], "b": [("b_W", b)]}
    path = k1.write(tmp_path / "m.h5", config, arrays, backend="tensorflow")
    x = draw(2, 11, 9, 3)
    z = k1.convolve(x.transpose(0, 3, 1, 2), a.transpose(3, 2, 0, 1), dilation=2) + bias[:, None, None]
    close(opened(path).model, x, k1.convolve(z, b.transpose(3, 2, 0, 1), stride=2).transpose(0, 2, 3, 1))


@pytest.mark.parametrize("age", ["1.2", "1.1"])
def test_convolutions_over_time(age: str, tmp_path: Path, opened: Any) -> None:
    kernel, bias = draw(3, 1, 4, 5), draw(5)  # (length, 1, channels, filters)
    stored = kernel if age == "1.2" else kernel.transpose(3, 2, 0, 1)  # (filters, channels, length, 1)
    config = {"class_name": "Sequential", "config": [
        layer("Convolution1D", "c", nb_filter=5, filter_length=3, border_mode="valid", subsample_length=2,
              init="uniform", activation="tanh", bias=True, input_dim=4, input_length=9,
              batch_input_shape=[None, 9, 4]),
        layer("MaxPooling1D", "p", pool_length=2, stride=2, border_mode="valid"),
        layer("TimeDistributed", "t", layer=dense("inner", 3)),
    ]}  # fmt: skip
    w, b = draw(5, 3), draw(3)
    arrays = {"c": [("c_W", stored), ("c_b", bias)], "p": [], "t": [("inner_W", w), ("inner_b", b)]}
    path = k1.write(tmp_path / "m.h5", config, arrays, backend="tensorflow")
    x = draw(2, 9, 4)
    z = np.tanh(np.stack([np.einsum("nlc,lcf->nf", x[:, t : t + 3], kernel[:, 0]) for t in (0, 2, 4, 6)], 1) + bias)
    close(opened(path).model, x, z.reshape(2, 2, 2, 5).max(2) @ w + b)


@pytest.mark.parametrize("ordering", ["tf", "th"])
def test_deconvolution(ordering: str, tmp_path: Path, opened: Any) -> None:
    kernel, bias = draw(3, 3, 2, 4), draw(4)  # (rows, cols, channels in, filters), as Keras 1 on TensorFlow kept it
    first = ordering == "th"
    stored = kernel.transpose(3, 2, 0, 1) if first else kernel
    shape = [None, 2, 5, 4] if first else [None, 5, 4, 2]
    config = conv("d", 4, nb_col=3, dim_ordering=ordering, subsample=[2, 2], batch_input_shape=shape,
                  output_shape=[None, 4, 11, 9] if first else [None, 11, 9, 4])  # fmt: skip
    path = k1.write(
        tmp_path / "m.h5",
        {"class_name": "Sequential", "config": [{**config, "class_name": "Deconvolution2D"}]},
        {"d": [("d_W", stored), ("d_b", bias)]}, backend="tensorflow",
    )  # fmt: skip
    x = draw(2, 5, 4, 2)
    wanted = k1.spread(x, kernel, 2) + bias
    turn = (0, 3, 1, 2) if first else (0, 1, 2, 3)
    close(opened(path).model, x.transpose(turn), wanted.transpose(turn))


def recurrent(kind: str, units: int, **config: Any) -> dict[str, Any]:
    return layer(
        kind, kind.lower(),
        **{"output_dim": units, "init": "glorot_uniform", "inner_init": "orthogonal", "activation": "tanh",
           "W_regularizer": None, "U_regularizer": None, "b_regularizer": None, "dropout_W": 0.0, "dropout_U": 0.0,
           "return_sequences": False, "go_backwards": False, "stateful": False, "unroll": False, "input_dim": 3,
           "input_length": None, "consume_less": "cpu", **config},
    )  # fmt: skip


@pytest.mark.parametrize("inner", ["hard_sigmoid", "sigmoid", None])
def test_lstm_of_twelve_arrays(inner: str | None, tmp_path: Path, opened: Any) -> None:
    gates = {g: (draw(3, 5), draw(5, 5), draw(5)) for g in "icfo"}
    arrays = [(f"lstm_{kind}_{g}", a) for g in "icfo" for kind, a in zip("WUb", gates[g], strict=True)]
    config = recurrent("LSTM", 5, forget_bias_init="one", return_sequences=True, batch_input_shape=[None, None, 3])
    if inner:
        config["config"]["inner_activation"] = inner  # left out, it meant hard_sigmoid
    path = k1.write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [config]}, {"lstm": arrays})
    x = draw(2, 6, 3)
    close(opened(path).model, x, k1.lstm(x, gates, k1.sigmoid if inner == "sigmoid" else k1.hard_sigmoid))


def test_lstm_kept_in_one_piece_for_the_gpu(tmp_path: Path, opened: Any) -> None:
    gates = {g: (draw(3, 5), draw(5, 5), draw(5)) for g in "ifco"}
    fused = [(f"lstm_{kind}", np.concatenate([gates[g][i] for g in "ifco"], -1)) for i, kind in enumerate("WUb")]
    config = recurrent("LSTM", 5, consume_less="gpu", inner_activation="hard_sigmoid", return_sequences=True,
                       batch_input_shape=[None, 6, 3])  # fmt: skip
    path = k1.write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [config]}, {"lstm": fused})
    x = draw(2, 6, 3)
    close(opened(path).model, x, k1.lstm(x, gates, k1.hard_sigmoid))


def test_gru_of_nine_arrays(tmp_path: Path, opened: Any) -> None:
    gates = {g: (draw(3, 5), draw(5, 5), draw(5)) for g in "zrh"}
    arrays = [(f"gru_{kind}_{g}", a) for g in "zrh" for kind, a in zip("WUb", gates[g], strict=True)]
    config = recurrent("GRU", 5, inner_activation="hard_sigmoid", batch_input_shape=[None, 6, 3])
    path = k1.write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [config]}, {"gru": arrays})
    x = draw(2, 6, 3)
    loaded = opened(path)
    close(loaded.model, x, k1.gru(x, gates, k1.hard_sigmoid))
    assert any("reset_after=False" in change for change in loaded.changes)


def test_embedding_and_both_directions(tmp_path: Path, opened: Any) -> None:
    table = draw(9, 3)
    sides = [{g: (draw(3, 4), draw(4, 4), draw(4)) for g in "icfo"} for _ in range(2)]
    inner = recurrent("LSTM", 4, inner_activation="hard_sigmoid")
    config = {"class_name": "Sequential", "config": [
        layer("Embedding", "e", input_dim=9, output_dim=3, init="uniform", input_length=6, mask_zero=False, dropout=0.2,
              activity_regularizer=None, W_regularizer=None, W_constraint=None, batch_input_shape=[None, 6],
              input_dtype="int32"),
        layer("Bidirectional", "b", merge_mode="concat", layer=inner),
    ]}  # fmt: skip
    arrays = [(f"{s}_{kind}_{g}", a) for s, gates in zip("fb", sides, strict=True) for g in "icfo"
              for kind, a in zip("WUb", gates[g], strict=True)]  # fmt: skip
    path = k1.write(tmp_path / "m.h5", config, {"e": [("e_W", table)], "b": arrays})
    x = RNG.integers(0, 9, (2, 6))
    forward = k1.lstm(table[x], sides[0], k1.hard_sigmoid)[:, -1]
    backward = k1.lstm(table[x][:, ::-1], sides[1], k1.hard_sigmoid)[:, -1]
    close(opened(path).model, x, np.concatenate([forward, backward], 1))


@pytest.mark.parametrize(
    ("mode", "act"),
    [
        ("sum", lambda a, b: a + b), ("mul", lambda a, b: a * b), ("ave", lambda a, b: (a + b) / 2),
        ("max", np.maximum), ("concat", lambda a, b: np.concatenate([a, b], 1)),
        ("dot", lambda a, b: (a * b).sum(1, keepdims=True)),
    ],
)  # fmt: skip
def test_branches_that_merge(mode: str, act: Any, tmp_path: Path, opened: Any) -> None:
    left, right, bias = draw(3, 4), draw(3, 4), draw(4)
    merge = layer("Merge", "m", mode=mode, mode_type="raw", concat_axis=-1, dot_axes=1, output_shape=None)
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["m", 0, 0]]}
    config = {"class_name": "Model", "config": {"name": "model_1", "layers": [
        {**layer("InputLayer", "x", batch_input_shape=[None, 3], input_dtype="float32", sparse=False),
         "name": "x", "inbound_nodes": []},
        {**dense("l", 4), "name": "l", "inbound_nodes": [[["x", 0, 0]]]},
        {**dense("r", 4), "name": "r", "inbound_nodes": [[["x", 0, 0]]]},
        {**merge, "name": "m", "inbound_nodes": [[["l", 0, 0], ["r", 0, 0]]]},
    ], **ends}}  # fmt: skip
    arrays = {"x": [], "l": [("l_W", left), ("l_b", bias)], "r": [("r_W", right), ("r_b", bias)], "m": []}
    x = draw(5, 3)
    close(opened(k1.write(tmp_path / "m.h5", config, arrays)).model, x, act(x @ left + bias, x @ right + bias))


def test_a_file_that_does_not_sign_is_known_by_its_words(tmp_path: Path, opened: Any) -> None:
    w, b = draw(3, 4), draw(4)
    config = {"class_name": "Sequential", "config": [dense("dense_1", 4, batch_input_shape=[None, 3])]}
    path = k1.write(tmp_path / "m.h5", config, {"dense_1": [("dense_1_W", w), ("dense_1_b", b)]}, version="")
    x = draw(5, 3)
    close(opened(path).model, x, x @ w + b)


def test_weights_alone_with_their_architecture(tmp_path: Path, opened: Any) -> None:
    import json

    w, b = draw(3, 4), draw(4)
    config = {"class_name": "Sequential", "keras_version": "1.2.2",
              "config": [dense("dense_1", 4, batch_input_shape=[None, 3])]}  # fmt: skip
    (tmp_path / "m.json").write_text(json.dumps(config))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        k1.write_weights(file, {"dense_1": [("dense_1_W", w), ("dense_1_b", b)]}, version="")
    x = draw(5, 3)
    close(opened(tmp_path / "w.h5", architecture=tmp_path / "m.json").model, x, x @ w + b)


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        (layer("MaxoutDense", "maxout", output_dim=4, nb_feature=3), "Reshape((pieces, units))"),
        (layer("Highway", "highway", activation="relu"), "two Dense layers"),
        (layer("BatchNormalization", "bn", mode=1, axis=-1, epsilon=1e-3), "mode 1"),
        (layer("Merge", "merge", mode="concat", layers=[{"class_name": "Sequential", "config": []}]), "branches"),
        (layer("Merge", "merge", mode="cos", mode_type="raw"), "mode 'cos'"),
        (layer("Merge", "merge", mode="...", mode_type="lambda"), "--replace merge="),
        (conv("c", 3, dim_ordering="default"), "dim_ordering default"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name_with_the_rewrite(
    entry: dict[str, Any], named: str, tmp_path: Path, opened: Any
) -> None:
    entry["config"].setdefault("batch_input_shape", [None, 3])
    path = k1.write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [entry]}, {})
    with pytest.raises(Refused) as refused:
        opened(path)
    assert named in str(refused.value)
    assert entry["class_name"] in str(refused.value)


@pytest.mark.parametrize(("stride", "rows"), [(2, 3), (1, 2)])
def test_padding_that_theano_laid_out_otherwise_is_refused(stride: int, rows: int, tmp_path: Path, opened: Any) -> None:
    entry = conv("c", 4, nb_row=rows, nb_col=3, border_mode="same", subsample=[stride, stride],
                 batch_input_shape=[None, 3, 8, 8])  # fmt: skip
    arrays = {"c": [("c_W", draw(4, 3, rows, 3)), ("c_b", draw(4))]}
    path = k1.write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [entry]}, arrays, backend="theano")
    with pytest.raises(Refused, match='padding "same" of theano'):
        opened(path)


def test_layers_that_move_pictures_about(tmp_path: Path, opened: Any) -> None:
    config = {"class_name": "Sequential", "config": [
        layer("ZeroPadding2D", "z", padding=[1, 2], dim_ordering="th", batch_input_shape=[None, 2, 4, 5]),
        layer("UpSampling2D", "u", size=[2, 3], dim_ordering="th"),
        layer("Cropping2D", "c", cropping=[[1, 0], [0, 2]], dim_ordering="th"),
        layer("AveragePooling2D", "a", pool_size=[2, 2], strides=[2, 2], border_mode="valid", dim_ordering="th"),
        layer("LeakyReLU", "l", alpha=0.1),
        layer("GlobalMaxPooling2D", "g", dim_ordering="th"),
        layer("RepeatVector", "r", n=3),
        layer("TimeDistributedDense", "t", output_dim=2, init="uniform", activation="linear", bias=True, input_dim=2),
    ]}  # fmt: skip
    w, b = draw(2, 2), draw(2)
    empty: dict[str, Any] = {name: [] for name in "zuclagr"}
    path = k1.write(tmp_path / "m.h5", config, {**empty, "t": [("t_W", w), ("t_b", b)]})
    x = draw(2, 2, 4, 5)
    z = np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2))).repeat(2, 2).repeat(3, 3)[:, :, 1:, :-2]
    z = z[:, :, : z.shape[2] // 2 * 2, : z.shape[3] // 2 * 2]
    z = z.reshape(2, 2, z.shape[2] // 2, 2, z.shape[3] // 2, 2).mean((3, 5))
    z = np.where(z > 0, z, 0.1 * z).max((2, 3))
    close(opened(path).model, x, np.repeat((z @ w + b)[:, None], 3, 1))


def test_a_model_inside_a_model(tmp_path: Path, opened: Any) -> None:
    """Its weights lie in one group under their own names; the calls of a model are counted from 1."""
    (w, b), (v, c) = (draw(3, 3), draw(3)), (draw(3, 3), draw(3))
    inner = {"class_name": "Sequential", "name": "inner", "config": [
        dense("dense_1", 3, batch_input_shape=[None, 3], activation="tanh"), dense("dense_10", 3),
    ], "inbound_nodes": [[["x", 0, 0]], [["inner", 1, 0]]]}  # fmt: skip
    config = {"class_name": "Model", "config": {"name": "m", "layers": [
        {**layer("InputLayer", "x", batch_input_shape=[None, 3], input_dtype="float32", sparse=False),
         "name": "x", "inbound_nodes": []},
        inner,
    ], "input_layers": [["x", 0, 0]], "output_layers": [["inner", 2, 0]]}}  # fmt: skip
    # In the order of the file, which is not that of the layers: names decide.
    arrays = [("dense_10_W", v), ("dense_10_b", c), ("dense_1_W", w), ("dense_1_b", b)]
    path = k1.write(tmp_path / "m.h5", config, {"x": [], "inner": arrays})
    x = draw(5, 3)
    once = np.tanh(x @ w + b) @ v + c
    close(opened(path).model, x, np.tanh(once @ w + b) @ v + c)


def test_a_simple_recurrent_layer(tmp_path: Path, opened: Any) -> None:
    w, u, b = draw(3, 4), draw(4, 4), draw(4)
    config = recurrent("SimpleRNN", 4, batch_input_shape=[None, 6, 3], go_backwards=True)
    path = k1.write(
        tmp_path / "m.h5", {"class_name": "Sequential", "config": [config]},
        {"simplernn": [("simplernn_W", w), ("simplernn_U", u), ("simplernn_b", b)]},
    )  # fmt: skip
    x, h = draw(2, 6, 3), np.zeros((2, 4))
    for t in range(5, -1, -1):
        h = np.tanh(x[:, t] @ w + h @ u + b)
    close(opened(path).model, x, h)
