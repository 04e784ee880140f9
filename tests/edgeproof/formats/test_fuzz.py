"""Files that lie: whatever the bytes are, the answer is a sound summary or a refusal, soon and in little memory."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeproof import formats
from edgeproof.errors import Refused
from edgeproof.formats import onnx as onnx_file
from edgeproof.formats import protobuf
from edgeproof.formats.flatbuffer import Reader

PRECISIONS = {"f32", "f16", "int8-dynamic", "int8", "int16x8", "mixed"}
SECONDS = 2.0  # of processor time for kilobytes; they take milliseconds


def examine(data: bytes) -> formats.Summary | None:
    """Read bytes as every caller does, and check that an accepted file is sound; None for a refusal."""
    started = time.process_time()
    try:
        summary = formats.read_bytes(data, "file")
        assert formats.precision(summary)[0] in PRECISIONS
        assert 0 <= summary.weight_bytes <= 2 * len(data)
        assert sum(summary.operator_counts.values()) == len(summary.operators)
        for tensors, operators in summary.graphs:
            used = [i for operator in operators for i in (*operator.inputs, *operator.outputs)]
            assert min(used, default=0) >= -1
            assert max(used, default=0) < max(len(tensors), 1)
            for tensor in tensors:
                assert len(tensor.scale) == len(tensor.zero_point)
                assert tensor.bytes >= 0
        ends = [i for ends in summary.signatures.values() for side in ends.values() for i in side.values()]
        assert all(0 <= i < len(summary.tensors) for i in (*summary.inputs, *summary.outputs, *ends))
        _ = summary.contract
    except Refused:
        return None
    finally:
        assert time.process_time() - started < SECONDS
    return summary


def mutations(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`data` with bits flipped, bytes lost, repeated, or overwritten with lengths that no file has."""
    generator = random.Random(seed)
    lengths = [0, 1, 4, 127, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF]
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(generator.choice((1, 1, 1, 2, 4, 16))):
            at = generator.randrange(len(changed))
            match generator.randrange(7):
                case 0 | 1:
                    changed[at] ^= 1 << generator.randrange(8)
                case 2:
                    changed[at] = generator.choice((0, 1, 0x7F, 0x80, 0xFF))
                case 3:
                    changed[at : at + 4] = struct.pack("<I", generator.choice(lengths))
                case 4:
                    changed[at:at] = changed[at : at + generator.choice((1, 4, 64))]
                case 5:
                    del changed[at : at + generator.choice((1, 4, 64))]
                case _:
                    changed[at:at] = b"\xff" * generator.choice((1, 9, 10))
            if not changed:
                break
        yield bytes(changed)


@pytest.fixture(scope="session")
def seeds(
    build_tflite: Callable[..., bytes], tflite_files: dict[str, bytes], onnx_files: dict[str, bytes]
) -> dict[str, bytes]:
    """Files of a few hundred bytes to a few thousand, most of them structure."""
    tensors = [
        ("x", [1, 4], "INT8", None, [0.1]),
        ("w", [4, 4], "INT8", bytes(range(16)), [0.1, 0.2, 0.3, 0.4]),
        ("y", [1, 4], "INT8", None, [0.1]),
    ]
    graph = tensors, [("FULLY_CONNECTED", [0, 1, -1], [2]), ("custom:own", [2], [2])], [0], [2]
    by_hand = build_tflite(graph, graph, metadata={"edgeproof.contract": b'{"version": 1}'})
    return {"tflite by hand": by_hand, "tflite": tflite_files["int8"], "onnx": onnx_files["int8"]}


@pytest.mark.parametrize("count", [700, pytest.param(5000, marks=[pytest.mark.all, pytest.mark.timeout(900)])])
@pytest.mark.parametrize("name", ["tflite by hand", "tflite", "onnx"])
def test_mutations(name: str, count: int, seeds: dict[str, bytes]) -> None:
    assert examine(seeds[name]) is not None or name == "tflite by hand"  # its contract is broken
    read = sum(examine(data) is not None for data in mutations(seeds[name], count, seed=1))
    refused = count - read
    assert refused > count // 20  # the mutations reach the structure
    assert read > 0 or name == "tflite by hand"


@pytest.mark.parametrize("name", ["tflite by hand", "onnx"])
def test_every_truncation_is_refused(name: str, seeds: dict[str, bytes]) -> None:
    data = seeds[name]
    parts = list(wire_of(data).fields(0, len(data))) if name == "onnx" else []
    # Cut between two fields behind the graph, an ONNX file is whole: it has less metadata or fewer opsets.
    graph = next((i for i, part in enumerate(parts) if part[0] == 7), 0)
    whole = {stop for *_, stop in parts[graph:-1]}
    assert {length for length in range(len(data)) if examine(data[:length])} == whole


def test_a_refusal_stays_short(build_tflite: Callable[..., bytes]) -> None:
    tensors = [("n" * 100_000, [2], "INT8", b"abc", None)]
    with pytest.raises(Refused) as refused:
        formats.read_bytes(build_tflite((tensors, [], [], [])), "file")
    assert len(str(refused.value)) < 1000


def test_every_byte_of_a_small_file_may_be_anything(seeds: dict[str, bytes]) -> None:
    data = bytearray(seeds["tflite by hand"])
    for at in range(len(data)):
        kept = data[at]
        for value in (0x00, 0x01, 0x7F, 0xFF):
            data[at] = value
            examine(bytes(data))
        data[at] = kept


def test_mutated_files_mean_what_the_oracles_say(seeds: dict[str, bytes], schema: Any) -> None:
    """What we accept and the reference accepts has the same operators in both."""
    onnx = pytest.importorskip("onnx")
    agreed = {"tflite": 0, "onnx": 0}
    for data in mutations(seeds["tflite"], 500, seed=2):
        summary = examine(data)
        if summary and summary.format == "tflite":
            graph = schema.Model.GetRootAs(data, 0).Subgraphs(0)
            assert len(summary.operators) == graph.OperatorsLength()
            assert [t.name for t in summary.tensors] == [
                (graph.Tensors(i).Name() or b"").decode("utf-8", "replace") for i in range(graph.TensorsLength())
            ]
            agreed["tflite"] += 1
    for data in mutations(seeds["onnx"], 1500, seed=2):
        summary = examine(data)
        if summary and summary.format == "onnx":
            try:
                graph = onnx.load_from_string(data).graph
            except Exception:
                continue  # the package is stricter about text
            if all(isinstance(node.op_type, str) for node in graph.node):  # bytes where they are not UTF-8
                kinds = sorted(node.op_type for node in graph.node)
                assert sorted(operator.name for operator in summary.operators if not operator.custom) == kinds
            assert [len(summary.inputs), len(summary.outputs)] == [len(graph.input), len(graph.output)]
            agreed["onnx"] += 1
    assert min(agreed.values()) > 20


SETTINGS = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@SETTINGS
@given(st.binary(max_size=400), st.booleans())
def test_arbitrary_bytes(data: bytes, marked: bool) -> None:
    examine(data[:4] + b"TFL3" + data[4:] if marked else data)


MESSAGES = st.recursive(
    st.tuples(st.integers(1, 30), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=12))),
    lambda inner: st.tuples(st.sampled_from([1, 5, 7, 11, 12]), st.lists(inner, max_size=6)),
    max_leaves=40,
)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: int | bytes | list[Any]) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    body = content if isinstance(content, bytes) else b"".join(field(*part) for part in content)
    return varint(number << 3 | 2) + varint(len(body)) + body


@settings(SETTINGS, max_examples=150)
@given(st.lists(MESSAGES, max_size=8))
def test_arbitrary_messages(graph: list[Any]) -> None:
    data = field(1, 8) + field(7, [part for part in graph if isinstance(part, tuple)])
    assert onnx_file.recognise(data)
    examine(data)


@SETTINGS
@given(st.integers(0, 2**64 - 1), st.binary(max_size=200), st.integers(1, 2**29 - 1))
def test_wire_format(value: int, content: bytes, number: int) -> None:
    data = field(number, value) + field(number, content)
    wire = wire_of(data)
    (a, b) = wire.fields(0, len(data))
    assert a[:3] == (number, protobuf.VARINT, value)
    assert b[:2] == (number, protobuf.BYTES)
    assert data[b[2] : b[3]] == content
    assert protobuf.signed(value) == struct.unpack("<q", struct.pack("<Q", value))[0]


def wire_of(data: bytes) -> protobuf.Wire:
    return protobuf.Wire(data, lambda received: Refused("wire", received=received, fix=""))


def test_numbers_of_ten_bytes_and_more() -> None:
    ((_, _, value, _),) = wire_of(data := b"\x08" + b"\xff" * 9 + b"\x7f").fields(0, len(data))
    assert value == (1 << 64) - 1  # what does not fit falls away, as it does for protobuf
    with pytest.raises(Refused, match="more than ten bytes"):
        list(wire_of(data := b"\x08" + b"\xff" * 10 + b"\x01").fields(0, len(data)))


@pytest.mark.parametrize("number", [0, 1 << 29])
def test_field_numbers_that_protobuf_does_not_have(number: int) -> None:
    with pytest.raises(Refused, match=f"field number {number}"):
        list(wire_of(data := field(number, 1)).fields(0, len(data)))


@SETTINGS
@given(st.binary(max_size=60), st.integers(0, 5), st.sampled_from("bBhHiIqQ"))
def test_a_table_never_reads_outside_the_file(data: bytes, number: int, code: str) -> None:
    try:
        root = Reader(data, lambda received: Refused("table", received=received, fix="")).root()
        root.integer(number, code)
        root.text(number)
        root.numbers(number, code)
        list(root.tables(number))
    except Refused:
        pass


READ = """
import resource, sys, time
from edgeproof import formats
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    summary = formats.read(sys.argv[1])
    formats.precision(summary)
    answer = "read"
except formats.Refused as refused:
    answer = "refused"
print(answer, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10, time.process_time() - started)
"""


def defuse(data: bytes, folder: Path, *, megabytes: int = 400, seconds: float = 20) -> str:
    """Read a bomb in a process of its own: "read" or "refused", within limits of memory and time."""
    file = folder / "bomb"
    file.write_bytes(data)
    done = subprocess.run([sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True)
    answer, grown, took = done.stdout.split()
    assert int(grown) < megabytes
    assert float(took) < seconds
    return answer


def test_one_table_that_is_named_many_times(schema: Any, tmp_path: Path) -> None:
    flatbuffers = pytest.importorskip("flatbuffers")

    def bomb(copies: int) -> bytes:
        builder = flatbuffers.Builder(1 << 20)
        name = builder.CreateString("n" * 100_000)
        schema.TensorStart(builder)
        schema.TensorAddName(builder, name)
        tensor = schema.TensorEnd(builder)
        schema.SubGraphStartTensorsVector(builder, copies)
        for _ in range(copies):
            builder.PrependUOffsetTRelative(tensor)
        tensors = builder.EndVector()
        schema.SubGraphStart(builder)
        schema.SubGraphAddTensors(builder, tensors)
        graph = schema.SubGraphEnd(builder)
        schema.ModelStartSubgraphsVector(builder, 1)
        builder.PrependUOffsetTRelative(graph)
        graphs = builder.EndVector()
        schema.ModelStart(builder)
        schema.ModelAddVersion(builder, 3)
        schema.ModelAddSubgraphs(builder, graphs)
        builder.Finish(schema.ModelEnd(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    assert defuse(bomb(3), tmp_path) == "read"
    assert defuse(bomb(50_000), tmp_path, megabytes=20) == "refused"  # would be five gigabytes of names


def test_a_field_list_that_is_huge_or_overlaps() -> None:
    data = bytearray(70_000)
    data[:8] = struct.pack("<I4s", 8, b"TFL3")
    for vtable in (-4, 4, -60_000, 70_000, 1 << 30, -(1 << 31)):
        data[8:12] = struct.pack("<i", vtable)
        data[4:8] = b"TFL3"
        assert examine(bytes(data)) is None
    # A field list in the last four bytes that says it has two hundred.
    data = bytearray(struct.pack("<I4si", 8, b"TFL3", 8 - 16) + bytes(4) + struct.pack("<HH", 200, 4))
    assert examine(bytes(data)) is None


def test_metadata_that_all_name_one_large_buffer(build_tflite: Callable[..., bytes], tmp_path: Path) -> None:
    def change(model: Any) -> None:
        model.buffers[1].data = np.zeros(1 << 20, np.uint8)
        for entry in model.metadata:
            entry.buffer = 1

    data = build_tflite(([], [], [], []), metadata={str(i): b"x" for i in range(2000)}, change=change)
    assert defuse(data, tmp_path, megabytes=40) == "refused"  # would be two gigabytes


NODE = field(1, [(4, b"Exp")])
BOMBS: dict[str, Callable[[], bytes]] = {
    "graphs within graphs": lambda: field(1, 8) + field(7, nested(2000)),
    "empty operators": lambda: field(1, 8) + field(7, b"\x0a\x00" * 1_000_000),
    "operators": lambda: field(1, 8) + field(7, NODE * 300_000),
    "bodies": lambda: field(1, 8) + field(7, field(1, field(4, b"If") + field(5, b"\x32\x00" * 500_000))),
    "values": lambda: (
        field(1, 8) + field(7, field(1, field(4, b"Split") + b"".join(field(2, b"%d" % i) for i in range(300_000))))
    ),
    "axes": lambda: field(1, 8) + field(7, field(5, field(2, 1) + field(1, 1 << 62) * 200_000)),
    "declared axes": lambda: field(1, 8) + field(7, field(11, field(1, b"x") + field(2, declared(200_000)))),
    "numbers one by one": lambda: (
        field(1, 8) + field(7, field(5, field(1, 1_000_000) + field(2, 7) + field(8, b"c") + field(7, 1) * 1_000_000))
    ),
    "fields": lambda: field(1, 8) * 700_000 + field(7, b""),
    "metadata": lambda: field(1, 8) + field(14, b"") * 500_000 + field(7, b""),
}

HARMLESS = {"fields", "metadata", "numbers one by one"}  # large, but what they say is small


def nested(depth: int) -> bytes:
    graph = b""
    for _ in range(depth):
        graph = field(1, field(4, b"If") + field(5, field(6, graph)))
    return graph


def test_graphs_may_nest_but_not_without_end() -> None:
    assert examine(field(1, 8) + field(7, nested(20))) is not None
    with pytest.raises(Refused, match="graphs within each other"):
        formats.read_bytes(field(1, 8) + field(7, nested(40)), "file")


def declared(axes: int) -> bytes:
    return field(1, field(1, 1) + field(2, field(1, field(1, 1 << 62)) * axes))


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str, tmp_path: Path) -> None:
    assert defuse(BOMBS[name](), tmp_path) == ("read" if name in HARMLESS else "refused")


def test_a_shape_whose_product_is_astronomic(build_tflite: Callable[..., bytes]) -> None:
    tensors = [("x", [2**31 - 1] * 64, "FLOAT32", None, None)]
    summary = formats.read_bytes(build_tflite((tensors, [], [0], [0])), "file")
    assert summary.tensors[0].bytes == 4 * (2**31 - 1) ** 64


def test_a_tensor_that_two_operators_write_is_refused(build_tflite: Callable[..., bytes]) -> None:
    """Kernels of the interpreter take its memory twice, and the process dies."""
    tensors = [(name, [1, 4], "FLOAT32", None, None) for name in ("x", "y", "z")]
    once = [("RELU", [0], [1]), ("RELU", [1], [2])]
    assert formats.read_bytes(build_tflite((tensors, once, [0], [2])), "file")
    for operators in ([*once, ("RELU", [0], [1])], [("RELU", [0], [0])], [("RELU", [0], [1]), ("RELU", [1], [1])]):
        with pytest.raises(Refused, match="which has a value already"):
            formats.read_bytes(build_tflite((tensors, operators, [0], [2])), "file")
