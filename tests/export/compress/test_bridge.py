"""Keras 3 -> tf-keras -> Keras 3: the same answers there, the same weights back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.errors import Refused
from export.worker import Worker

LIMIT = 1e-6
# Some models enlarge any rounding: then twice what it makes when every weight moves by its last bit.
OF_ROUNDING = 2.0
_ACTIVATIONS = ("linear", "relu", "relu6", "gelu", "hard_sigmoid", "silu", "leaky_relu", "tanh", "elu")


def _layer(kind: str, **config: Any) -> Any:
    return st.tuples(st.just(kind), st.fixed_dictionaries(config), st.sampled_from(["", "add", "concatenate"]))


_FILTERS = st.sampled_from([2, 4])
_COMMON = {"activation": st.sampled_from(_ACTIVATIONS), "use_bias": st.booleans()}
_IMAGE = st.one_of(
    _layer("Conv2D", filters=_FILTERS, kernel_size=st.sampled_from([1, 3]), padding=st.just("same"), **_COMMON),
    _layer("Conv2D", filters=_FILTERS, kernel_size=st.just(3), padding=st.just("same"), dilation_rate=st.just(2)),
    _layer("Conv2DTranspose", filters=_FILTERS, kernel_size=st.just(3), padding=st.just("same"), **_COMMON),
    _layer(
        "DepthwiseConv2D", kernel_size=st.just(3), padding=st.just("same"), depth_multiplier=st.sampled_from([1, 2])
    ),
    _layer("SeparableConv2D", filters=_FILTERS, kernel_size=st.just(3), padding=st.just("same"), **_COMMON),
    _layer("BatchNormalization", epsilon=st.sampled_from([1e-3, 1e-5]), scale=st.booleans(), center=st.booleans()),
    _layer("LayerNormalization", epsilon=st.sampled_from([1e-3, 1e-6])),
    _layer("RMSNormalization"),
    _layer("ReLU", max_value=st.sampled_from([None, 6.0]), negative_slope=st.sampled_from([0.0, 0.1])),
    _layer("LeakyReLU", negative_slope=st.sampled_from([0.1, 0.3])),
    _layer("PReLU", shared_axes=st.sampled_from([None, [1, 2]])),
    _layer("Activation", activation=st.sampled_from(_ACTIVATIONS)),
    _layer("AveragePooling2D", pool_size=st.just(3), strides=st.just(1), padding=st.just("same")),
    _layer("MaxPooling2D", pool_size=st.just(3), strides=st.just(1), padding=st.just("same")),
    _layer("ZeroPadding2D", padding=st.just(1)),
    _layer("UpSampling2D", size=st.just(2), interpolation=st.sampled_from(["nearest", "bilinear"])),
    _layer("Dropout", rate=st.just(0.4)),
    _layer("GaussianNoise", stddev=st.just(0.4)),
    _layer("Dense", units=st.just(3), **_COMMON),
)
_SEQUENCE = st.one_of(
    _layer("LSTM", units=st.just(3), return_sequences=st.just(True), go_backwards=st.booleans()),
    _layer("GRU", units=st.just(3), return_sequences=st.just(True), reset_after=st.booleans()),
    _layer("SimpleRNN", units=st.just(3), return_sequences=st.just(True), activation=st.sampled_from(_ACTIVATIONS)),
    _layer("Bidirectional", units=st.just(2), return_sequences=st.just(True)),
    _layer("Conv1D", filters=_FILTERS, kernel_size=st.just(3), padding=st.sampled_from(["same", "causal"]), **_COMMON),
    _layer("MultiHeadAttention", num_heads=st.just(2), key_dim=st.just(2), use_bias=st.booleans()),
    _layer("LayerNormalization"),
    _layer("Dense", units=st.just(3), **_COMMON),
)
_END = st.one_of(
    _layer("Flatten"), _layer("GlobalAveragePooling2D", keepdims=st.booleans()), _layer("GlobalMaxPooling2D")
)


def _same(found: dict[str, Any]) -> None:
    assert found["error"] <= max(LIMIT, OF_ROUNDING * found["rounding"])
    assert found["weights"]
    assert found["outputs"]


@given(st.lists(_IMAGE, min_size=1, max_size=5), _END, st.integers(0, 99))
@settings(max_examples=6)
def test_models_over_pictures_cross_and_come_back(legacy: Worker, layers: Any, end: Any, seed: int) -> None:
    _same(legacy.call("tuners:drawn", shape=[6, 6, 4], dtype="float32", layers=[*layers, end], seed=seed))


@given(st.booleans(), st.lists(_SEQUENCE, min_size=1, max_size=3), st.integers(0, 99))
@settings(max_examples=5)
def test_models_over_sequences_cross_and_come_back(legacy: Worker, tokens: bool, layers: Any, seed: int) -> None:
    embedding = [("Embedding", {"input_dim": 5, "output_dim": 3}, "")] if tokens else []
    shape, dtype = ([5], "int32") if tokens else ([5, 3], "float32")
    _same(legacy.call("tuners:drawn", shape=shape, dtype=dtype, layers=[*embedding, *layers], seed=seed))


@pytest.mark.all
@given(st.lists(_IMAGE, min_size=3, max_size=12), _END, st.integers(0, 99))
@settings(max_examples=100)
def test_many_models_cross_and_come_back(legacy: Worker, layers: Any, end: Any, seed: int) -> None:
    _same(legacy.call("tuners:drawn", shape=[6, 6, 4], dtype="float32", layers=[*layers, end], seed=seed))


def test_every_recipes_model_crosses_and_comes_back(legacy: Worker) -> None:
    found = legacy.call("tuners:recipes")
    assert {"lenet5 1998", "lenet5 sigmoid", "lenet5 relu"} <= set(found)
    for crossed in found.values():
        _same(crossed)
    assert not found["lenet5 relu"]["carried"]
    assert "EuclideanRBF" in found["lenet5 1998"]["carried"]


@pytest.mark.parametrize(
    "name", ["ad01", "pretrainedResnet", "str_ww_ref_model", pytest.param("vww_96", marks=pytest.mark.all)]
)
def test_mlperf_tiny_crosses_and_comes_back(shared: Path, legacy: Worker, name: str) -> None:
    path = shared / "checkpoints" / "mlperf-tiny" / f"{name}.h5"
    if not path.is_file():
        pytest.skip(f"no {path.name} among the shared checkpoints")
    _same(legacy.call("tuners:file", path=str(path)))


@pytest.mark.parametrize(("kind", "named"), [("half", 'Dense "thin" in mixed_float16'), ("subclass", 'Own "own"')])
def test_what_tf_keras_cannot_hold_is_refused_by_name(legacy: Worker, kind: str, named: str) -> None:
    with pytest.raises(Refused) as refusal:
        legacy.call("tuners:refused", kind=kind)
    assert named in refusal.value.received
