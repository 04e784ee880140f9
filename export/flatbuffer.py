"""A .tflite file as objects, and back: weights on 16-byte boundaries, nothing stored twice.

TensorFlow's Python packer ignores the schema's `force_align: 16`, after which a microcontroller that reads an
int32 bias in place faults; and it writes every scale, zero point and shape as often as it is used: 16 bytes of zeros
and scales a channel. The packer here keeps the first and shares the second.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

_ALIGNMENT = 16
_MARK = b"TFL3"


def unpack(data: bytes) -> Any:
    """The `ModelT` of the public schema."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(bytearray(data), 0)


def pack(model: Any) -> bytes:
    """The bytes of a `ModelT`: buffers that nothing uses are left out, equal ones stored once.

    The model is spent afterwards: its parts have become ones that pack themselves.
    """
    _tidy_buffers(model)
    builder = flatbuffers.Builder(1 << 20)
    shared: dict[Any, int] = {}
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    for graph in model.subgraphs:
        graph.tensors = [_Tensor(tensor, shared) for tensor in graph.tensors]
    builder.Finish(model.Pack(builder), file_identifier=_MARK)
    return bytes(builder.Output())


def _tidy_buffers(model: Any) -> None:
    """Buffer 0 is empty by convention; tensors without data go there."""
    from ai_edge_litert import schema_py_generated as schema

    kept: dict[bytes, int] = {b"": 0}
    variables = {id(t) for graph in model.subgraphs for t in graph.tensors if t.isVariable}

    def moved(index: int) -> int:
        data = model.buffers[index].data
        return kept.setdefault(b"" if data is None else bytes(data), len(kept))

    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = 0 if id(tensor) in variables else moved(tensor.buffer)
    for entry in model.metadata or []:
        entry.buffer = moved(entry.buffer)
    model.metadataBuffer = None
    buffers = []
    for data in kept:
        buffer = schema.BufferT()
        buffer.data = data
        buffers.append(buffer)
    model.buffers = buffers


class _AlignedBuffer:
    """A buffer that packs its bytes on a boundary of 16."""

    def __init__(self, data: Any) -> None:
        self.data = b"" if data is None else bytes(data)

    def Pack(self, builder: flatbuffers.Builder) -> int:
        from ai_edge_litert import schema_py_generated as schema

        vector = 0
        if self.data:
            builder.StartVector(1, len(self.data), _ALIGNMENT)
            builder.head -= len(self.data)
            builder.Bytes[builder.head : builder.head + len(self.data)] = self.data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class _Tensor:
    """A tensor that packs its name, shape and quantization once for all that have the same."""

    def __init__(self, tensor: Any, shared: dict[Any, int]) -> None:
        self._tensor, self._shared = tensor, shared

    def Pack(self, builder: flatbuffers.Builder) -> int:
        from ai_edge_litert import schema_py_generated as schema

        tensor = self._tensor
        if tensor.sparsity is not None or tensor.variantTensors:
            return int(tensor.Pack(builder))
        name = tensor.name if isinstance(tensor.name, bytes) else (tensor.name or "").encode()
        name_at = self._once(("name", name), lambda: builder.CreateString(name))
        shape_at = self._vector(builder, tensor.shape, np.int32) if tensor.shape is not None else None
        signature = tensor.shapeSignature
        signature_at = self._vector(builder, signature, np.int32) if signature is not None else None
        quantization_at = self._quantization(builder, tensor.quantization)
        schema.TensorStart(builder)
        if shape_at is not None:
            schema.TensorAddShape(builder, shape_at)
        schema.TensorAddType(builder, tensor.type)
        schema.TensorAddBuffer(builder, tensor.buffer)
        schema.TensorAddName(builder, name_at)
        if quantization_at is not None:
            schema.TensorAddQuantization(builder, quantization_at)
        schema.TensorAddIsVariable(builder, tensor.isVariable)
        if signature_at is not None:
            schema.TensorAddShapeSignature(builder, signature_at)
        schema.TensorAddHasRank(builder, tensor.hasRank)
        return int(schema.TensorEnd(builder))

    def _quantization(self, builder: flatbuffers.Builder, quantization: Any) -> int | None:
        from ai_edge_litert import schema_py_generated as schema

        if quantization is None or quantization.details is not None:
            return None if quantization is None else int(quantization.Pack(builder))
        parts = {
            "Scale": (quantization.scale, np.float32),
            "ZeroPoint": (quantization.zeroPoint, np.int64),
        }
        at = {k: self._vector(builder, v, kind) for k, (v, kind) in parts.items() if v is not None and len(v)}
        dimension = quantization.quantizedDimension

        def make() -> int:
            schema.QuantizationParametersStart(builder)
            for part, offset in at.items():
                getattr(schema, f"QuantizationParametersAdd{part}")(builder, offset)
            schema.QuantizationParametersAddQuantizedDimension(builder, dimension)
            return int(schema.QuantizationParametersEnd(builder))

        return self._once(("quantization", *at.items(), dimension), make) if at else None

    def _vector(self, builder: flatbuffers.Builder, values: Any, kind: Any) -> int:
        array = np.asarray(values, kind)
        return self._once((np.dtype(kind).str, array.tobytes()), lambda: builder.CreateNumpyVector(array))

    def _once(self, key: Any, make: Any) -> int:
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]
