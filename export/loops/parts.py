"""A flatbuffer of several graphs as flatbuffers of one graph each, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from export import flatbuffer
from export.quantize.flat import Flat


def split(data: bytes) -> list[bytes]:
    """Each graph alone, in order. References between them keep their numbers and lead nowhere until `join`."""
    count = len(flatbuffer.unpack(data).subgraphs)
    return [_alone(data, index) for index in range(count)]


def _alone(data: bytes, index: int) -> bytes:
    flat = Flat(data)
    flat.model.subgraphs = [flat.model.subgraphs[index]]
    flat.graph = flat.model.subgraphs[0]
    if index:
        flat.model.signatureDefs, flat.model.metadata = [], []
    return flat.packed()


def join(parts: Sequence[bytes]) -> bytes:
    """The graphs in one flatbuffer, the first one's signatures and metadata with it."""
    whole = flatbuffer.unpack(parts[0])
    for part in parts[1:]:
        model = flatbuffer.unpack(part)
        codes, buffers = len(whole.operatorCodes), len(whole.buffers)
        graph = model.subgraphs[0]
        for operator in graph.operators or []:
            operator.opcodeIndex += codes
        for tensor in graph.tensors:
            tensor.buffer = tensor.buffer + buffers if tensor.buffer else 0
        whole.operatorCodes.extend(model.operatorCodes)
        whole.buffers.extend(model.buffers)
        whole.subgraphs.append(graph)
    return flatbuffer.pack(_shared_codes(whole))


def _shared_codes(model: Any) -> Any:
    """Equal operator codes once."""
    kept: dict[tuple[Any, ...], int] = {}
    to = [
        kept.setdefault((c.builtinCode, c.deprecatedBuiltinCode, c.customCode, c.version), len(kept))
        for c in model.operatorCodes
    ]
    first = {new: old for old, new in reversed(list(enumerate(to)))}
    model.operatorCodes = [model.operatorCodes[first[new]] for new in range(len(kept))]
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            operator.opcodeIndex = to[operator.opcodeIndex]
    return model


def sweep(flat: Flat) -> None:
    """Drop what nothing takes."""
    while True:
        used = {int(t) for op in flat.operators() for t in op.inputs} | {int(t) for t in flat.graph.outputs}
        kept = [op for op in flat.operators() if flat.name(op) == "WHILE" or any(int(t) in used for t in op.outputs)]
        if len(kept) == len(flat.graph.operators):
            return
        flat.graph.operators = kept
