"""The operators of an ONNX graph as the file has them, and their order of computation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeproof.formats.onnx_tensors import Shape, Stored, stored
from edgeproof.formats.protobuf import BYTES, VALUE_COST, VARINT, Wire, signed


@dataclass(slots=True)
class Node:
    """A `NodeProto`; attributes by name, of those kinds that say something about types."""

    name: str
    domain: str
    inputs: list[str]
    outputs: list[str]
    integers: dict[str, int]
    tensors: dict[str, Stored]
    graphs: list[tuple[int, int]]
    plain: tuple[str, Shape] | None  # what a Constant has that is given as numbers
    place: int


def nodes(wire: Wire, start: int, stop: int) -> list[Node]:
    """The operators of the `GraphProto` in bytes `start` to `stop`."""
    return [_node(wire, a, b) for number, kind, a, b in wire.fields(start, stop) if number == 1 and kind == BYTES]


def in_order(wire: Wire, found: list[Node]) -> list[Node]:
    """The operators, each after those whose values it uses.

    ONNX wants them so; but converters append casts at the end and runtimes sort for themselves, so such files are
    about. What is in order stays as it is.
    """
    makers = {name: i for i, node in enumerate(found) for name in node.outputs if name}
    begun, done = bytearray(len(found)), bytearray(len(found))
    order: list[Node] = []
    for first in range(len(found)):
        stack = [first]
        while stack:
            i = stack[-1]
            if not begun[i]:
                begun[i] = 1
                needed = [makers[name] for name in _needs(wire, found[i]) if name in makers]
                if any(begun[maker] and not done[maker] for maker in needed):
                    raise wire.broken(f"operators that wait for each other, one of them {found[i].name}")
                stack += [maker for maker in reversed(needed) if not begun[maker]]
                continue
            stack.pop()
            if not done[i]:
                done[i] = 1
                order.append(found[i])
    return order


def _needs(wire: Wire, node: Node) -> Iterator[str]:
    """The values that an operator uses, those in its bodies included (at any depth, hence the list)."""
    yield from node.inputs
    pending = list(node.graphs)
    while pending:
        for part in nodes(wire, *pending.pop()):
            yield from part.inputs
            pending += part.graphs


def _node(wire: Wire, start: int, stop: int) -> Node:
    wire.spend(VALUE_COST)
    node = Node("", "", [], [], {}, {}, [], None, start)
    for number, kind, a, b in wire.fields(start, stop):
        if kind != BYTES:
            continue
        if number in (1, 2):
            (node.inputs if number == 1 else node.outputs).append(wire.text(a, b))
        elif number == 4:
            node.name = wire.text(a, b)
        elif number == 5:
            _attribute(wire, a, b, node)
        elif number == 7:
            domain = wire.text(a, b)
            node.domain = "" if domain == "ai.onnx" else domain
    if not node.name:
        raise wire.broken("an operator without a name")
    return node


def _attribute(wire: Wire, start: int, stop: int, node: Node) -> None:
    name, integer, tensor, entries = "", None, None, 0
    for field in wire.fields(start, stop):
        number, kind, a, b = field
        if number == 1 and kind == BYTES:
            name = wire.text(a, b)
        elif number == 3 and kind == VARINT:
            integer = signed(a)
        elif number == 5 and kind == BYTES:
            tensor = stored(wire, a, b)
        elif number in (6, 11) and kind == BYTES:
            node.graphs.append((a, b))
        elif number in (7, 8):
            entries += wire.count(field, 4 if number == 7 else 0)
        elif number == 9:
            entries += 1
    if integer is not None:
        node.integers[name] = integer
    if tensor is not None:
        node.tensors[name] = tensor
    dtype = {"value_f": "float32", "value_i": "int64", "value_s": "string"}.get(name[:7])
    if dtype:
        node.plain = dtype, (entries,) if name.endswith("s") else ()
