"""TFLite Metadata: aligned weights, fields where other readers look for them, and an unchanged model."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from flatbuffers.table import Table

from edgeproof.contract import Contract, Decode, Frontend, Tensor
from export import arrays, formats, pipeline
from export.tflite_metadata import aligned, with_metadata
from export.worker import Worker

PRECISIONS = formats.load("tflite").precisions


@pytest.fixture(scope="module")
def plain(
    made: pipeline.Outcome, small: Any, worker: Worker, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """By precision, what TensorFlow's converter gives."""
    folder = tmp_path_factory.mktemp("plain")
    images = made.samples.calibration["image"][..., None].astype(np.float32) * np.float32(1 / 255.0)
    arrays.write(folder / "calibration.npz", {"image": images})
    found = {}
    for precision in PRECISIONS:
        worker.call(
            "children:plain_flatbuffer", checkpoint=str(small.checkpoint), path=str(folder / "plain.tflite"),
            calibration=str(folder / "calibration.npz"), precision=precision,
        )  # fmt: skip
        found[precision] = (folder / "plain.tflite").read_bytes()
    return found


@pytest.fixture(scope="module")
def finished(made: pipeline.Outcome) -> dict[str, bytes]:
    """By precision, the artifact."""
    return {p: (made.out / f"small.{p}.tflite").read_bytes() for p in PRECISIONS}


# --- alignment ---


def buffers(schema: Any, data: bytes) -> list[tuple[int, int]]:
    """Offset and length of every non-empty buffer, by TensorFlow's own generated reader."""
    model = schema.Model.GetRootAs(bytearray(data), 0)
    found = []
    for i in range(model.BuffersLength()):
        table = model.Buffers(i)._tab
        field = table.Offset(4)
        if field and table.VectorLen(field):
            found.append((table.Vector(field), table.VectorLen(field)))
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_buffer_starts_on_a_boundary_of_16(finished: dict[str, bytes], schema: Any, precision: str) -> None:
    found = buffers(schema, finished[precision])
    assert len(found) > 5
    assert {start % 16 for start, _ in found} == {0}
    assert sum(size for _, size in found) > 2000, "the weights were not among them"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_bare_flatbuffer_is_aligned_with_nothing_added(plain: dict[str, bytes], schema: Any, precision: str) -> None:
    data = aligned(plain[precision])
    assert {start % 16 for start, _ in buffers(schema, data)} == {0}
    before, after = (schema.ModelT.InitFromPackedBuf(bytearray(d), 0) for d in (plain[precision], data))
    assert [m.name for m in after.metadata or []] == [m.name for m in before.metadata or []]
    assert aligned(data) == data


def test_tensorflows_own_packer_is_why(plain: dict[str, bytes], schema: Any) -> None:
    def packed(data: bytes) -> bytes:
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(schema.ModelT.InitFromPackedBuf(bytearray(data), 0).Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    offsets = [start % 16 for data in plain.values() for start, _ in buffers(schema, packed(data))]
    if not any(offsets):
        pytest.skip("this flatbuffers package aligns by itself: export/tflite_metadata.py could be simpler")
    converted = [start % 16 for data in plain.values() for start, _ in buffers(schema, data)]
    assert any(converted), "TensorFlow's converter aligns by now"


# --- the metadata of others ---


def table(parent: Table, slot: int) -> Table:
    """The sub-table in a field, by its number; flatbuffers' own accessors and no schema of ours."""
    offset = parent.Offset(4 + 2 * slot)
    assert offset, f"field {slot} is not there"
    return Table(parent.Bytes, parent.Indirect(parent.Pos + offset))


def rows(parent: Table, slot: int) -> list[Table]:
    offset = parent.Offset(4 + 2 * slot)
    if not offset:
        return []
    start = parent.Vector(offset)
    return [Table(parent.Bytes, parent.Indirect(start + 4 * i)) for i in range(parent.VectorLen(offset))]


def text(parent: Table, slot: int) -> str | None:
    offset = parent.Offset(4 + 2 * slot)
    return bytes(parent.String(parent.Pos + offset)).decode() if offset else None


def number(parent: Table, slot: int) -> int:
    offset = parent.Offset(4 + 2 * slot)
    return int(parent.Get(flatbuffers.number_types.Int8Flags, parent.Pos + offset)) if offset else 0


def floats(parent: Table, slot: int) -> list[float]:
    offset = parent.Offset(4 + 2 * slot)
    start, kind = parent.Vector(offset), flatbuffers.number_types.Float32Flags
    return [float(parent.Get(kind, start + 4 * i)) for i in range(parent.VectorLen(offset))]


def metadata(schema: Any, data: bytes) -> Table:
    """The root table of the buffer that readers of TFLite Metadata look for."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    (entry,) = [m for m in model.metadata if m.name == b"TFLITE_METADATA"]
    body = bytes(model.buffers[entry.buffer].data)
    assert body[4:8] == b"M001"
    assert flatbuffers.util.BufferHasIdentifier(body, 0, b"M001")
    return Table(bytearray(body), flatbuffers.encode.Get(flatbuffers.packer.uoffset, body, 0))


# Numbers of fields and members of unions: metadata_schema.fbs 1.1.0 of the tflite-support repository.
NAME, DESCRIPTION, VERSION, SUBGRAPHS, PARSER = 0, 1, 2, 3, 7
INPUTS, OUTPUTS = 2, 3
CONTENT, UNITS, FILES = 3, 4, 6
NORMALIZATION, IMAGE, LABELS, RGB, GREY = 1, 2, 2, 1, 2


def test_name_normalization_and_labels_stand_where_readers_look(finished: dict[str, bytes], schema: Any) -> None:
    root = metadata(schema, finished["int8"])
    assert text(root, NAME) == "Stripes"
    assert text(root, DESCRIPTION) == "Recipe stripes"
    assert text(root, PARSER) == "1.0.0"
    (graph,) = rows(root, SUBGRAPHS)
    (image,), (logits,) = rows(graph, INPUTS), rows(graph, OUTPUTS)
    assert (text(image, NAME), text(logits, NAME)) == ("image", "logits")
    content = table(image, CONTENT)
    assert number(content, 0) == IMAGE
    assert number(table(content, 1), 0) == GREY
    (unit,) = rows(image, UNITS)
    assert number(unit, 0) == NORMALIZATION
    # Ours is x / 255; theirs is (x - mean) / std.
    assert floats(table(unit, 1), 0) == [0.0]
    assert floats(table(unit, 1), 1) == [255.0]
    (labels,) = rows(logits, FILES)
    assert text(labels, NAME) == "labels.txt"
    assert number(labels, 2) == LABELS
    with zipfile.ZipFile(io.BytesIO(finished["int8"])) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.txt"]
        assert archive.read("labels.txt").decode().splitlines() == ["across", "down", "slanted"]


@pytest.mark.parametrize(
    ("factor", "offset"), [(1 / 255, 0.0), (1.275 / 255, -0.1), (2 / 255, -1.0), (1.0, -127.5), (-0.5, 3.0)]
)
def test_their_normalization_is_our_scale_step(
    plain: dict[str, bytes], schema: Any, small: Any, factor: float, offset: float
) -> None:
    from edgeproof import frontend

    step = {"op": "scale", "factor": factor, "offset": offset}
    image = Frontend("image", "image", ({"op": "channels", "channels": 1}, step))
    contract = dataclasses.replace(contract_of(small), frontends=(image,))
    (graph,) = rows(metadata(schema, with_metadata(plain["f32"], contract)), SUBGRAPHS)
    (unit,) = rows(rows(graph, INPUTS)[0], UNITS)
    (mean,), (std,) = floats(table(unit, 1), 0), floats(table(unit, 1), 1)
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    # Both in float32, whose steps are 1e-7 of the largest value.
    ours = frontend.apply(image, pixels).ravel()
    np.testing.assert_allclose((pixels.ravel() - mean) / std, ours, atol=1e-6 * np.abs(ours).max())


def contract_of(small: Any) -> Contract:
    import h5py

    with h5py.File(small.checkpoint) as file:
        return Contract.from_json(file.attrs[Contract.KEY])


def test_colour_numbers_and_no_labels_are_told_as_such(plain: dict[str, bytes], schema: Any, small: Any) -> None:
    contract = contract_of(small)
    (graph,) = contract.graphs
    colour = dataclasses.replace(graph, inputs=(Tensor("image", (None, 8, 8, 3)),))
    data = with_metadata(plain["f32"], dataclasses.replace(contract, graphs=(colour,)))
    (found,) = rows(metadata(schema, data), SUBGRAPHS)
    assert number(table(table(rows(found, INPUTS)[0], CONTENT), 1), 0) == RGB

    bare = dataclasses.replace(contract, frontends=(), labels=(), decode=Decode())
    data = with_metadata(plain["f32"], bare)
    (found,) = rows(metadata(schema, data), SUBGRAPHS)
    (given,), (result,) = rows(found, INPUTS), rows(found, OUTPUTS)
    assert number(table(given, CONTENT), 0) == 1  # FeatureProperties
    assert not rows(given, UNITS)
    assert not rows(result, FILES)
    assert not zipfile.is_zipfile(io.BytesIO(data))


def test_a_label_is_a_line_whatever_is_in_it(plain: dict[str, bytes], small: Any) -> None:
    labels = ("two\nlines\r\nand more", "日本 \u2028 x", "")
    data = with_metadata(plain["f32"], dataclasses.replace(contract_of(small), labels=labels))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lines = archive.read("labels.txt").decode().split("\n")
    assert len(lines) == len(labels) + 1
    assert lines[0] == "two lines and more"
    assert lines[-1] == ""


# --- the model itself ---


@pytest.mark.parametrize("kernels", ["xnnpack", "builtin", "reference"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_model_gives_the_same_bits_as_before(
    plain: dict[str, bytes], finished: dict[str, bytes], precision: str, kernels: str
) -> None:
    before, after = (run(data[precision], kernels) for data in (plain, finished))
    assert len(np.unique(before)) > 10, "outputs that hardly change prove little"
    assert np.array_equal(before, after)


def run(data: bytes, kernels: str) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = {"xnnpack": "AUTO", "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}[kernels]
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType[resolver])
    interpreter.allocate_tensors()
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    rng, outputs = np.random.default_rng(0), []
    for _ in range(20):
        values = rng.random(given["shape"])
        if given["dtype"] != np.float32:
            scale, zero = given["quantization"]
            limits = np.iinfo(given["dtype"])
            values = np.clip(np.rint(values / scale) + zero, limits.min, limits.max)
        interpreter.set_tensor(given["index"], values.astype(given["dtype"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result["index"]))
    return np.concatenate(outputs)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tensors_operators_and_weights_are_those_of_the_converter(
    plain: dict[str, bytes], finished: dict[str, bytes], schema: Any, precision: str
) -> None:
    before, after = (schema.ModelT.InitFromPackedBuf(bytearray(d[precision]), 0) for d in (plain, finished))
    assert len(before.subgraphs) == len(after.subgraphs)
    for ours, theirs in zip(after.subgraphs, before.subgraphs, strict=True):
        assert len(ours.operators) == len(theirs.operators)
        for tensor, original in zip(ours.tensors, theirs.tensors, strict=True):
            assert (tensor.name, tensor.type) == (original.name, original.type)
            assert list(tensor.shape) == list(original.shape)
            assert np.array_equal(after.buffers[tensor.buffer].data, before.buffers[original.buffer].data)
    names = {m.name for m in after.metadata}
    assert names == {m.name for m in before.metadata} | {b"edgeproof.contract", b"TFLITE_METADATA"}


def test_metadata_put_in_again_replaces_the_old(finished: dict[str, bytes], schema: Any, small: Any) -> None:
    contract = dataclasses.replace(contract_of(small), title="Anew", labels=("a", "b", "c"))
    data = with_metadata(finished["f32"], contract)
    assert text(metadata(schema, data), NAME) == "Anew"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("labels.txt") == b"a\nb\nc\n"


def test_what_is_written_does_not_depend_on_the_clock(plain: dict[str, bytes], small: Any, tmp_path: Path) -> None:
    data = with_metadata(plain["f32"], contract_of(small))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
    assert with_metadata(plain["f32"], contract_of(small)) == data
