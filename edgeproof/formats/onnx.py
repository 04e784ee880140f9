"""Reads an ONNX file from its bytes: https://onnx.ai, any IR version.

The numbers of fields are those of the public `onnx.proto`. Tensors are numbered in the order inputs, constants, then
as operators make them; an operator that uses a value before it is made is refused, as every runtime refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgeproof.errors import Refused
from edgeproof.formats.onnx_graph import Graph
from edgeproof.formats.protobuf import BYTES, VARINT, Wire
from edgeproof.formats.summary import Summary

_LONGEST_MESSAGE = 300


def recognise(data: bytes) -> bool:
    """Whether the bytes are one protobuf message with a graph where an ONNX model has it."""
    found = False
    try:
        for number, kind, _, _ in _wire(data, "").fields(0, len(data)):
            found |= number == 7 and kind == BYTES
    except Refused:
        return False
    return found


def read(data: bytes, source: str) -> Summary:
    """Say what an ONNX file is.

    Args:
        data: the whole file.
        source: the file's name, for messages.

    Raises:
        Refused: the file is damaged or cut short, its graph is inconsistent, or its weights lie in other files.
    """
    wire = _wire(data, source)
    version, producer, span = 0, ["", ""], None
    opsets: dict[str, int] = {}
    metadata: dict[str, bytes] = {}
    for number, kind, a, b in wire.fields(0, len(data)):
        if number == 1 and kind == VARINT:
            version = a
        elif number in (2, 3) and kind == BYTES:
            producer[number - 2] = wire.text(a, b)
        elif number == 7 and kind == BYTES:
            if span:
                raise wire.broken("two main graphs")
            span = (a, b)
        elif number == 8 and kind == BYTES:
            domain, opset = _opset(wire, a, b)
            opsets[domain] = opset
        elif number == 14 and kind == BYTES:
            entry = {part: data[c:d] for part, sort, c, d in wire.fields(a, b) if sort == BYTES}
            metadata[entry.get(1, b"").decode("utf-8", "replace")] = entry.get(2, b"")
    if not version or span is None:
        raise wire.broken("no graph" if version else "no IR version")
    graph = Graph(wire, span, opsets)
    return Summary(
        format="onnx",
        bytes=len(data),
        producer=" ".join(part for part in producer if part),
        schema=_schema(version, opsets),
        tensors=graph.tensors(),
        operators=tuple(graph.operators),
        inputs=tuple(graph.inputs),
        outputs=tuple(graph.outputs),
        metadata=metadata,
        subgraphs=1 + len(graph.bodies),
        bodies=tuple(graph.bodies),
        source=source,
    )


def _wire(data: bytes, source: str) -> Wire:
    def broken(received: str) -> Refused:
        return Refused(
            f"formats: {source} must be a whole ONNX file.",
            received=received[:_LONGEST_MESSAGE],  # names in a damaged file can be of any length
            fix="export the file again, or copy it again: it was cut short or changed on its way",
        )

    return Wire(data, broken)


def _opset(wire: Wire, start: int, stop: int) -> tuple[str, int]:
    domain, version = "", 0
    for number, kind, a, b in wire.fields(start, stop):
        if number == 1 and kind == BYTES:
            domain = wire.text(a, b)
        elif number == 2 and kind == VARINT:
            version = a
    return "" if domain == "ai.onnx" else domain, version


def _schema(version: int, opsets: dict[str, int]) -> str:
    others: Sequence[str] = [f", {domain} {opset}" for domain, opset in opsets.items() if domain]
    return f"ONNX IR {version}, opset {opsets.get('', 1)}" + "".join(others)
