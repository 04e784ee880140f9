"""A TensorFlow Lite graph to look at and to rebuild: tensors, constants and operators of one subgraph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from edgeproof.formats.tflite_operators import BUILTIN
from export import flatbuffer

DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 6: np.bool_, 7: np.int16, 9: np.int8}
CODES = {np.dtype(kind): code for code, kind in DTYPES.items()}
FLOAT32 = 0


@cache
def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


class Flat:
    """One graph of a flatbuffer, with what is needed to read and to change it.

    Attributes:
        model: the `ModelT`.
        graph: its first `SubGraphT`.
        kept: after packing, the index that each tensor had before.
    """

    def __init__(self, data: bytes) -> None:
        self.model = flatbuffer.unpack(data)
        self.graph = self.model.subgraphs[0]
        self.kept: list[int] = []
        self._constants: dict[int, np.ndarray | None] = {}

    @property
    def single(self) -> bool:
        """There are no loops or branches, which hold graphs of their own."""
        return len(self.model.subgraphs) == 1

    def name(self, operator: Any) -> str:
        """Of an operator's kind."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        return BUILTIN[number] if number < len(BUILTIN) else f"BUILTIN_{number}"

    def label(self, tensor: int) -> str:
        """The tensor's name as the converter wrote it."""
        raw = self.graph.tensors[tensor].name
        return raw.decode() if isinstance(raw, bytes) else raw or ""

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Of a tensor; () for a scalar."""
        stored = self.graph.tensors[tensor].shape
        return () if stored is None else tuple(int(side) for side in stored)

    def is_float(self, tensor: int) -> bool:
        """It holds float32."""
        return tensor >= 0 and self.graph.tensors[tensor].type == FLOAT32

    def constant(self, tensor: int) -> np.ndarray | None:
        """Its value, or None when it is computed."""
        if tensor < 0:
            return None
        if tensor not in self._constants:
            self._constants[tensor] = self._read(tensor)
        return self._constants[tensor]

    def _read(self, tensor: int) -> np.ndarray | None:
        entry = self.graph.tensors[tensor]
        data = self.model.buffers[entry.buffer].data if entry.buffer else None
        if data is None or not len(data) or entry.isVariable or entry.type not in DTYPES:
            return None
        return np.frombuffer(bytes(data), DTYPES[entry.type]).reshape(self.shape(tensor))

    def operators(self) -> Iterator[Any]:
        """In order of execution."""
        return iter(list(self.graph.operators or []))

    def add_tensor(
        self,
        label: str,
        shape: tuple[int, ...],
        dtype: Any,
        value: np.ndarray | None = None,
        scale: Any = None,
        zero_point: Any = 0,
        axis: int = 0,
    ) -> int:
        """A new tensor; its index."""
        schema = _schema()
        entry = schema.TensorT()
        entry.name, entry.shape, entry.type = label.encode(), np.asarray(shape, np.int32), CODES[np.dtype(dtype)]
        entry.hasRank, entry.buffer = True, 0
        if value is not None:
            buffer = schema.BufferT()
            buffer.data = np.ascontiguousarray(value, dtype).tobytes()
            entry.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            quantization.zeroPoint = np.broadcast_to(np.asarray(zero_point, np.int64), quantization.scale.shape).copy()
            quantization.quantizedDimension = axis
            entry.quantization = quantization
        self.graph.tensors.append(entry)
        return len(self.graph.tensors) - 1

    def make(self, name: str, inputs: list[int], outputs: list[int], version: int = 1, options: Any = None) -> Any:
        """A new operator, not yet in the graph. `options` is (name of the union's member, object)."""
        schema = _schema()
        operator = schema.OperatorT()
        operator.opcodeIndex = self.code(name, version)
        operator.inputs, operator.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options[0])
            operator.builtinOptions = options[1]
        return operator

    def code(self, name: str, version: int) -> int:
        """Index of the operator code, added where it is new."""
        number = BUILTIN.index(name)
        for index, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number and code.version == version:
                return index
        code = _schema().OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def options(self, name: str) -> tuple[str, Any]:
        """Default options of an operator, such as "MulOptions"."""
        return name, getattr(_schema(), f"{name}T")()

    def version(self, operator: Any) -> int:
        """Of an operator's code."""
        return int(self.model.operatorCodes[operator.opcodeIndex].version)

    def ending(self, moved: Mapping[int, int]) -> bytes:
        """The file's bytes with other tensors for outputs, and the operators that those need; spends this object."""
        graph = self.graph
        signatures = [s for s in self.model.signatureDefs or [] if s.subgraphIndex == 0]
        for end in (end for signature in signatures for end in signature.outputs):
            end.tensorIndex = moved.get(int(end.tensorIndex), int(end.tensorIndex))
        graph.outputs = np.asarray([moved.get(int(t), int(t)) for t in graph.outputs], np.int32)
        needed, kept = set(map(int, graph.outputs)), []
        for operator in reversed(graph.operators):
            if needed.intersection(map(int, operator.outputs)):
                needed.update(map(int, operator.inputs))
                kept.append(operator)
        graph.operators = kept[::-1]
        return self.packed()

    def packed(self) -> bytes:
        """The file's bytes, without tensors and operator codes that nothing uses; spends this object."""
        self._drop_unused()
        return flatbuffer.pack(self.model)

    def _drop_unused(self) -> None:
        graph = self.graph
        used = {int(t) for t in (*graph.inputs, *graph.outputs)}
        for operator in graph.operators:
            used |= {int(t) for t in (*operator.inputs, *operator.outputs) if t >= 0}
        self.kept = kept = sorted(used)
        to = {old: new for new, old in enumerate(kept)} | {-1: -1}
        graph.tensors = [graph.tensors[old] for old in kept]
        for owner in (graph, *graph.operators):
            owner.inputs = np.asarray([to[int(t)] for t in owner.inputs], np.int32)
            owner.outputs = np.asarray([to[int(t)] for t in owner.outputs], np.int32)
        for signature in self.model.signatureDefs or []:
            if signature.subgraphIndex == 0:
                for end in (*signature.inputs, *signature.outputs):
                    end.tensorIndex = to[int(end.tensorIndex)]
        codes = sorted({op.opcodeIndex for g in self.model.subgraphs for op in g.operators})
        for g in self.model.subgraphs:
            for operator in g.operators:
                operator.opcodeIndex = codes.index(operator.opcodeIndex)
        self.model.operatorCodes = [self.model.operatorCodes[code] for code in codes]
