"""Reads a TFLite file from its bytes: https://ai.google.dev/edge/litert, schema version 3.

The numbers of fields are those of the public schema (`tensorflow/compiler/mlir/lite/schema/schema.fbs`). What the
interpreter checks when it loads a model is checked here too, so that an accepted file has no index out of range.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from edgeproof.errors import Refused
from edgeproof.formats.flatbuffer import Reader, Table
from edgeproof.formats.summary import Body, Operator, Signatures, Summary, TensorInfo
from edgeproof.formats.tflite_operators import BUILTIN

IDENTIFIER = b"TFL3"
VERSION = 3
_ALIGNMENT = 16
_LONGEST_MESSAGE = 300
_MOST_AXES = 64  # numpy's limit; TFLite kernels stop at 8

_DTYPES = (  # TensorType: name and bits of an element, 0 where elements have no fixed size
    ("float32", 32), ("float16", 16), ("int32", 32), ("uint8", 8), ("int64", 64), ("string", 0), ("bool", 8),
    ("int16", 16), ("complex64", 64), ("int8", 8), ("float64", 64), ("complex128", 128), ("uint64", 64),
    ("resource", 0), ("variant", 0), ("uint32", 32), ("uint16", 16), ("int4", 4), ("bfloat16", 16), ("int2", 2),
    ("uint4", 4), ("float8_e4m3fn", 8), ("float8_e5m2", 8),
)  # fmt: skip

Broken = Callable[[str], Refused]
Span = tuple[int, int]


def read(data: bytes, source: str) -> Summary:
    """Say what a TFLite file is.

    Args:
        data: the whole file; bytes after the model (a zip of associated files) are allowed.
        source: the file's name, for messages.

    Raises:
        Refused: the file is damaged, cut short, or of another schema version.
    """

    def broken(received: str) -> Refused:
        return Refused(
            f"formats: {source} must be a whole TFLite file of schema version {VERSION}.",
            received=received[:_LONGEST_MESSAGE],  # names in a damaged file can be of any length
            fix="export the file again, or copy it again: it was cut short or changed on its way",
        )

    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise broken(f"no {IDENTIFIER.decode()} mark in bytes 4 to 8")
    reader = Reader(data, broken)
    model = reader.root()
    if model.integer(0, "I") != VERSION:
        raise broken(f"schema version {model.integer(0, 'I')}")
    if model.has(10) or model.has(9):
        raise Refused(
            f"formats: {source} must hold its own weights.",
            received="a TFLite file with weights in other files (external buffers)",
            fix="export it again as one file",
        )
    codes = [_code(table) for table in model.tables(1)]
    buffers = [_buffer(table, len(data), broken) for table in model.tables(4)]
    graphs = [_graph(table, codes, buffers, broken) for table in model.tables(2)]
    if not graphs:
        raise broken("no graph")
    main, inputs, outputs = graphs[0]
    return Summary(
        format="tflite",
        bytes=len(data),
        producer=model.text(3),
        schema=f"TFLite schema {VERSION}",
        tensors=main.tensors,
        operators=main.operators,
        inputs=inputs,
        outputs=outputs,
        metadata=_metadata(model, reader, buffers),
        signatures=_signatures(model, len(main.tensors), len(graphs), broken),
        subgraphs=len(graphs),
        aligned=all(start % _ALIGNMENT == 0 for start, stop in buffers if start < stop),
        bodies=tuple(body for body, _, _ in graphs[1:]),
        source=source,
    )


def _code(table: Table) -> tuple[str, bool, int]:
    """Name, whether it is custom, version."""
    # The first field has one byte; codes above 127 are in the wider one, and old files have the first alone.
    code = max(table.integer(0, "b"), table.integer(3, "i"))
    version = table.integer(2, "i", 1)
    name = BUILTIN[code] if 0 <= code < len(BUILTIN) else f"BUILTIN_{code}"
    custom = name == "CUSTOM"
    return (table.text(1) or name if custom else name), custom, version


def _buffer(table: Table, size: int, broken: Broken) -> Span:
    """Where a buffer's bytes lie; files above 2 GB keep them behind the FlatBuffer, located by offset and size."""
    start, stop = table.span(0) or (0, 0)
    offset = table.integer(1, "Q")
    if start == stop and offset > 1:  # 0 and 1 are placeholders
        start, stop = offset, offset + table.integer(2, "Q")
        if stop > size:
            raise broken(f"a buffer in bytes {start} to {stop}, past the end ({size} bytes)")
    return start, stop


def _graph(
    table: Table, codes: list[tuple[str, bool, int]], buffers: list[Span], broken: Broken
) -> tuple[Body, tuple[int, ...], tuple[int, ...]]:
    """One graph, its inputs and its outputs."""
    tensors = tuple(_tensor(entry, buffers, broken) for entry in table.tables(0))
    operators = []
    for entry in table.tables(3):
        code = entry.integer(0, "I")
        if code >= len(codes):
            raise broken(f"an operator with code {code} of {len(codes)}")
        inputs = _indices(entry, 1, len(tensors), broken, optional=True)
        outputs = _indices(entry, 2, len(tensors), broken, optional=True)
        name, custom, version = codes[code]
        operators.append(Operator(name, inputs, outputs, custom, version))
    ends = _indices(table, 1, len(tensors), broken), _indices(table, 2, len(tensors), broken)
    _check_made_once(tensors, operators, ends[0], broken)
    return Body(tensors, tuple(operators)), *ends


def _check_made_once(
    tensors: tuple[TensorInfo, ...], operators: list[Operator], inputs: tuple[int, ...], broken: Broken
) -> None:
    """A tensor that two operators write dies in kernels that each took its memory for their own."""
    made = {i for i, tensor in enumerate(tensors) if tensor.constant} | set(inputs)
    for operator in operators:
        for index in operator.outputs:
            if index in made:
                raise broken(f'{operator.name} that writes tensor "{tensors[index].name}", which has a value already')
            if index >= 0:
                made.add(index)


def _indices(table: Table, number: int, count: int, broken: Broken, *, optional: bool = False) -> tuple[int, ...]:
    indices = table.numbers(number, "i")
    if indices and not (-optional <= min(indices) and max(indices) < count):
        raise broken(f"tensors {min(indices)} to {max(indices)} in a graph of {count}")
    return indices


def _tensor(table: Table, buffers: list[Span], broken: Broken) -> TensorInfo:
    name, code, buffer = table.text(3), table.integer(1, "b"), table.integer(2, "I")
    if not 0 <= code < len(_DTYPES):
        raise broken(f'tensor "{name}" of unknown type {code}')
    if buffer >= len(buffers) and buffer:
        raise broken(f'tensor "{name}" in buffer {buffer} of {len(buffers)}')
    shape = table.numbers(0, "i")
    signature = table.numbers(7, "i") or shape
    if len(shape) > _MOST_AXES or len(signature) != len(shape) or min(shape, default=0) < 0:
        raise broken(f'tensor "{name}" of shape {shape[:8]} and signature {signature[:8]}')
    dtype, bits = _DTYPES[code]
    start, stop = buffers[buffer] if buffer else (0, 0)  # buffer 0 is empty by convention
    constant = stop > start
    needed = (math.prod(shape) * bits + 7) // 8
    if constant and bits and not table.has(6) and stop - start != needed:  # 6: a sparse tensor stores less
        raise broken(f'tensor "{name}" of {needed} bytes with {stop - start} stored')
    free = tuple(None if axis == -1 else length for axis, length in zip(signature, shape, strict=True))
    sample = (math.prod(length for length in free if length is not None) * bits + 7) // 8
    return TensorInfo(
        name,
        free,
        dtype,
        constant,
        stop - start if constant else sample,
        *_quantization(table, name, shape, broken),
        buffer if constant else -1,
    )


def _quantization(
    table: Table, name: str, shape: tuple[int, ...], broken: Broken
) -> tuple[tuple[float, ...], tuple[int, ...], int | None]:
    """Scales, zero points and axis."""
    parameters = table.table(4)
    scales = parameters.floats(2) if parameters else ()
    if parameters is None or not scales:
        return (), (), None
    zeros, axis = parameters.numbers(3, "q"), parameters.integer(6, "i")
    if not all(math.isfinite(scale) and scale >= 0 for scale in scales):
        raise broken(f'tensor "{name}" with a scale that is negative or not finite')
    if len(zeros) <= 1:
        zeros = (zeros or (0,)) * len(scales)
    if len(zeros) != len(scales):
        raise broken(f'tensor "{name}" with {len(scales)} scales and {len(zeros)} zero points')
    if len(scales) == 1:
        return scales, zeros, None
    if not 0 <= axis < len(shape) or shape[axis] != len(scales):
        raise broken(f'tensor "{name}" of shape {shape} with {len(scales)} scales on axis {axis}')
    return scales, zeros, axis


def _metadata(model: Table, reader: Reader, buffers: list[Span]) -> dict[str, bytes]:
    """Name -> bytes; of two entries with one name the last counts, as it does for the interpreter."""
    entries = {}
    for entry in model.tables(6):
        name, buffer = entry.text(0), entry.integer(1, "I")
        if buffer >= len(buffers):
            raise reader.broken(f'metadata "{name}" in buffer {buffer} of {len(buffers)}')
        start, stop = buffers[buffer]
        reader.spend(stop - start)
        entries[name] = reader.data[start:stop]
    return entries


def _signatures(model: Table, tensors: int, graphs: int, broken: Broken) -> Signatures:
    """The signatures of the main graph."""
    signatures: Signatures = {}
    for entry in model.tables(7):
        key, graph = entry.text(2), entry.integer(4, "I")
        if graph >= graphs:
            raise broken(f'signature "{key}" of graph {graph} of {graphs}')
        if graph:
            continue
        ends = {}
        for side, number in (("inputs", 0), ("outputs", 1)):
            ends[side] = {end.text(0): end.integer(1, "I") for end in entry.tables(number)}
            if max(ends[side].values(), default=0) >= tensors:
                raise broken(f'signature "{key}" with a tensor past the graph\'s {tensors}')
        signatures[key] = ends
    return signatures
