"""Interpreters behind their one face: ports, kernels, and how they refuse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgeproof import formats
from edgeproof.backends import Port, check_feed
from edgeproof.backends.onnx import ONNXSession
from edgeproof.backends.tflite import KERNELS, TFLiteSession
from edgeproof.errors import Refused

quantized_types = st.sampled_from(["int8", "uint8", "int16"])


@st.composite
def ports(draw: st.DrawFn) -> Port:
    dtype = np.dtype(draw(quantized_types))
    limits = np.iinfo(dtype)
    zero = 0 if dtype == np.int16 else draw(st.integers(limits.min, limits.max))  # as the formats have it
    return Port("x", (None,), dtype, draw(st.floats(2**-20, 2**10, width=32)), zero)


def ends(port: Port) -> tuple[float, float]:
    """The smallest and the largest real value that a port can hold."""
    limits = np.iinfo(port.dtype)
    return (limits.min - port.zero_point) * port.scale, (limits.max - port.zero_point) * port.scale


@given(ports(), arrays.arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_what_is_encoded_decodes_to_within_half_a_step(port: Port, where: np.ndarray) -> None:
    low, high = ends(port)
    values = (low + where * (high - low)).astype(np.float32)
    encoded = port.encode(values)
    assert encoded.dtype == port.dtype
    # Half a step, and the rounding of float32 at the size of the values.
    rounding = 4 * np.spacing(np.float32(max(abs(low), abs(high))))
    assert np.abs(port.decode(encoded) - values).max() <= port.scale / 2 + rounding


@given(ports())
def test_what_is_decoded_encodes_to_itself(port: Port) -> None:
    limits = np.iinfo(port.dtype)
    every = np.arange(limits.min, limits.max + 1).astype(port.dtype)
    decoded = port.decode(every)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, (every.astype(np.float64) - port.zero_point) * port.scale, rtol=1e-6)
    assert np.array_equal(port.encode(decoded), every)


@given(ports(), st.floats(1, 1e6))
def test_what_is_out_of_range_saturates(port: Port, beyond: float) -> None:
    low, high = ends(port)
    limits = np.iinfo(port.dtype)
    outside = np.array([low - beyond * port.scale, high + beyond * port.scale, -np.inf, np.inf], np.float32)
    assert port.encode(outside).tolist() == [limits.min, limits.max] * 2


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "uint8", "bool"])
def test_port_without_a_scale_takes_and_gives_values_as_they_are(dtype: str) -> None:
    port = Port("x", (None,), np.dtype(dtype))
    values = np.array([0, 1, 1], np.float32)
    assert port.encode(values).dtype == dtype
    assert port.encode(values).tolist() == [0, 1, 1]
    assert port.decode(values) is values


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.5]),
        np.array([np.nan]),
        np.array([2**31]),
        np.array([-(2**31) - 1]),
        np.array([np.inf], np.float32),
    ],
)
def test_port_of_whole_numbers_refuses_what_it_would_change(values: np.ndarray) -> None:
    with pytest.raises(Refused, match='"tokens" takes whole numbers of type int32'):
        Port("tokens", (1,), np.dtype("int32")).encode(values)


@pytest.mark.parametrize(
    ("wanted", "given", "fits"),
    [
        ((1, 4), (1, 4), True),
        ((None, 4), (7, 4), True),
        ((None, None), (7, 0), True),
        ((), (), True),
        ((1, 4), (4,), False),
        ((1, 4), (4, 1), False),
        ((1, 4), (1, 4, 1), False),
        ((None, 4), (7, 5), False),
    ],
)
def test_shape_must_fit_where_it_is_not_free(wanted: tuple[Any, ...], given: tuple[int, ...], fits: bool) -> None:
    port = Port("x", wanted, np.dtype("float32"))
    if fits:
        check_feed(port, np.zeros(given))
    else:
        with pytest.raises(Refused) as refusal:
            check_feed(port, np.zeros(given))
        assert refusal.value.received == f"shape {given}"
        assert str(wanted).replace("None", "any") in refusal.value.rule


@pytest.fixture(scope="session")
def sessions(artifacts: dict[str, Path]) -> Callable[..., Any]:
    """A session on a file by its name in `artifacts`, or on bytes."""

    def open_session(what: str | bytes, **options: Any) -> Any:
        data = artifacts[what].read_bytes() if isinstance(what, str) else what
        summary = formats.read_bytes(data, "the file")
        return (TFLiteSession if summary.format == "tflite" else ONNXSession)(data, summary, **options)

    return open_session


def test_ports_of_a_tflite_file_are_its_signatures(sessions: Callable[..., Any], artifacts: dict[str, Path]) -> None:
    from ai_edge_litert.interpreter import Interpreter

    for name in ("f32", "int8"):
        session = sessions(name)
        interpreter = Interpreter(model_path=str(artifacts[name]))
        (image,), (logits,) = session.inputs, session.outputs
        ((theirs_in,), (theirs_out,)) = interpreter.get_input_details(), interpreter.get_output_details()
        assert (image.name, logits.name) == ("image", "logits")
        for port, theirs in ((image, theirs_in), (logits, theirs_out)):
            assert port.shape == tuple(theirs["shape"])
            assert port.dtype == theirs["dtype"]
            assert (port.scale, port.zero_point) == pytest.approx(theirs["quantization"])
    assert image.dtype == np.int8
    assert image.scale > 0


def test_ports_of_an_onnx_file_have_a_free_batch_axis(sessions: Callable[..., Any]) -> None:
    session = sessions("onnx")
    assert [(p.name, p.shape, p.dtype) for p in session.inputs] == [("image", (None, 28, 28, 1), np.float32)]
    assert [(p.name, p.shape, p.dtype) for p in session.outputs] == [("logits", (None, 10), np.float32)]


@pytest.mark.parametrize(("name", "options"), [("f32", {"threads": 2}), ("onnx", {"threads": 2})])
def test_threads_change_nothing_but_speed(sessions: Callable[..., Any], name: str, options: dict[str, int]) -> None:
    feed = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    (alone,), (together,) = sessions(name)([feed]), sessions(name, **options)([feed])
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-6)


def test_every_set_of_kernels_runs_and_agrees_where_numbers_are_real(sessions: Callable[..., Any]) -> None:
    feed = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    found = [sessions("f32", kernels=kernels)([feed])[0] for kernels in KERNELS]
    for outputs in found[1:]:
        np.testing.assert_allclose(outputs, found[0], rtol=1e-4, atol=1e-5)


def test_outputs_are_not_overwritten_by_the_next_run(sessions: Callable[..., Any]) -> None:
    for name in ("f32", "onnx"):
        session = sessions(name)
        (first,) = session([np.zeros((1, 28, 28, 1), np.float32)])
        kept = first.copy()
        session([np.ones((1, 28, 28, 1), np.float32)])
        session.reset()
        assert np.array_equal(first, kept)


@pytest.mark.parametrize(
    ("name", "kernels", "named"), [("f32", "xnpack", '"xnnpack"'), ("onnx", "xnnpack", "onnxruntime")]
)
def test_unknown_kernels_name_the_nearest(sessions: Callable[..., Any], name: str, kernels: str, named: str) -> None:
    with pytest.raises(Refused, match="kernels:") as refusal:
        sessions(name, kernels=kernels)
    assert refusal.value.received == kernels
    assert named in refusal.value.fix


def test_operator_that_the_interpreter_lacks_is_refused(
    sessions: Callable[..., Any], artifacts: dict[str, Path], rewrite: Callable[..., bytes]
) -> None:
    def make_custom(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"Unheard"

    with pytest.raises(Refused, match="builtin operators") as refusal:
        sessions(rewrite(artifacts["f32"].read_bytes(), make_custom))
    assert "Unheard" in refusal.value.received


def test_onnx_file_without_onnxruntime_says_what_to_install(
    sessions: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Refused, match="needs onnxruntime") as refusal:
        sessions("onnx")
    assert "edgeproof[onnx-runtime]" in refusal.value.fix


def test_onnx_file_that_onnxruntime_does_not_take_is_refused(
    sessions: Callable[..., Any], build_onnx: Callable[..., bytes]
) -> None:
    onnx = pytest.importorskip("onnx")
    end = onnx.helper.make_tensor_value_info
    float32 = onnx.TensorProto.FLOAT
    # Shapes that do not go together: the file is well-formed, its graph is not.
    data = build_onnx(
        [("MatMul", ["x", "w"], ["y"])],
        [end("x", float32, [1, 3])],
        [end("y", float32, [1, 2])],
        {"w": np.ones((4, 2), np.float32)},
    )
    with pytest.raises(Refused, match="must be able to load"):
        sessions(data)


def test_ends_that_are_no_tensors_of_numbers_are_refused(
    sessions: Callable[..., Any], build_onnx: Callable[..., bytes]
) -> None:
    """As classifiers from scikit-learn have by default: a sequence of maps."""
    onnx = pytest.importorskip("onnx")
    sequence = onnx.helper.make_tensor_sequence_value_info("y", onnx.TensorProto.FLOAT, None)
    text = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.STRING, [1])
    floats = ("x", onnx.TensorProto.FLOAT, [1])
    for data, kind in (
        (build_onnx([("SequenceConstruct", ["x"], ["y"])], [floats], [sequence]), "seq(tensor(float))"),
        (build_onnx([("Identity", ["x"], ["y"])], [text], [("y", onnx.TensorProto.STRING, [1])]), "tensor(string)"),
    ):
        with pytest.raises(Refused, match="tensors of numbers") as refusal:
            sessions(data)
        assert kind in refusal.value.received


def test_value_that_the_graph_can_not_use_is_refused(sessions: Callable[..., Any], embedding: Path) -> None:
    session = sessions(embedding.read_bytes())
    assert session([np.array([[0, 4, 2]], np.int32)])[0].tolist() == [[[0, 1], [8, 9], [4, 5]]]
    with pytest.raises(Refused, match="must be able to run"):
        session([np.array([[0, 5, 2]], np.int32)])


def test_value_that_a_tflite_graph_can_not_use_is_refused(sessions: Callable[..., Any]) -> None:
    tf = pytest.importorskip("tensorflow")

    @tf.function(input_signature=[tf.TensorSpec((3,), tf.int32, name="tokens")])
    def look_up(tokens: Any) -> Any:
        return tf.gather(tf.constant([[0.0, 1.0], [2.0, 3.0]]), tokens)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([look_up.get_concrete_function()], tf.Module())
    session = sessions(converter.convert())
    assert session([np.array([0, 1, 0], np.int32)])[0].tolist() == [[0, 1], [2, 3], [0, 1]]
    with pytest.raises(Refused, match="must be able to run"):
        session([np.array([0, 7, 0], np.int32)])
    with pytest.raises(Refused, match="must be able to run"):
        session([np.array([0, 1, 0], np.float32)])


def test_interpreters_are_imported_when_a_file_needs_them_and_not_before(artifacts: dict[str, Path]) -> None:
    script = """
import sys
import edgeproof.runner
loaded = lambda: [name for name in ("ai_edge_litert", "onnxruntime", "PIL") if name in sys.modules]
assert loaded() == [], loaded()
edgeproof.load(sys.argv[1])
assert loaded() == ["ai_edge_litert"], loaded()
"""
    subprocess.run([sys.executable, "-c", script, str(artifacts["f32"])], check=True)
