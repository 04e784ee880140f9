"""The parts of an ONNX file that describe values: `TensorProto` (stored) and `ValueInfoProto` (declared).

The numbers of fields and types are those of the public `onnx.proto`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from edgeproof.errors import Refused
from edgeproof.formats.protobuf import BYTES, VARINT, Field, Wire, signed

MOST_AXES = 64  # numpy's limit
_MOST_CHUNKS = 64  # of the numbers of one tensor; writers make one
_MOST_VALUES = 1 << 20  # of those that are read at all: scales and zero points

_ELEMENTS = (  # TensorProto.DataType: name and bits of an element, 0 where elements have no fixed size
    ("", 0), ("float32", 32), ("uint8", 8), ("int8", 8), ("uint16", 16), ("int16", 16), ("int32", 32), ("int64", 64),
    ("string", 0), ("bool", 8), ("float16", 16), ("float64", 64), ("uint32", 32), ("uint64", 64), ("complex64", 64),
    ("complex128", 128), ("bfloat16", 16), ("float8_e4m3fn", 8), ("float8_e4m3fnuz", 8), ("float8_e5m2", 8),
    ("float8_e5m2fnuz", 8), ("uint4", 4), ("int4", 4), ("float4_e2m1", 4), ("float8_e8m0", 8), ("uint2", 2),
    ("int2", 2), ("float6_e2m3", 6), ("float6_e3m2", 6),
)  # fmt: skip
BITS = dict(_ELEMENTS)

# Typed data: field -> bytes of an entry, 0 for varints. Types under 4 bytes go into int32_data, one or more an entry.
_TYPED = {4: 4, 5: 0, 7: 0, 10: 8, 11: 0}
_RAW = {"float32": "f", "float16": "e", "float64": "d", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H",
        "int32": "i"}  # fmt: skip
_KINDS = {4: "sequence", 5: "map", 7: "opaque", 9: "optional"}

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Stored:
    """A constant.

    Attributes:
        bytes: what its numbers take, however the file spells them.
        place: where it lies in the file, which no other constant shares.
        raw: where its little-endian bytes lie; `typed`: its entries where it has such instead.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    place: int
    raw: tuple[int, int] | None
    typed: tuple[Field, ...]


def dtype_of(code: int, wire: Wire) -> str:
    """The name of a `TensorProto.DataType`; "" for 0, undefined."""
    if not 0 <= code < len(_ELEMENTS):
        raise wire.broken(f"unknown element type {code}")
    return _ELEMENTS[code][0]


def size(shape: Shape, dtype: str) -> int:
    """Bytes of one sample; free axes count as 1."""
    return (math.prod(axis for axis in shape if axis is not None) * BITS.get(dtype, 0) + 7) // 8


def stored(wire: Wire, start: int, stop: int) -> Stored:
    """Read a `TensorProto`, all but its numbers."""
    name, code, dims = "", 0, []
    raw: tuple[int, int] | None = None
    typed: list[Field] = []
    entries = strings = length = 0
    external = ""
    for field in wire.fields(start, stop):
        number, kind, a, b = field
        if number == 1:
            for axis in wire.integers(field):
                dims.append(axis)
                if len(dims) > MOST_AXES or axis < 0:
                    raise wire.broken(f"a tensor of shape {dims[:4]}...")
        elif number == 2 and kind == VARINT:
            code = a
        elif number == 6 and kind == BYTES:
            strings, length = strings + 1, length + b - a
        elif number == 8 and kind == BYTES:
            name = wire.text(a, b)
        elif number == 9 and kind == BYTES:
            raw = (a, b)
        elif number in _TYPED:
            entries += wire.count(field, _TYPED[number])
            if len(typed) < _MOST_CHUNKS:
                typed.append(field)
        elif number == 13 and kind == BYTES:
            external = external or _location(wire, a, b)
        elif number == 14 and kind == VARINT and a == 1:
            external = external or "another file"
    if external:
        raise Refused(
            "formats: an ONNX file must hold its own weights.",
            received=f'tensor "{name[:80]}" in {external[:80]}',
            fix="save it as one file: onnx.save(model, path, save_as_external_data=False)",
        )
    dtype = dtype_of(code, wire)
    if not dtype:
        raise wire.broken(f'tensor "{name}" of no element type')
    needed = size(tuple(dims), dtype)
    if dtype == "string":
        found, needed = length, (length if strings == math.prod(dims) else -1)
    elif raw is not None:
        found = raw[1] - raw[0]
    else:
        found = needed if entries == _entries(math.prod(dims), dtype) else -1
    if found != needed:
        raise wire.broken(f'tensor "{name}" of shape {tuple(dims)} and type {dtype} with too many or too few numbers')
    return Stored(name, tuple(dims), dtype, found, start, raw, tuple(typed))


def _entries(elements: int, dtype: str) -> int:
    """Entries of typed data for `elements` values."""
    if dtype.startswith("complex"):
        return 2 * elements
    bits = BITS[dtype]
    return -(-elements * bits // 8) if bits in (2, 4) else elements


def _location(wire: Wire, start: int, stop: int) -> str:
    """The file that an `external_data` entry names; "" for its other entries."""
    texts = {number: wire.text(a, b) for number, kind, a, b in wire.fields(start, stop) if kind == BYTES}
    return f'the file "{texts.get(2, "")}"' if texts.get(1) == "location" else ""


def values(wire: Wire, tensor: Stored) -> tuple[float, ...]:
    """The numbers of a constant; () for types that scales do not have, and for more than any scale has."""
    if len(tensor.typed) == _MOST_CHUNKS or math.prod(tensor.shape) > _MOST_VALUES:
        return ()
    if tensor.raw is not None:
        if tensor.dtype not in _RAW:
            return ()
        count = tensor.bytes * 8 // BITS[tensor.dtype]
        return struct.unpack_from(f"<{count}{_RAW[tensor.dtype]}", wire.data, tensor.raw[0])
    if tensor.dtype == "float32":
        return tuple(number for field in tensor.typed for number in wire.floats(field))
    if tensor.dtype in ("int8", "uint8", "int16", "uint16", "int32"):
        return tuple(number for field in tensor.typed for number in wire.integers(field))
    return ()


def declared(wire: Wire, start: int, stop: int) -> tuple[str, str, Shape]:
    """Read a `ValueInfoProto`: name, dtype ("" if not said), shape."""
    name, dtype = "", ""
    shape: Shape = ()
    for number, kind, a, b in wire.fields(start, stop):
        if kind != BYTES:
            continue
        if number == 1:
            name = wire.text(a, b)
        elif number == 2:
            dtype, shape = _type(wire, a, b)
    return name, dtype, shape


def _type(wire: Wire, start: int, stop: int) -> tuple[str, Shape]:
    """Read a `TypeProto`."""
    dtype = ""
    shape: Shape = ()
    for number, kind, a, b in wire.fields(start, stop):
        if kind != BYTES:
            continue
        if number in _KINDS:
            dtype = _KINDS[number]
        elif number in (1, 8):  # a tensor, dense or sparse
            for part, sort, c, d in wire.fields(a, b):
                if part == 1 and sort == VARINT:
                    dtype = dtype_of(c, wire)
                elif part == 2 and sort == BYTES:
                    shape = tuple(_axis(wire, e, f) for n, s, e, f in wire.fields(c, d) if n == 1 and s == BYTES)
    if len(shape) > MOST_AXES:
        raise wire.broken(f"a tensor of {len(shape)} axes")
    return dtype, shape


def _axis(wire: Wire, start: int, stop: int) -> int | None:
    length = None
    for number, kind, a, _ in wire.fields(start, stop):
        if number == 1 and kind == VARINT:
            length = signed(a)
        elif number == 2:
            length = None
    return None if length is None or length < 0 else length  # exporters write -1 for a free axis
