"""ONNX files: what we read against what the onnx package reads and infers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof import formats
from edgeproof.contract import KEY, Contract, Graph
from edgeproof.errors import Refused
from edgeproof.formats import onnx_tensors

onnx = pytest.importorskip("onnx")
helper, Type = onnx.helper, onnx.TensorProto

MADE = {
    "f32": ("f32", ()),
    "f16": ("f16", ()),
    "f16 with float ends": ("f16", ()),
    "f16 with a float operator": ("mixed", ("MatMul",)),
    "int8-dynamic": ("int8-dynamic", ()),
    "int8": ("int8", ()),
    "int8 per channel": ("int8", ()),
    "int8 as operators": ("int8", ()),
    "int8 with a float operator": ("mixed", ("MatMul", "MaxPool")),
    "int16x8": ("int16x8", ()),
}


def dtype(code: int) -> str:
    return str(Type.DataType.Name(code)).lower()


def our_dtype(name: str) -> str:
    return {"float32": "float", "float64": "double"}.get(name, name.replace("_", ""))


def check_against_the_package(data: bytes) -> None:
    """Every part of the summary that an ONNX file states itself."""
    summary, model = formats.read_bytes(data, "file"), onnx.load_from_string(data)
    graph = model.graph
    assert (summary.format, summary.bytes, summary.aligned, summary.signatures) == ("onnx", len(data), True, {})
    assert summary.producer == " ".join(filter(None, [model.producer_name, model.producer_version]))
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    assert summary.schema.startswith(f"ONNX IR {model.ir_version}, opset {opset}")
    assert summary.metadata == {entry.key: entry.value.encode() for entry in model.metadata_props}

    constants = {tensor.name: tensor for tensor in graph.initializer}
    named = [tensor.name for tensor in summary.tensors]
    assert len(set(named)) == len(named)
    assert [named[i] for i in summary.inputs] == [entry.name for entry in graph.input if entry.name not in constants]
    assert [named[i] for i in summary.outputs] == [entry.name for entry in graph.output]
    by_name = dict(zip(named, summary.tensors, strict=True))
    for name, tensor in constants.items():
        array = onnx.numpy_helper.to_array(tensor)
        ours = by_name[name]
        assert (ours.constant, ours.shape, ours.bytes) == (True, array.shape, array.nbytes), name
        assert our_dtype(ours.dtype) == dtype(tensor.data_type)
    for entry in [*graph.input, *graph.output, *graph.value_info]:
        if entry.name in by_name and entry.name not in constants and entry.type.HasField("tensor_type"):
            kind, ours = entry.type.tensor_type, by_name[entry.name]
            lengths = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim)
            assert our_dtype(ours.dtype) == dtype(kind.elem_type), entry.name
            if not ours.constant:
                assert ours.shape == lengths, entry.name

    def key(domain: str, kind: str, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[Any, ...]:
        plain = domain in ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training")
        return kind if plain else f"{domain}.{kind}", tuple(inputs), tuple(outputs)

    ours = [
        (o.name, *(tuple(named[i] if i >= 0 else "" for i in ends) for ends in (o.inputs, o.outputs)))
        for o in summary.operators
    ]
    theirs = [key(node.domain, node.op_type, node.input, node.output) for node in graph.node]
    assert sorted(ours) == sorted(theirs)
    made = set(constants) | {named[i] for i in summary.inputs} | {""}
    in_order = True
    for _, inputs, outputs in theirs:
        in_order &= made.issuperset(inputs)
        made.update(outputs)
    if in_order:
        assert ours == theirs


def check_inference(data: bytes) -> int:
    """Take all declared types away, and compare what we make of the operators with onnx's inference."""
    model = onnx.load_from_string(data)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    expected = {
        entry.name: dtype(entry.type.tensor_type.elem_type)
        for entry in [*inferred.value_info, *inferred.output]
        if entry.type.HasField("tensor_type") and entry.type.tensor_type.elem_type
    }
    del model.graph.value_info[:]
    for entry in model.graph.output:
        entry.ClearField("type")
    summary = formats.read_bytes(model.SerializeToString(), "file")
    made = {summary.tensors[i].name: summary.tensors[i] for o in summary.operators for i in o.outputs if i >= 0}
    for name in expected.keys() & made.keys():
        assert our_dtype(made[name].dtype) == expected[name], name
    return len(expected.keys() & made.keys())


def test_element_types_are_those_of_the_package() -> None:
    ours = {number: our_dtype(name) for number, (name, _) in enumerate(onnx_tensors._ELEMENTS) if number}
    assert ours == {number: dtype(number).replace("_", "") for number in Type.DataType.values() if number}


@pytest.mark.parametrize("name", MADE)
def test_file_reads_as_the_package_reads_it(name: str, onnx_files: dict[str, bytes]) -> None:
    check_against_the_package(onnx_files[name])
    assert check_inference(onnx_files[name]) >= 5


@pytest.mark.parametrize("name", MADE)
def test_precision_of_what_the_tools_make(name: str, onnx_files: dict[str, bytes]) -> None:
    assert formats.precision(formats.read_bytes(onnx_files[name], name)) == MADE[name]


def test_every_model_that_the_onnx_package_brings() -> None:
    files = sorted((Path(onnx.__file__).parent / "backend" / "test" / "data").rglob("*.onnx"))
    # A class label may be a string, a sequence's element has no type of its own: only declarations tell.
    silent = ("SequenceAt", "LinearClassifier")
    assert len(files) > 50
    compared = 0
    for file in files:
        data = file.read_bytes()
        check_against_the_package(data)
        if not any(node.op_type in silent for node in onnx.load_from_string(data).graph.node):
            compared += check_inference(data)
    assert compared > 50


@pytest.mark.parametrize("name", ["int8", "int8 per channel", "int16x8"])
def test_scales_lie_on_the_integer_side(name: str, onnx_files: dict[str, bytes]) -> None:
    summary = formats.read_bytes(onnx_files[name], name)
    model = onnx.load_from_string(onnx_files[name])
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    tensors = {tensor.name: tensor for tensor in summary.tensors}
    channels = 0
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            ours, scale = tensors[node.input[0]], arrays[node.input[1]]
            assert ours.scale == tuple(scale.astype(float).ravel())
            assert ours.zero_point == tuple(arrays[node.input[2]].ravel())
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
            assert ours.axis == (axis if scale.size > 1 else None)
            channels += scale.size > 1
        if node.op_type == "QuantizeLinear":
            assert tensors[node.output[0]].scale == (arrays[node.input[1]].item(),)
    assert channels == (3 if name == "int8 per channel" else 0)  # two kernels, one bias


def model_of(
    nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], constants: Any = (), **rest: Any
) -> bytes:
    """A file, from nodes, `(name, type, shape)` ends and named arrays."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(*end) for end in inputs],
        [helper.make_tensor_value_info(*end) for end in outputs],
        [onnx.numpy_helper.from_array(array, name) for name, array in dict(constants).items()],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    for name, value in rest.items():
        if name == "metadata":
            helper.set_model_props(model, value)
        else:
            getattr(model, name).extend(value)
    return bytes(model.SerializeToString())


def precision_of(data: bytes) -> tuple[str, tuple[str, ...]]:
    return formats.precision(formats.read_bytes(data, "file"))


X, Y = ("x", Type.FLOAT, ["n", 8]), ("y", Type.FLOAT, ["n", 8])
QUANTIZED = {
    "s": np.float32(0.1),
    "z": np.int8(3),
    "w": np.ones((8, 8), np.int8),
    "b": np.zeros(8, np.int32),
    "float_b": np.zeros(8, np.float32),
    "sb": np.float32(0.01),
    "low": np.float32(0),
    "high": np.float32(6),
}


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def quantized(*middle: Any, bias: str = "db") -> bytes:
    """A quantized layer; `middle` stands between its result "g" and the last quantizer, which takes "m"."""
    return model_of(
        [
            node("QuantizeLinear", "x s z", "qx"),
            node("DequantizeLinear", "qx s z", "dx"),
            node("Transpose", "w", "wt"),
            node("DequantizeLinear", "wt s z", "dw"),
            node("DequantizeLinear", "b sb", "db"),
            node("Gemm", f"dx dw {bias}", "g"),
            *middle,
            node("QuantizeLinear", "m s z", "qy"),
            node("DequantizeLinear", "qy s z", "y"),
        ],
        [X],
        [Y],
        QUANTIZED,
    )


def test_qdq_is_int8_only_if_every_operator_gets_dequantized_data() -> None:
    assert precision_of(quantized(node("Identity", "g", "m"))) == ("int8", ())
    assert precision_of(quantized(node("Relu", "g", "r"), node("Flatten", "r", "m"))) == ("int8", ())
    assert precision_of(quantized(node("Sigmoid", "g", "m"))) == ("mixed", ("Sigmoid",))
    assert precision_of(quantized(node("Relu", "g", "r"), node("Exp", "r", "e"), node("Neg", "e", "m"))) == (
        "mixed",
        ("Exp", "Neg"),
    )
    assert precision_of(quantized(node("Identity", "g", "m"), bias="float_b")) == ("mixed", ("Gemm",))
    # The data may be moved between; that is no computation.
    moved = [node("Reshape", "dx shape", "rx"), node("Unsqueeze", "rx axis", "ux"), node("Abs", "ux", "y")]
    data = model_of(
        [node("QuantizeLinear", "x s z", "qx"), node("DequantizeLinear", "qx s z", "dx"), *moved],
        [X],
        [Y],
        {**QUANTIZED, "shape": np.array([1, -1]), "axis": np.array([0])},
    )
    assert precision_of(data) == ("int8", ())
    after = [node("Flatten", "g", "f"), node("Clip", "f low high", "m")]
    assert precision_of(quantized(*after)) == ("int8", ())


def dequantized(*after: Any, **constants: Any) -> bytes:
    """A file of a quantized input "dx" and of what comes after it."""
    first = [node("QuantizeLinear", "x s z", "qx"), node("DequantizeLinear", "qx s z", "dx")]
    return model_of([*first, *after], [X, ("ids", Type.INT64, [8])], [Y], {**QUANTIZED, **constants})


def test_what_qdq_leaves_open_is_not_taken_for_int8() -> None:
    def other_makers(domain: str) -> bytes:
        return dequantized(helper.make_node("Mystery", ["dx"], ["y"], domain=domain))

    assert precision_of(other_makers("org.example")) == ("mixed", ("org.example.Mystery",))
    assert precision_of(other_makers("com.microsoft")) == ("int8", ())
    cast = [node("Cast", "ids", "f", to=Type.FLOAT), node("Exp", "f", "e"), node("Abs", "dx", "y")]
    assert precision_of(dequantized(*cast)) == ("mixed", ("Exp",))
    weights = [node("QuantizeLinear", "stored s z", "q"), node("DequantizeLinear", "q s z", "d")]
    stored = np.ones((8, 8), np.float32)
    assert precision_of(dequantized(*weights, node("MatMul", "dx d", "y"), stored=stored)) == (
        "mixed",
        ("QuantizeLinear",),
    )
    padded = [node("Pad", "dx pads high", "p"), node("Abs", "p", "y")]
    assert precision_of(dequantized(*padded, pads=np.zeros(4, np.int64))) == ("int8", ())
    scales = np.array([1, 2], np.float32)
    assert precision_of(dequantized(helper.make_node("Resize", ["dx", "", "scales"], ["y"]), scales=scales)) == (
        "int8",
        (),
    )


def test_weights_that_are_only_stored_in_int8_are_int8_dynamic() -> None:
    nodes = [node("DequantizeLinear", "w s z", "dw"), node("MatMul", "x dw", "y")]
    assert precision_of(model_of(nodes, [X], [Y], QUANTIZED)) == ("int8-dynamic", ())
    large = [*nodes[:1], node("MatMul", "x dw", "h"), node("MatMul", "h large", "y")]
    constants = {**QUANTIZED, "large": np.ones((8, 8), np.float32)}
    assert precision_of(model_of(large, [X], [Y], constants)) == ("mixed", ("MatMul",))


def test_integer_operators_without_float_ends_are_int8() -> None:
    nodes = [node("MatMulInteger", "x w z z", "y")]
    ends = [("x", Type.INT8, ["n", 8])], [("y", Type.INT32, ["n", 8])]
    assert precision_of(model_of(nodes, *ends, QUANTIZED)) == ("int8", ())


def test_half_precision_that_is_only_stored_is_not_f16() -> None:
    half = {"w": np.ones((8, 8), np.float16)}
    cast = [node("Cast", "w", "dw", to=Type.FLOAT), node("MatMul", "x dw", "y")]
    assert precision_of(model_of(cast, [X], [Y], half)) == ("mixed", ("MatMul",))
    inside = [
        node("Cast", "x", "hx", to=Type.FLOAT16),
        node("MatMul", "hx w", "hy"),
        node("Cast", "hy", "y", to=Type.FLOAT),
    ]
    assert precision_of(model_of(inside, [X], [Y], half)) == ("f16", ())
    ends = [("x", Type.FLOAT16, [1])], [("y", Type.FLOAT16, [1])]
    assert precision_of(model_of([node("Exp", "x", "y")], *ends)) == ("f16", ())


def test_double_precision_is_mixed() -> None:
    ends = [("x", Type.DOUBLE, [1])], [("y", Type.DOUBLE, [1])]
    assert precision_of(model_of([node("Exp", "x", "y")], *ends)) == ("mixed", ("Exp",))


def test_integer_bookkeeping_does_not_matter() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape zero", "n"),
        node("Concat", "n rest", "target"),
        node("Reshape", "x target", "y"),
    ]
    constants = {"zero": np.array([0]), "rest": np.array([8])}
    assert precision_of(model_of(nodes, [X], [Y], constants)) == ("f32", ())


def branches(*nodes: Any) -> bytes:
    """A file whose weight and operator are in the branches of an If."""

    def body(name: str, *inner: Any) -> Any:
        return helper.make_graph(list(inner), name, [], [helper.make_tensor_value_info(name, Type.FLOAT, None)])

    weight = onnx.numpy_helper.from_array(np.ones((8, 8), np.float32))
    then = body("t", helper.make_node("Constant", [], ["c"], value=weight), node("MatMul", "x c", "t"))
    other = body("e", *(nodes or [node("MatMul", "x w", "e")]))
    choice = helper.make_node("If", ["which"], ["y"], then_branch=then, else_branch=other)
    return model_of([choice], [X, ("which", Type.BOOL, [])], [Y], {"w": np.ones((8, 8), np.float32)})


def test_bodies_are_read_too() -> None:
    data = branches()
    check_against_the_package(data)
    summary = formats.read_bytes(data, "file")
    assert summary.subgraphs == 3
    assert [[operator.name for operator in body.operators] for body in summary.bodies] == [
        ["MatMul"],
        ["Constant", "MatMul"],
    ]
    assert summary.weight_bytes == 2 * 256  # what the branch borrows counts once
    assert summary.tensors[summary.outputs[0]].dtype == "float32"
    assert formats.precision(summary) == ("f32", ())
    half = branches(node("Cast", "x", "h", to=Type.FLOAT16), node("Exp", "h", "f"), node("Cast", "f", "e", to=1))
    assert precision_of(half) == ("mixed", ("MatMul",))


def test_an_operator_waits_for_what_its_bodies_use() -> None:
    def body(name: str, *inner: Any) -> Any:
        return helper.make_graph(list(inner), name, [], [helper.make_tensor_value_info(name, Type.FLOAT, None)])

    def choice(made: str, then: Any, other: Any) -> Any:
        return helper.make_node("If", ["which"], [made], then_branch=then, else_branch=other)

    deep = choice("deep", body("t2", node("Neg", "late", "t2")), body("e2", node("Exp", "x", "e2")))
    nodes = [
        choice("c", body("t", deep, node("Identity", "deep", "t")), body("e", node("Identity", "x", "e"))),
        node("Sqrt", "x", "late"),
        node("Abs", "c", "a"),
        node("Identity", "a", "y"),
    ]
    summary = formats.read_bytes(model_of(nodes, [X, ("which", Type.BOOL, [])], [Y]), "file")
    assert [operator.name for operator in summary.operators] == ["Sqrt", "If", "Abs", "Identity"]
    assert summary.subgraphs == 5
    # What an If gives is what its branches give, though nobody declares it.
    assert summary.tensors[summary.operators[2].inputs[0]].dtype == "float32"


def test_scales_are_found_through_bodies_and_from_the_end() -> None:
    weight = np.ones((2, 3), np.int8)
    constants = {"w": weight, "s": np.array([1, 2, 3], np.float32)}
    last = node("DequantizeLinear", "w s", "y", axis=-1)
    summary = formats.read_bytes(model_of([last], [X], [Y], constants), "file")
    expected = ((1.0, 2.0, 3.0), (0, 0, 0), 1)
    ours = {tensor.name: tensor for tensor in summary.tensors}["w"]
    assert (ours.scale, ours.zero_point, ours.axis) == expected
    inner = helper.make_graph(
        [node("DequantizeLinear", "w s", "t", axis=-1)], "t", [], [helper.make_tensor_value_info("t", 1, None)]
    )
    choice = helper.make_node("If", ["which"], ["y"], then_branch=inner, else_branch=inner)
    summary = formats.read_bytes(model_of([choice], [("which", Type.BOOL, [])], [Y], constants), "file")
    ours = {tensor.name: tensor for tensor in summary.bodies[0].tensors}["w"]
    assert (ours.scale, ours.zero_point, ours.axis) == expected


def test_versions_of_other_domains_are_told() -> None:
    model = onnx.load_from_string(model_of([helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")], [X], [Y]))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 3))
    summary = formats.read_bytes(model.SerializeToString(), "file")
    assert summary.schema == "ONNX IR 10, opset 21, com.microsoft 3"
    (operator,) = summary.operators
    assert (operator.name, operator.custom, operator.version) == ("com.microsoft.Gelu", True, 3)


def test_a_length_below_zero_is_a_free_axis() -> None:
    data = model_of([node("Exp", "x", "y")], [("x", Type.FLOAT, [-1, 8])], [Y])
    assert formats.read_bytes(data, "file").tensors[0].shape == (None, 8)


def test_the_contract_travels_in_the_metadata() -> None:
    contract = Contract(name="netz", graphs=(Graph("predict", (), ()),), labels=("ä",))
    data = model_of([node("Exp", "x", "y")], [X], [Y], metadata={KEY: contract.to_json(), "author": "me"})
    summary = formats.read_bytes(data, "file")
    assert summary.contract == contract
    assert summary.metadata["author"] == b"me"
    check_against_the_package(data)


def test_operators_out_of_order_are_put_in_order() -> None:
    nodes = [node("Add", "c x", "y"), node("Exp", "x", "b"), node("Neg", "b", "c")]
    data = model_of(nodes, [X], [Y])
    assert [o.name for o in formats.read_bytes(data, "file").operators] == ["Exp", "Neg", "Add"]
    check_against_the_package(data)
    forked = [node("Add", "c d", "y"), node("Exp", "x", "c"), node("Neg", "x", "d")]
    assert [o.name for o in formats.read_bytes(model_of(forked, [X], [Y]), "file").operators] == ["Exp", "Neg", "Add"]
    waiting = [node("Add", "c x", "y"), node("Neg", "y", "c")]
    with pytest.raises(Refused, match="wait for each other"):
        formats.read_bytes(model_of(waiting, [X], [Y]), "file")


def test_constants_in_every_spelling() -> None:
    kinds = [Type.FLOAT, Type.DOUBLE, Type.INT8, Type.UINT16, Type.INT64, Type.UINT64, Type.FLOAT16, Type.BOOL]
    kinds += [Type.COMPLEX64, Type.INT4, Type.UINT4, Type.BFLOAT16]
    constants = [helper.make_tensor(f"typed{kind}", kind, [3], [1, 0, 1]) for kind in kinds]
    constants += [helper.make_tensor(f"raw{kind}", kind, [3], bytes(n), raw=True) for kind, n in ((1, 12), (22, 2))]
    constants += [helper.make_tensor("text", Type.STRING, [2], [b"ab", b"cde"])]
    model = onnx.load_from_string(model_of([node("Exp", "x", "y")], [X], [Y]))
    model.graph.initializer.extend(constants)
    plain = {
        "value_float": (1.5, "float32", (), 4),
        "value_floats": ([1.5, 2.5], "float32", (2,), 8),
        "value_int": (7, "int64", (), 8),
        "value_ints": ([7, 8, -1], "int64", (3,), 24),
    }
    for name, (value, *_) in plain.items():
        model.graph.node.append(helper.make_node("Constant", [], [name], **{name: value}))
    data = model.SerializeToString()
    summary = formats.read_bytes(data, "file")
    tensors = {tensor.name: tensor for tensor in summary.tensors}
    for constant in constants:
        ours = tensors[constant.name]
        assert (ours.constant, ours.shape, our_dtype(ours.dtype)) == (
            True,
            tuple(constant.dims),
            dtype(constant.data_type),
        )
        if ours.dtype != "string":
            bits = {"complex64": 64, "bool": 8, "bfloat16": 16}.get(ours.dtype) or int(
                "".join(filter(str.isdigit, ours.dtype))
            )
            assert ours.bytes == -(-3 * bits // 8), constant.name
    assert tensors["text"].bytes == 5
    for name, (_, *expected) in plain.items():
        ours = tensors[name]
        assert [ours.constant, ours.dtype, ours.shape, ours.bytes] == [True, *expected]


def broken_model(name: str) -> bytes:
    """Ways in which well-formed protobuf is no model."""
    nodes = [node("MatMul", "x w", "h"), node("DequantizeLinear", "q s", "d"), node("Add", "h d", "y")]
    constants = {"w": np.ones((8, 8), np.float32), "q": np.ones(8, np.int8), "s": np.float32(1)}
    model = onnx.load_from_string(model_of(nodes, [X], [Y], constants))
    graph = model.graph
    match name:
        case "no IR version":
            model.ClearField("ir_version")
        case "unknown value":
            graph.node[0].input[0] = "nothing"
        case "value made twice":
            graph.node[1].output[0] = "h"
        case "unknown output":
            graph.output[0].name = "nothing"
        case "no operator name":
            graph.node[0].op_type = ""
        case "short weights":
            graph.initializer[0].dims[0] = 9
        case "short typed weights":
            graph.initializer[0].ClearField("raw_data")
            graph.initializer[0].float_data.extend([1.0] * 63)
        case "negative shape":
            graph.initializer[0].dims[0] = -8
        case "element type":
            graph.initializer[0].data_type = 99
        case "no element type":
            graph.initializer[0].data_type = 0
        case "scale":
            graph.initializer[2].CopyFrom(onnx.numpy_helper.from_array(np.float32(-1), "s"))
        case "channels":
            graph.initializer[2].CopyFrom(onnx.numpy_helper.from_array(np.ones(7, np.float32), "s"))
        case "constant named twice":
            graph.initializer.add().CopyFrom(graph.initializer[0])
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("no IR version", "no IR version"),
        ("unknown value", 'value "nothing" used before it is made'),
        ("value made twice", 'value "h" defined twice'),
        ("unknown output", 'value "nothing"'),
        ("no operator name", "operator without a name"),
        ("short weights", r'"w" of shape \(9, 8\)'),
        ("short typed weights", r'"w" of shape \(8, 8\)'),
        ("negative shape", "a tensor of shape"),
        ("element type", "unknown element type 99"),
        ("no element type", "of no element type"),
        ("scale", "negative or not finite"),
        ("channels", "7 scales on axis 1"),
        ("constant named twice", 'value "w" defined twice'),
    ],
)
def test_an_inconsistent_model_is_refused(name: str, received: str) -> None:
    formats.read_bytes(broken_model("nothing"), "file")
    with pytest.raises(Refused, match=received):
        formats.read_bytes(broken_model(name), "file")


def test_weights_in_other_files_are_refused(tmp_path: Path, onnx_files: dict[str, bytes]) -> None:
    model = onnx.load_from_string(onnx_files["f32"])
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    with pytest.raises(Refused, match=r'hold its own weights[^$]*"kernel" in the file "w\.bin"'):
        formats.read(tmp_path / "m.onnx")
    model = onnx.load_from_string(onnx_files["f32"])
    model.graph.initializer[0].data_location = Type.EXTERNAL
    with pytest.raises(Refused, match='"kernel" in another file'):
        formats.read_bytes(model.SerializeToString(), "file")


def test_read_goes_by_content(tmp_path: Path, onnx_files: dict[str, bytes]) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(onnx_files["int8"])
    assert formats.read(file).format == "onnx"
    file.write_bytes(onnx_files["int8"][:-9])
    with pytest.raises(Refused, match="as a damaged ONNX file does"):
        formats.read(file)
    with pytest.raises(Refused, match="two main graphs"):
        formats.read_bytes(onnx_files["int8"] + b"\x3a\x00", "file")


def test_reading_imports_nothing_heavy(tmp_path: Path, onnx_files: dict[str, bytes]) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(onnx_files["int8"])
    code = (
        "import sys; from edgeproof import formats; print(formats.precision(formats.read(sys.argv[1]))[0]); "
        "print(sorted({'numpy', 'onnx', 'google', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["int8", "[]"]
