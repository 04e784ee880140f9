"""TFLite files: what we read against what TensorFlow's schema classes and the interpreter read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof import formats
from edgeproof.contract import KEY, Contract, Graph
from edgeproof.errors import NewerContract, Refused
from edgeproof.formats import tflite
from edgeproof.formats.tflite_operators import BUILTIN

CONVERTED = {
    "f32": ("f32", ()),
    "f32 with buffers behind the model": ("f32", ()),
    "f16": ("f16", ()),
    "int8-dynamic": ("int8-dynamic", ()),
    "int8": ("int8", ()),
    "int8 with float ends": ("mixed", ("DEQUANTIZE", "QUANTIZE")),
    "int8 with a float operator": ("mixed", ("DEQUANTIZE", "QUANTIZE", "SIN")),
    "int16x8": ("int16x8", ()),
    "int16x8 with float ends": ("mixed", ("DEQUANTIZE", "QUANTIZE")),
}


def names_of(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def check_against_the_schema(data: bytes, schema: Any) -> None:
    """Every part of the summary, from TensorFlow's object classes."""
    summary = formats.read_bytes(data, "file")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    graph = model.subgraphs[0]
    places, types = names_of(schema.BuiltinOperator), names_of(schema.TensorType)

    stored = []
    for buffer in model.buffers:
        content = b"" if buffer.data is None else bytes(bytearray(buffer.data))
        stored.append(content or data[buffer.offset : buffer.offset + buffer.size] if buffer.offset > 1 else content)

    assert (summary.format, summary.bytes, summary.subgraphs) == ("tflite", len(data), len(model.subgraphs))
    assert summary.producer == (model.description or b"").decode()
    assert summary.schema == f"TFLite schema {model.version}"
    assert summary.inputs == tuple(graph.inputs)
    assert summary.outputs == tuple(graph.outputs)
    assert summary.metadata == {m.name.decode(): stored[m.buffer] for m in model.metadata or ()}
    assert len(summary.tensors) == len(graph.tensors)
    for tensor, theirs in zip(summary.tensors, graph.tensors, strict=True):
        shape = tuple([] if theirs.shape is None else theirs.shape)
        signature = shape if theirs.shapeSignature is None else theirs.shapeSignature
        quantization = theirs.quantization
        scale = () if quantization is None or quantization.scale is None else tuple(quantization.scale)
        assert tensor.name == theirs.name.decode()
        assert tensor.shape == tuple(None if axis == -1 else axis for axis in signature)
        assert tensor.dtype == types[theirs.type].lower()
        assert tensor.constant == (len(stored[theirs.buffer]) > 0)
        if tensor.constant:
            assert tensor.bytes == len(stored[theirs.buffer])
        else:
            assert tensor.bytes == abs(int(np.prod(signature))) * np.dtype(tensor.dtype).itemsize
        assert tensor.scale == scale
        assert tensor.zero_point == (tuple(quantization.zeroPoint) if scale else ())
        assert tensor.axis == (quantization.quantizedDimension if len(scale) > 1 else None)
    assert len(summary.operators) == len(graph.operators)
    for operator, theirs in zip(summary.operators, graph.operators, strict=True):
        code = model.operatorCodes[theirs.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        assert operator.name == (code.customCode.decode() if places[number] == "CUSTOM" else places[number])
        assert operator.custom == (places[number] == "CUSTOM")
        assert operator.version == code.version
        assert operator.inputs == tuple(theirs.inputs)
        assert operator.outputs == tuple(theirs.outputs)
    used = {tensor.buffer for part in model.subgraphs for tensor in part.tensors}
    assert summary.weight_bytes == sum(len(stored[buffer]) for buffer in used)
    signatures = {
        entry.signatureKey.decode(): {
            side: {end.name.decode(): end.tensorIndex for end in ends}
            for side, ends in (("inputs", entry.inputs), ("outputs", entry.outputs))
        }
        for entry in model.signatureDefs or ()
    }
    assert summary.signatures == signatures
    accessor = schema.Model.GetRootAs(data, 0)
    starts = []
    for index, buffer in enumerate(model.buffers):
        table = accessor.Buffers(index)._tab
        if buffer.data is not None and len(buffer.data):
            starts.append(table.Vector(table.Offset(4)))
        elif buffer.offset > 1:
            starts.append(buffer.offset)
    assert summary.aligned == all(start % 16 == 0 for start in starts)


def test_operator_names_are_those_of_the_schema(schema: Any) -> None:
    assert dict(enumerate(BUILTIN)) == names_of(schema.BuiltinOperator)


def test_tensor_types_are_those_of_the_schema(schema: Any) -> None:
    ours = {number: name for number, (name, _) in enumerate(tflite._DTYPES)}
    assert ours == {number: name.lower() for number, name in names_of(schema.TensorType).items()}


@pytest.mark.parametrize("name", CONVERTED)
def test_converted_file_reads_as_the_schema_reads_it(name: str, tflite_files: dict[str, bytes], schema: Any) -> None:
    check_against_the_schema(tflite_files[name], schema)


@pytest.mark.parametrize("name", CONVERTED)
def test_converted_file_reads_as_the_interpreter_reads_it(name: str, tflite_files: dict[str, bytes]) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    summary = formats.read_bytes(tflite_files[name], name)
    resolver = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = litert.Interpreter(model_content=tflite_files[name], experimental_op_resolver_type=resolver)
    for ours, theirs in (
        (summary.inputs, interpreter.get_input_details()),
        (summary.outputs, interpreter.get_output_details()),
    ):
        assert list(ours) == [detail["index"] for detail in theirs]
    for detail in interpreter.get_tensor_details():
        tensor, quantization = summary.tensors[detail["index"]], detail["quantization_parameters"]
        assert tensor.name == detail["name"]
        assert tensor.dtype == np.dtype(detail["dtype"]).name
        assert tensor.shape == tuple(None if axis == -1 else axis for axis in detail["shape_signature"].tolist())
        assert tensor.scale == tuple(quantization["scales"].tolist())
        assert tensor.zero_point == tuple(quantization["zero_points"].tolist())
    operators = [detail["op_name"] for detail in interpreter._get_ops_details()]
    assert [operator.name for operator in summary.operators] == operators
    assert summary.operator_counts == {operator: operators.count(operator) for operator in sorted(set(operators))}


@pytest.mark.parametrize("name", CONVERTED)
def test_precision_of_what_the_converter_makes(name: str, tflite_files: dict[str, bytes]) -> None:
    assert formats.precision(formats.read_bytes(tflite_files[name], name)) == CONVERTED[name]


def test_buffers_behind_the_model_were_really_tried(tflite_files: dict[str, bytes], schema: Any) -> None:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(tflite_files["f32 with buffers behind the model"], 0))
    assert max(buffer.offset for buffer in model.buffers) > 1


def test_mlperf_tiny_files(mlperf: dict[str, bytes], schema: Any) -> None:
    for name, data in mlperf.items():
        check_against_the_schema(data, schema)
        expected = "int8" if "int8" in name or "quant" in name or name == "str_ww_ref_model" else "f32"
        assert formats.precision(formats.read_bytes(data, name)) == (expected, ()), name
    assert any(formats.read_bytes(data, name).aligned for name, data in mlperf.items())


FLOATS, BYTES = np.zeros(64, np.float32).tobytes(), bytes(range(64))


def dense(kind: str, weights: str, data: bytes, *, scales: Any = None, weight_scales: Any = (0.5,)) -> tuple[Any, ...]:
    """A graph of one fully connected operator."""
    tensors = [
        ("x", [1, 8], kind, None, scales),
        ("w", [8, 8], weights, data, weight_scales),
        ("y", [1, 8], kind, None, scales),
    ]
    return tensors, [("FULLY_CONNECTED", [0, 1, -1], [2])], [0], [2]


def precision_of(data: bytes) -> tuple[str, tuple[str, ...]]:
    return formats.precision(formats.read_bytes(data, "file"))


def test_precision_of_plain_graphs(build_tflite: Callable[..., bytes]) -> None:
    halves, q = bytes(128), [0.1]
    assert precision_of(build_tflite(dense("FLOAT32", "FLOAT32", FLOATS, weight_scales=None))) == ("f32", ())
    assert precision_of(build_tflite(dense("FLOAT16", "FLOAT16", halves, weight_scales=None))) == ("f16", ())
    assert precision_of(build_tflite(dense("FLOAT32", "FLOAT16", halves, weight_scales=None))) == ("f16", ())
    assert precision_of(build_tflite(dense("FLOAT32", "INT8", BYTES))) == ("int8-dynamic", ())
    assert precision_of(build_tflite(dense("INT8", "INT8", BYTES, scales=q))) == ("int8", ())
    assert precision_of(build_tflite(dense("UINT8", "UINT8", BYTES, scales=q))) == ("int8", ())
    assert precision_of(build_tflite(dense("INT16", "INT8", BYTES, scales=q))) == ("int16x8", ())
    # None of ours: four-bit weights, sixteen-bit weights, double precision.
    offender = ("mixed", ("FULLY_CONNECTED",))
    assert precision_of(build_tflite(dense("INT8", "INT4", BYTES[:32], scales=q))) == offender
    assert precision_of(build_tflite(dense("INT16", "INT16", halves, scales=q)))[0] == "mixed"
    assert precision_of(build_tflite(dense("FLOAT64", "FLOAT64", FLOATS * 2, weight_scales=None))) == offender
    assert precision_of(build_tflite(dense("FLOAT32", "INT4", BYTES[:32]))) == offender


def test_what_a_loop_begins_with_is_no_weight(build_tflite: Callable[..., bytes]) -> None:
    """Room for a sequence, zeros in float32, is larger than the 8-bit weights of the network that fills it."""
    tensors, operators, inputs, _ = dense("FLOAT32", "INT8", BYTES, scales=None)
    room = ("room", [1, 512], "FLOAT32", bytes(2048), None)
    out = ("z", [1, 512], "FLOAT32", None, None)
    looped = [*tensors, room, out], [*operators, ("WHILE", [len(tensors)], [len(tensors) + 1])], inputs, [2]
    body = (
        [("a", [1, 512], "FLOAT32", None, None), ("b", [1, 512], "FLOAT32", None, None)],
        [("ABS", [0], [1])],
        [0],
        [1],
    )
    assert precision_of(build_tflite(looped, body)) == ("int8-dynamic", ())
    used = [*tensors, room, out], [*operators, ("ADD", [2, len(tensors)], [len(tensors) + 1])], inputs, [2]
    assert precision_of(build_tflite(used))[0] == "mixed"


def test_a_float_operator_in_a_body_makes_the_file_mixed(build_tflite: Callable[..., bytes]) -> None:
    tensors, operators, inputs, _ = dense("INT8", "INT8", BYTES, scales=[0.1])
    tensors += [("z", [1, 8], "INT8", None, [0.1])]
    main = tensors, [*operators, ("WHILE", [2], [3])], inputs, [3]
    quiet = [("a", [1, 8], "INT8", None, [0.1]), ("b", [1, 8], "INT8", None, [0.1])], [("ABS", [0], [1])], [0], [1]
    loud = [("a", [1, 8], "FLOAT32", None, None), ("b", [1, 8], "FLOAT32", None, None)], [("ABS", [0], [1])], [0], [1]
    assert precision_of(build_tflite(main, quiet)) == ("int8", ())
    assert precision_of(build_tflite(main, loud)) == ("mixed", ("ABS",))
    summary = formats.read_bytes(build_tflite(main, loud), "file")
    assert summary.subgraphs == 2
    assert [operator.name for operator in summary.operators] == ["FULLY_CONNECTED", "WHILE"]
    assert [operator.name for body in summary.bodies for operator in body.operators] == ["ABS"]


def test_the_bulk_of_the_weights_decides_where_floats_flow(build_tflite: Callable[..., bytes]) -> None:
    def graph(weights: str, data: bytes, scales: Any, extra: int) -> bytes:
        tensors, operators, inputs, _ = dense("FLOAT32", weights, data, weight_scales=scales)
        tensors += [("c", [extra], "FLOAT32", np.ones(extra, np.float32).tobytes(), None)]
        tensors += [("z", [1, 8], "FLOAT32", None, None)]
        return build_tflite((tensors, [*operators, ("MUL", [2, 3], [4])], inputs, [4]))

    assert precision_of(graph("FLOAT16", bytes(128), None, 1)) == ("f16", ())
    assert precision_of(graph("INT8", BYTES, [0.5], 8)) == ("int8-dynamic", ())
    assert precision_of(graph("FLOAT16", bytes(128), None, 64)) == ("mixed", ("FULLY_CONNECTED", "MUL"))
    assert precision_of(graph("INT8", BYTES, [0.5], 64)) == ("mixed", ("FULLY_CONNECTED", "MUL"))


def test_a_looked_up_table_is_a_weight_and_not_an_activation(build_tflite: Callable[..., bytes]) -> None:
    tensors = [
        ("ids", [1], "INT32", None, None),
        ("table", [8, 8], "INT8", BYTES, [0.5]),
        ("row", [1, 8], "INT8", None, [0.5]),
        ("y", [1, 8], "FLOAT32", None, None),
    ]
    for lookup in (("GATHER", [1, 0], [2]), ("EMBEDDING_LOOKUP", [0, 1], [2])):
        looked_up = tensors, [lookup, ("DEQUANTIZE", [2], [3])], [0], [3]
        assert precision_of(build_tflite(looked_up)) == ("int8-dynamic", ())
    added = tensors, [("ADD", [1, 0], [2]), ("DEQUANTIZE", [2], [3])], [0], [3]
    assert precision_of(build_tflite(added)) == ("mixed", ("DEQUANTIZE",))


def test_token_ids_and_classes_are_no_activations(build_tflite: Callable[..., bytes]) -> None:
    def classifier(kind: str) -> bytes:
        tensors = [
            ("ids", [1], "INT32", None, None),
            ("table", [8, 8], "INT8", BYTES, [0.5]),
            ("row", [1, 8], kind, None, [0.5]),
            ("same", [1, 8], kind, None, [0.5]),
            ("axis", [1], "INT32", b"1234", None),
            ("class", [1], "INT64", None, None),
        ]
        operators = [("ADD", [0, 1], [2]), ("ABS", [2], [3]), ("ARG_MAX", [3, 4], [5])]
        return build_tflite((tensors, operators, [0], [5]))

    assert precision_of(classifier("INT8")) == ("int8", ())
    assert precision_of(classifier("INT16")) == ("int16x8", ())
    assert precision_of(classifier("FLOAT32"))[0] == "int8-dynamic"


def test_unquantized_bytes_are_pixels_and_not_int8(build_tflite: Callable[..., bytes]) -> None:
    pixels = [("pixels", [1, 8], "UINT8", None, None), ("x", [1, 8], "FLOAT32", None, None)]
    assert precision_of(build_tflite((pixels, [("CAST", [0], [1])], [0], [1]))) == ("f32", ())


def test_custom_unknown_and_optional(build_tflite: Callable[..., bytes]) -> None:
    tensors = [(name, [1], "FLOAT32", None, None) for name in "xyzw"]
    operators = [("custom:FlexErf", [0], [1]), (9999, [0, -1], [2]), ("STABLEHLO_CBRT", [0], [3])]
    summary = formats.read_bytes(build_tflite((tensors, operators, [0], [1, 2, 3])), "file")
    assert [(o.name, o.custom, o.version) for o in summary.operators] == [
        ("FlexErf", True, 2),
        ("BUILTIN_9999", False, 2),
        ("STABLEHLO_CBRT", False, 2),
    ]
    assert summary.operators[1].inputs == (0, -1)


def test_shared_bytes_are_counted_once(build_tflite: Callable[..., bytes]) -> None:
    tensors = [(name, [64], "INT8", BYTES, None) for name in "ab"] + [("c", [64], "INT8", BYTES[::-1], None)]
    tensors.append(("d", [64], "INT8", None, None))
    operators = [("ADD_N", [0, 1, 2], [3])]
    summary = formats.read_bytes(build_tflite((tensors, operators, [], [3])), "file")
    assert summary.weight_bytes == 128


def test_alignment(build_tflite: Callable[..., bytes]) -> None:
    graph = dense("FLOAT32", "INT8", BYTES)
    found = set()
    for length in range(16):  # the description stands before the weights or behind, and moves them
        data = build_tflite(graph, change=lambda model, n=length: setattr(model, "description", b"-" * 4 * n))
        found.add((data.find(BYTES) % 16 == 0, formats.read_bytes(data, "file").aligned))
    assert found == {(True, True), (False, False)}


CONTRACT = Contract(name="network", graphs=(Graph("predict", (), ()),), labels=("a", "b"))


def test_the_contract_travels_in_the_metadata(build_tflite: Callable[..., bytes]) -> None:
    graph = dense("FLOAT32", "INT8", BYTES)
    with_contract = build_tflite(graph, metadata={"min_runtime_version": b"1.5.0", KEY: CONTRACT.to_json().encode()})
    summary = formats.read_bytes(with_contract, "file")
    assert summary.contract == CONTRACT
    assert summary.metadata["min_runtime_version"] == b"1.5.0"
    assert formats.read_bytes(build_tflite(graph), "file").contract is None
    with pytest.raises(Refused, match=r"lost\.tflite must carry a whole contract"):
        _ = formats.read_bytes(build_tflite(graph, metadata={KEY: b'{"version":1}'}), "lost.tflite").contract
    with pytest.raises(NewerContract):
        _ = formats.read_bytes(build_tflite(graph, metadata={KEY: b'{"version":99}'}), "file").contract


def test_a_zip_behind_the_model_is_legal(tflite_files: dict[str, bytes]) -> None:
    plain, packed = (formats.read_bytes(tflite_files["int8"] + tail, "file") for tail in (b"", b"PK\x03\x04" + BYTES))
    assert packed.tensors == plain.tensors
    assert packed.bytes == plain.bytes + 68


def test_signatures_of_the_main_graph(build_tflite: Callable[..., bytes], schema: Any) -> None:
    def sign(graph: int, tensor: int) -> Callable[[Any], None]:
        def change(model: Any) -> None:
            model.signatureDefs = []
            for key, where in ((b"main", 0), (b"other", graph)):
                end, entry = schema.TensorMapT(), schema.SignatureDefT()
                end.name, end.tensorIndex = b"image", tensor
                entry.signatureKey, entry.subgraphIndex, entry.inputs, entry.outputs = key, where, [end], []
                model.signatureDefs.append(entry)

        return change

    graph = dense("FLOAT32", "INT8", BYTES)
    main = {"inputs": {"image": 2}, "outputs": {}}
    summary = formats.read_bytes(build_tflite(graph, graph, change=sign(1, 2)), "file")
    assert summary.signatures == {"main": main}
    assert formats.read_bytes(build_tflite(graph, graph, change=sign(0, 2)), "file").signatures["other"] == main
    with pytest.raises(Refused, match="a tensor past the graph's 3"):
        formats.read_bytes(build_tflite(graph, graph, change=sign(1, 3)), "file")
    with pytest.raises(Refused, match="of graph 2 of 2"):
        formats.read_bytes(build_tflite(graph, graph, change=sign(2, 0)), "file")


def test_one_zero_point_stands_for_all_channels(build_tflite: Callable[..., bytes]) -> None:
    def change(zeros: list[int]) -> Callable[[Any], None]:
        return lambda model: setattr(model.subgraphs[0].tensors[1].quantization, "zeroPoint", zeros)

    graph = dense("FLOAT32", "INT8", BYTES, weight_scales=[0.5] * 8)
    for given, expected in (([3], 3), ([], 0)):
        tensor = formats.read_bytes(build_tflite(graph, change=change(given)), "file").tensors[1]
        assert (tensor.zero_point, tensor.axis) == ((expected,) * 8, 0)


def test_a_sparse_tensor_stores_less_than_its_shape(build_tflite: Callable[..., bytes], schema: Any) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[1].sparsity = schema.SparsityParametersT()

    data = build_tflite(dense("FLOAT32", "INT8", BYTES[:10]), change=change)
    assert formats.read_bytes(data, "file").tensors[1].bytes == 10


def wrong(name: str) -> Callable[[Any], None]:
    """Ways in which a well-formed FlatBuffer is no model."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        match name:
            case "version":
                model.version = 4
            case "no graph":
                model.subgraphs = []
            case "operator code":
                graph.operators[0].opcodeIndex = 1
            case "operator input":
                graph.operators[0].inputs = [0, 3, -1]
            case "operator input below":
                graph.operators[0].inputs = [0, -2, -1]
            case "operator output":
                graph.operators[0].outputs = [3]
            case "graph input":
                graph.inputs = [-1]
            case "graph output":
                graph.outputs = [3]
            case "tensor buffer":
                graph.tensors[0].buffer = 9
            case "tensor type":
                graph.tensors[0].type = 120
            case "short weights":
                graph.tensors[1].shape = [8, 9]
            case "negative shape":
                graph.tensors[0].shape = [-1, 8]
            case "signature of another rank":
                graph.tensors[0].shapeSignature = [-1]
            case "axes":
                graph.tensors[0].shape = [1] * 65
            case "zero points":
                graph.tensors[1].quantization.scale = [0.5] * 8
                graph.tensors[1].quantization.zeroPoint = [0] * 7
            case "channels":
                graph.tensors[1].quantization.scale, graph.tensors[1].quantization.zeroPoint = [0.5] * 7, [0] * 7
            case "scale":
                graph.tensors[1].quantization.scale = [float("nan")]
            case "metadata":
                model.metadata[0].buffer = 9
            case "offset":
                model.buffers[1].data, model.buffers[1].offset, model.buffers[1].size = None, 64, 1 << 40

    return change


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("version", "schema version 4"),
        ("no graph", "no graph"),
        ("operator code", "code 1 of 1"),
        ("operator input", "tensors -1 to 3 in a graph of 3"),
        ("operator input below", "tensors -2 to 0"),
        ("operator output", "tensors 3 to 3"),
        ("graph input", "tensors -1 to -1"),
        ("graph output", "tensors 3 to 3"),
        ("tensor buffer", "buffer 9 of 3"),
        ("tensor type", "unknown type 120"),
        ("short weights", "72 bytes with 64 stored"),
        ("negative shape", r"shape \(-1, 8\)"),
        ("signature of another rank", r"signature \(-1,\)"),
        ("axes", "of shape"),
        ("zero points", "8 scales and 7 zero points"),
        ("channels", "7 scales on axis 0"),
        ("scale", "not finite"),
        ("metadata", 'metadata "note" in buffer 9'),
        ("offset", "past the end"),
    ],
)
def test_an_inconsistent_model_is_refused(name: str, received: str, build_tflite: Callable[..., bytes]) -> None:
    graph, metadata = dense("FLOAT32", "INT8", BYTES), {"note": b"x"}
    formats.read_bytes(build_tflite(graph, metadata=metadata), "file")
    with pytest.raises(Refused, match=received):
        formats.read_bytes(build_tflite(graph, metadata=metadata, change=wrong(name)), "file")


def test_weights_in_other_files_are_refused(build_tflite: Callable[..., bytes], schema: Any) -> None:
    def change(model: Any) -> None:
        model.externalBuffers = [schema.ExternalBufferT()]

    with pytest.raises(Refused, match="hold its own weights"):
        formats.read_bytes(build_tflite(dense("FLOAT32", "INT8", BYTES), change=change), "file")


def test_read_goes_by_content_and_says_what_else_it_found(tmp_path: Path, tflite_files: dict[str, bytes]) -> None:
    model = tmp_path / "model.bin"
    model.write_bytes(tflite_files["int8"])
    assert formats.read(model).format == "tflite"
    assert formats.read_file(model) == tflite_files["int8"]
    (tmp_path / "lenet5.tflite").write_bytes(tflite_files["int8"])
    for content, received in [
        (b"", "an empty file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), r"Keras checkpoint[^$]*python -m export"),
        (b"PK\x03\x04" + bytes(100), "zip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"hello, this is a text", "begin with b'hello, t'"),
        (bytes(1000), "1000 bytes"),
        (tflite_files["int8"][:100], "past the end"),
        (tflite_files["int8"][:7], "7 bytes"),
    ]:
        model.write_bytes(content)
        with pytest.raises(Refused, match=received):
            formats.read(model)
    with pytest.raises(Refused, match=r'did you mean ".*lenet5\.tflite"'):
        formats.read(tmp_path / "lenet.tflite")
    with pytest.raises(Refused, match=r"a folder[^$]*lenet5\.tflite"):
        formats.read(tmp_path)
    with pytest.raises(Refused, match="no file of that name"):
        formats.read(tmp_path / "no" / "such" / "folder.tflite")
    with pytest.raises(Refused, match="can not be read"):
        formats.read("with\0zero.tflite")
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(Refused, match="device or pipe"):
        formats.read(tmp_path / "pipe.tflite")


def test_a_file_too_large_to_load_is_not_loaded(tmp_path: Path) -> None:
    huge = tmp_path / "huge.tflite"
    with huge.open("wb") as file:
        file.truncate(1 << 33)  # sparse: takes no room
    with pytest.raises(Refused, match=r"8589934592 bytes"):
        formats.read(huge)


def test_reading_imports_nothing_heavy(tmp_path: Path, tflite_files: dict[str, bytes]) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(tflite_files["int8"])
    code = (
        "import sys; from edgeproof import formats; print(formats.precision(formats.read(sys.argv[1]))[0]); "
        "print(sorted({'numpy', 'tensorflow', 'flatbuffers', 'onnx', 'google', 'ai_edge_litert'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["int8", "[]"]
