"""One graph of an ONNX file: its values get numbers, types and scales."""

from __future__ import annotations

import math
from dataclasses import replace

from edgeproof.formats.onnx_nodes import Node, in_order, nodes
from edgeproof.formats.onnx_tensors import MOST_AXES, Shape, Stored, declared, dtype_of, size, stored, values
from edgeproof.formats.protobuf import BYTES, VALUE_COST, Wire
from edgeproof.formats.summary import Body, Operator, TensorInfo

_DEEPEST = 32  # graphs within graphs
_GRAPH_COST = 2048  # from the budget of fields: 4096 graphs
_STANDARD = ("", "ai.onnx.ml", "ai.onnx.preview.training")

# The type of a first output where it is neither declared nor that of the first input.
_MADE = {
    "int64": "ArgMax ArgMin NonMaxSuppression NonZero SequenceLength Shape Size",
    "bool": "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor",
    "int32": "ConvInteger MatMulInteger MatMulInteger16",
    "float32": "ConstantOfShape EyeLike QGemm RandomNormal RandomUniform",
    "uint8": "DynamicQuantizeLinear QuantizeLinear",
}
_TYPES = {name: dtype for dtype, names in _MADE.items() for name in names.split()}
_LATER_TYPES = {"DynamicQuantizeLinear": ("float32", "uint8"), "Dropout": ("bool",), "MaxPool": ("int64",),
                "TopK": ("int64",), "Unique": ("int64", "int64", "int64")}  # fmt: skip
# ... and which input to take it from, where not the first: the value, the zero point, the scale.
_LIKE = {"CastLike": 1, "DequantizeLinear": 1, "MatMulIntegerToFloat": 2, "OneHot": 2, "QGemm": 8, "QLinearConcat": 1,
         "QLinearConv": 7, "QLinearMatMul": 7, "QLinearWhere": 1, "QuantizeLinear": 2, "Where": 1}  # fmt: skip
_TYPE_ATTRIBUTES = {"Cast": "to", "EyeLike": "dtype", "QuantizeLinear": "output_dtype", "RandomNormal": "dtype",
                    "RandomUniform": "dtype", "DequantizeLinear": "output_dtype"}  # fmt: skip


class Graph:
    """A `GraphProto`, read.

    Args:
        wire: the file.
        span: where the graph lies.
        opsets: versions by domain.
        outer: the graph around it, whose values it may use.

    Attributes:
        operators, inputs, outputs: as in a `Summary`.
        bodies: the graphs within it, at any depth.
    """

    def __init__(self, wire: Wire, span: tuple[int, int], opsets: dict[str, int], outer: Graph | None = None) -> None:
        self._wire, self._opsets, self._outer = wire, opsets, outer
        self._depth: int = outer._depth + 1 if outer else 0
        if self._depth > _DEEPEST:
            raise wire.broken(f"more than {_DEEPEST} graphs within each other")
        self._names: dict[str, int] = {}
        self._rows: list[TensorInfo] = []
        self._stored: dict[int, Stored] = {}
        self._values: dict[int, tuple[float, ...]] = {}
        self._declared: dict[str, tuple[str, Shape]] = {}
        self.operators: list[Operator] = []
        self.bodies: list[Body] = []
        wire.spend(_GRAPH_COST)
        parts: dict[int, list[tuple[int, int]]] = {5: [], 11: [], 12: [], 13: [], 15: []}
        for number, kind, a, b in wire.fields(*span):
            if kind == BYTES and number in parts:
                parts[number].append((a, b))
        constants = [stored(wire, *part) for part in parts[5]]
        kept = {constant.name for constant in constants}
        entries = [declared(wire, *part) for part in parts[11]]
        for entry in (*parts[12], *parts[13]):
            name, dtype, shape = declared(wire, *entry)
            self._declared[name] = dtype, shape
        # Before IR version 4 every constant is listed as an input as well; it is the caller's to give in no version.
        self.inputs = [self._value(name, dtype, shape) for name, dtype, shape in entries if name not in kept]
        for constant in constants:
            self._constant(constant.name, constant)
        for part in parts[15]:
            self._sparse(*part)
        for node in in_order(wire, nodes(wire, *span)):
            self._operator(node)
        self.outputs = [self._index(declared(wire, *part)[0]) for part in parts[12]]

    def tensors(self) -> tuple[TensorInfo, ...]:
        """The values of the graph."""
        return tuple(self._rows)

    def _add(self, row: TensorInfo) -> int:
        self._wire.spend(VALUE_COST)
        if not row.name or row.name in self._names:
            raise self._wire.broken(f'value "{row.name}" defined twice' if row.name else "a value without a name")
        self._names[row.name] = len(self._rows)
        self._rows.append(row)
        return len(self._rows) - 1

    def _value(self, name: str, dtype: str, shape: Shape) -> int:
        return self._add(TensorInfo(name, shape, dtype or "unknown", False, size(shape, dtype)))

    def _constant(self, name: str, constant: Stored) -> None:
        row = TensorInfo(name, constant.shape, constant.dtype, True, constant.bytes, buffer=constant.place)
        index = self._add(row)
        self._stored[index] = constant

    def _sparse(self, start: int, stop: int) -> None:
        """A `SparseTensorProto`: its shape is its own, its bytes those of values and indices."""
        parts, dims = [], list[int]()
        for field in self._wire.fields(start, stop):
            if field[0] in (1, 2) and field[1] == BYTES:
                parts.append(stored(self._wire, *field[2:]))
            elif field[0] == 3:
                dims.extend(self._wire.integers(field))
        if len(dims) > MOST_AXES or min(dims, default=0) < 0:
            raise self._wire.broken(f"a tensor of shape {dims[:4]}...")
        if parts:
            weight = sum(part.bytes for part in parts)
            self._add(TensorInfo(parts[0].name, tuple(dims), parts[0].dtype, True, weight, buffer=start))

    def _index(self, name: str) -> int:
        """The number of a value; one of a graph around this is taken over when it is first used."""
        if name in self._names:
            return self._names[name]
        outer = self._outer
        while outer:
            if name in outer._names:
                index = outer._names[name]
                if index in outer._stored:
                    self._stored[len(self._rows)] = outer._stored[index]
                return self._add(outer._rows[index])
            outer = outer._outer
        raise self._wire.broken(f'value "{name}" used before it is made')

    def _operator(self, node: Node) -> None:
        inputs = tuple(self._index(name) if name else -1 for name in node.inputs)
        inner = [Graph(self._wire, span, self._opsets, self) for span in node.graphs]
        for graph in inner:
            self.bodies += [Body(graph.tensors(), tuple(graph.operators)), *graph.bodies]
        outputs = []
        for position, name in enumerate(node.outputs):
            if name and node.name == "Constant" and "value" in node.tensors:
                self._constant(name, node.tensors["value"])
                outputs.append(len(self._rows) - 1)
            elif name and node.name == "Constant" and node.plain:
                dtype, shape = node.plain
                outputs.append(self._add(TensorInfo(name, shape, dtype, True, size(shape, dtype), buffer=node.place)))
            elif name:
                dtype, shape = self._declared.get(name, ("", ()))
                outputs.append(self._value(name, dtype or self._infer(node, inputs, position, inner), shape))
            else:
                outputs.append(-1)
        if node.name in ("QuantizeLinear", "DequantizeLinear") and len(inputs) > 1 and outputs:
            self._scale(outputs[0] if node.name == "QuantizeLinear" else inputs[0], inputs, node.integers)
        custom = node.domain not in _STANDARD
        name = f"{node.domain}.{node.name}" if custom else node.name
        self.operators.append(Operator(name, inputs, tuple(outputs), custom, self._opsets.get(node.domain, 1)))

    def _infer(self, node: Node, inputs: tuple[int, ...], position: int, inner: list[Graph]) -> str:
        """The type of an output that the file does not declare."""
        if inner:
            # A loop's body gives its condition first; a branch gives what the operator gives.
            ends = inner[0].outputs[-len(node.outputs) :]
            return inner[0]._rows[ends[position]].dtype if position < len(ends) else ""
        if position:
            later = _LATER_TYPES.get(node.name, ())
            if position <= len(later):
                return later[position - 1]
        code = node.integers.get(_TYPE_ATTRIBUTES.get(node.name, ""), 0)
        if code:
            return dtype_of(code, self._wire)
        if node.name == "ConstantOfShape" and "value" in node.tensors:
            return node.tensors["value"].dtype
        like = _LIKE.get(node.name, -1 if node.name in _TYPES else 0)
        given = inputs[like] if 0 <= like < len(inputs) else -1
        return self._rows[given].dtype if given >= 0 else _TYPES.get(node.name, "")

    def _scale(self, target: int, inputs: tuple[int, ...], integers: dict[str, int]) -> None:
        """Attach scale and zero point to the integer side of a (de)quantizer, if they are constants of one axis."""
        row, scales = self._rows[target] if target >= 0 else None, self._numbers(inputs[1])
        if row is None or row.scale or not scales:
            return
        zeros = self._numbers(inputs[2]) if len(inputs) > 2 and inputs[2] >= 0 else (0,) * len(scales)
        if len(zeros) != len(scales) or len(self._rows[inputs[1]].shape) > 1:
            return
        if not all(math.isfinite(scale) and scale >= 0 for scale in scales):
            raise self._wire.broken(f'tensor "{row.name}" with a scale that is negative or not finite')
        axis = integers.get("axis", 1) if len(scales) > 1 else None
        if axis is not None and axis < 0:
            axis += len(row.shape)
        if axis is not None and row.shape and row.shape[axis : axis + 1] not in ((len(scales),), (None,)):
            raise self._wire.broken(f'tensor "{row.name}" of shape {row.shape}: {len(scales)} scales on axis {axis}')
        whole = tuple(int(zero) for zero in zeros)
        self._rows[target] = replace(row, scale=scales, zero_point=whole, axis=axis)

    def _numbers(self, index: int) -> tuple[float, ...]:
        """The numbers of a constant, read once."""
        if index not in self._stored:
            return ()
        if index not in self._values:
            self._values[index] = values(self._wire, self._stored[index])
        return self._values[index]
