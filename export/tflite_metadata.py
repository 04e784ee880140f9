"""What travels in a .tflite file beside the model: contract, TFLite Metadata, and the labels that go with it."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import flatbuffers

from edgeproof.contract import Contract, Frontend, Tensor
from export import flatbuffer

_METADATA_NAME = "TFLITE_METADATA"  # where readers of TFLite Metadata look
_LABELS = "labels.txt"


def with_metadata(data: bytes, contract: Contract) -> bytes:
    """The same model with the contract, TFLite Metadata, and the labels appended as the zip that goes with it."""
    model = flatbuffer.unpack(data)
    described = _model_metadata(contract)
    _set(model, Contract.KEY, contract.to_json().encode())
    _set(model, _METADATA_NAME, described)
    model.description = f"{contract.title or contract.name}, by Edgeproof".encode()
    packed = flatbuffer.pack(model)
    return packed + _zip(contract.labels) if contract.labels else packed


def aligned(data: bytes) -> bytes:
    """The same model packed anew, nothing added."""
    return flatbuffer.pack(flatbuffer.unpack(data))


def _set(model: Any, name: str, data: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    entry, buffer = schema.MetadataT(), schema.BufferT()
    buffer.data = data
    entry.name, entry.buffer = name.encode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [m for m in model.metadata or [] if m.name != name.encode()] + [entry]


def _zip(labels: tuple[str, ...]) -> bytes:
    """Associated files are a zip behind the flatbuffer; stored, so that readers need no inflate."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as archive:
        # A fixed date, or two exports would differ.
        lines = "".join(re.sub(r"[\r\n]+", " ", label) + "\n" for label in labels)
        archive.writestr(zipfile.ZipInfo(_LABELS, (1980, 1, 1, 0, 0, 0)), lines)
    return body.getvalue()


# TFLite Metadata's schema (metadata_schema.fbs 1.1.0), as far as it is used: field numbers of its tables.
# ModelMetadata: 0 name, 1 description, 2 version, 3 subgraph_metadata, 7 min_parser_version.
# SubGraphMetadata: 0 name, 2 input_tensor_metadata, 3 output_tensor_metadata.
# TensorMetadata: 0 name, 1 description, 3 content, 4 process_units, 6 associated_files.
# Content: 0 type and 1 value of the union (1 feature, 2 image). ImageProperties: 0 color_space (1 RGB, 2 grey).
# ProcessUnit: 0 type and 1 value of the union (1 normalization). NormalizationOptions: 0 mean, 1 std.
# AssociatedFile: 0 name, 1 description, 2 type (2: labels of an axis).
def _model_metadata(contract: Contract) -> bytes:
    builder = flatbuffers.Builder(1024)
    graph = contract.graph()
    inputs = _vector(builder, [_input(builder, t, contract.frontend(t.name)) for t in graph.inputs])
    labelled = contract.decode.output if contract.labels else ""
    outputs = _vector(builder, [_output(builder, t, t.name == labelled) for t in graph.outputs])
    subgraph = _table(builder, 7, {0: builder.CreateString(graph.name), 2: inputs, 3: outputs})
    fields = {
        0: builder.CreateString(contract.title or contract.name),
        1: builder.CreateString(f"Recipe {contract.provenance.recipe or 'none'}"),
        2: builder.CreateString(contract.provenance.checkpoint_sha256[:12]),
        3: _vector(builder, [subgraph]),
        7: builder.CreateString("1.0.0"),
    }
    builder.Finish(_table(builder, 8, fields), file_identifier=b"M001")
    return bytes(builder.Output())


def _input(builder: flatbuffers.Builder, tensor: Tensor, frontend: Frontend) -> int:
    units = []
    scale = next((step for step in frontend.steps if step.get("op") == "scale"), None)
    if scale:
        # Ours is x * factor + offset, theirs (x - mean) / std.
        mean = -float(scale.get("offset", 0.0)) / float(scale["factor"])
        options = _table(builder, 2, {0: _floats(builder, [mean]), 1: _floats(builder, [1.0 / float(scale["factor"])])})
        units.append(_union(builder, 1, options))
    if frontend.kind == "image":
        colour = 2 if tensor.shape[-1] == 1 else 1
        content = _union(builder, 2, _table(builder, 2, {}, small={0: colour}), slots=3)
    else:
        content = _union(builder, 1, _table(builder, 0, {}), slots=3)
    fields = {0: builder.CreateString(tensor.name), 1: builder.CreateString(tensor.meaning), 3: content}
    if units:
        fields[4] = _vector(builder, units)
    return _table(builder, 7, fields)


def _output(builder: flatbuffers.Builder, tensor: Tensor, labelled: bool) -> int:
    fields = {
        0: builder.CreateString(tensor.name),
        1: builder.CreateString(tensor.meaning),
        3: _union(builder, 1, _table(builder, 0, {}), slots=3),
    }
    if labelled:
        name = builder.CreateString(_LABELS)
        fields[6] = _vector(builder, [_table(builder, 4, {0: name}, small={2: 2})])
    return _table(builder, 7, fields)


def _table(
    builder: flatbuffers.Builder, slots: int, fields: dict[int, int], small: dict[int, int] | None = None
) -> int:
    builder.StartObject(slots)
    for slot, offset in fields.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, value in (small or {}).items():
        builder.PrependInt8Slot(slot, value, 0)
    return int(builder.EndObject())


def _union(builder: flatbuffers.Builder, kind: int, value: int, slots: int = 2) -> int:
    return _table(builder, slots, {1: value}, small={0: kind})


def _vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, values: list[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
