"""The rules by which a file's precision is read from its operators and the types of their tensors.

An artifact is called what it computes in. Where floats flow, the weights decide, by their share of bytes: a float16
file keeps a few float32 scalars and a dynamic-range file its float32 biases and small kernels, and stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgeproof.formats.summary import Operator, Summary, TensorInfo

Verdict = tuple[str, tuple[str, ...]]


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SINGLE = frozenset({"float32", "complex64"})  # complex64 is a pair of float32, as an RFFT gives it
_FLOATS = _SINGLE | {"float16", "bfloat16", "float64", "complex128"}
_BYTE = frozenset({"int8", "uint8"})
_SHORT = frozenset({"int16", "uint16"})
_NARROW = frozenset({"int4", "uint4", "int2", "uint2"})
_WEIGHTS = _FLOATS | _BYTE | _SHORT | _NARROW

# What hands stored numbers on unchanged: a quantized table that is looked up is still a weight, not an activation, and
# so are its rows in another shape. What is computed from them is data.
_LOOKUPS = _words("EMBEDDING_LOOKUP GATHER GATHER_ND SLICE STRIDED_SLICE Gather Slice")
_SHAPES = _words("EXPAND_DIMS RESHAPE SQUEEZE TRANSPOSE Identity Reshape Squeeze Transpose Unsqueeze")

# ONNX operators by what they mean for a quantized graph. Those that move data pass on what they were given.
_MOVES = _words(
    "Cast CastLike Concat DepthToSpace Dropout Expand Flatten Gather GatherElements GatherND Identity Pad Reshape "
    "ReverseSequence Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze"
)
_BOOKKEEPING = _words("Constant ConstantOfShape If Loop NonZero Range Scan Shape Size")
_FUSED = frozenset({"Clip", "Relu"})  # runtimes fold them into the operator before, as TFLite's files do
_FIRST_ONLY = frozenset({"Resize", "Upsample"})  # float scales are parameters, not data
_DYNAMIC = _words("DynamicQuantizeLinear DynamicQuantizeLSTM DynamicQuantizeMatMul MatMulIntegerToFloat")
_INTEGER = _words("ConvInteger MatMulInteger MatMulInteger16 QGemm")
_VOUCHED = "com.microsoft."  # another maker's operator may do anything behind integer ends


def precision(summary: Summary) -> tuple[str, tuple[str, ...]]:
    """The precision as the bytes say it, and what stands in the way of a better name.

    Returns:
        One of "f32", "f16", "int8-dynamic", "int8", "int16x8" with (), or "mixed" with the operators that fit none
        of them: as a rule those that still touch floats. Sorted, each once.
    """
    return _tflite(summary) if summary.format == "tflite" else _onnx(summary)


def _tflite(summary: Summary) -> Verdict:
    graphs = [(tensors, operators, set.union(*_stand(tensors, operators))) for tensors, operators in summary.graphs]
    states = _states(summary)
    ends = {summary.tensors[i].dtype for i in (*summary.inputs, *summary.outputs) if i not in states}
    flowing = {
        tensors[i].dtype
        for tensors, operators, fixed in graphs
        for operator in operators
        for i in _ends(operator) - fixed
        if tensors[i].scale or tensors[i].dtype in _FLOATS
    }
    stored = _stored(summary)

    def touching(dtypes: frozenset[str]) -> tuple[str, ...]:
        return _names(
            operator
            for tensors, operators, _ in graphs
            for operator in operators
            if any(tensors[i].dtype in dtypes for i in _ends(operator))
        )

    floats = touching(_FLOATS)
    if not floats and not ends & _FLOATS:
        if stored.keys() & _NARROW:
            return "mixed", touching(_NARROW)
        # Token ids go in and classes come out as int32 or int64, whatever the arithmetic between them is.
        kinds = ends & (_BYTE | _SHORT) or flowing
        if kinds and kinds <= _BYTE:
            return "int8", ()
        if kinds == {"int16"} and flowing <= {"int16", "int32"} and _bulk(stored, _BYTE):
            return "int16x8", ()
        return "mixed", touching(_BYTE) if kinds & _SHORT else ()
    if flowing - _FLOATS:
        return "mixed", floats
    name = _float_name((flowing | ends) & _FLOATS, stored)
    return (name, ()) if name else ("mixed", floats)


def _states(summary: Summary) -> set[int]:
    """The 16-bit ends by which a step hands its memory on, `name` to `name.next`, and nothing else.

    As in a fused LSTM that is int8, memory may be wider than the data.
    """
    ends = next(iter(summary.signatures.values()), {})
    inputs, outputs = ends.get("inputs", {}), ends.get("outputs", {})
    pairs = {name: (inputs[name], outputs[f"{name}.next"]) for name in inputs if f"{name}.next" in outputs}
    others = {i for name, i in outputs.items() if name.removesuffix(".next") not in pairs}
    found = {i for pair in pairs.values() for i in pair if {summary.tensors[j].dtype for j in pair} == {"int16"}}
    return found - others


def _float_name(flowing: Iterable[str], stored: dict[str, int]) -> str:
    """The name of a file in which floats flow, from the share that each type has of the weights; "" if it has none."""
    flowing, odd = set(flowing), stored.keys() - _SINGLE - _BYTE - _SHORT - {"float16"}
    if odd or not flowing <= _SINGLE | {"float16"} or (flowing & _SINGLE and "float16" in flowing):
        return ""
    quantized, half = bool(stored.keys() & _BYTE), "float16" in stored
    if "float16" in flowing:
        return "f16" if not quantized and _bulk(stored, {"float16"}) else ""
    if quantized:
        return "int8-dynamic" if not half and _bulk(stored, _BYTE) else ""
    if half:
        return "f16" if _bulk(stored, {"float16"}) else ""
    return "f32"


def _stored(summary: Summary) -> dict[str, int]:
    """Bytes of the constants that operators use, by dtype; only of types that weights have.

    What a loop alone takes is what it begins with, such as room for the sequence that it will write: no weight.
    """
    buffers = {
        tensors[i].buffer: tensors[i]
        for tensors, operators in summary.graphs
        for operator in operators
        if operator.name != "WHILE"
        for i in _ends(operator)
        if tensors[i].constant and tensors[i].dtype in _WEIGHTS
    }
    sizes: dict[str, int] = {}
    for tensor in buffers.values():
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.bytes
    return sizes


def _bulk(stored: dict[str, int], dtypes: Iterable[str]) -> bool:
    """Whether `dtypes` hold more than half of the weights' bytes; so they do where there are no weights."""
    return not stored or 2 * sum(stored.get(dtype, 0) for dtype in dtypes) > sum(stored.values())


def _stand(tensors: Sequence[TensorInfo], operators: Iterable[Operator]) -> tuple[set[int], set[int]]:
    """The constants of a graph, with what is computed from nothing else; and what data merely looks up in them."""
    fixed = {i for i, tensor in enumerate(tensors) if tensor.constant}
    rows: set[int] = set()
    for operator in operators:
        inputs = [i for i in operator.inputs if i >= 0]
        if not inputs:
            continue
        if fixed.issuperset(inputs):
            fixed.update(operator.outputs)
        elif operator.name in _LOOKUPS | _SHAPES:
            table = inputs[-1] if operator.name == "EMBEDDING_LOOKUP" else inputs[0]
            if table in rows or (table in fixed and operator.name in _LOOKUPS):
                rows.update(operator.outputs)
    return fixed, rows


def _ends(operator: Operator) -> set[int]:
    return {i for i in (*operator.inputs, *operator.outputs) if i >= 0}


def _names(operators: Iterable[Operator]) -> tuple[str, ...]:
    return tuple(sorted({operator.name for operator in operators}))


def _onnx(summary: Summary) -> Verdict:
    uses = _Uses()
    for tensors, operators in summary.graphs:
        uses.add(tensors, operators)
    stored = _stored(summary)
    if uses.quantized or (uses.integer and not uses.dynamic):
        offending = uses.floating | uses.dynamic
        if not offending and not stored.keys() & _NARROW:
            if uses.quantized <= _BYTE:
                return "int8", ()
            if uses.quantized <= _SHORT and stored.keys() & _BYTE:
                return "int16x8", ()
        return "mixed", tuple(sorted(offending or uses.integer | uses.quantizers))
    # Where nothing computes, what is looked up is all there is; without that, what goes in and comes out.
    ends = {summary.tensors[i].dtype for i in (*summary.inputs, *summary.outputs)}
    flowing = set(uses.computing) or stored.keys() & _FLOATS or ends & _FLOATS
    # Weights that are only stored in half and widened before use are no f16 here: ONNX computes in what flows.
    widened = "float16" in stored and flowing & _SINGLE
    name = "" if widened else _float_name(flowing, stored)
    if name:
        return name, ()
    if "float16" in stored or "float16" in flowing:
        others = [names for dtype, names in uses.computing.items() if dtype != "float16"]
    else:
        others = [names for dtype, names in uses.computing.items() if dtype not in _SINGLE] or [uses.floating]
    return "mixed", tuple(sorted(set().union(*others)))


class _Uses:
    """What the operators of an ONNX file do with floats and integers.

    Attributes:
        quantized: types that activations are quantized to ahead of time; `quantizers` does that.
        integer: operators that compute on integers as such.
        dynamic: operators that quantize activations as they run.
        floating: operators that compute on floats which do not come from a DequantizeLinear.
        computing: names of the computing operators by the float types that flow through them.
    """

    def __init__(self) -> None:
        self.quantized: set[str] = set()
        self.quantizers: set[str] = set()
        self.integer: set[str] = set()
        self.dynamic: set[str] = set()
        self.floating: set[str] = set()
        self.computing: dict[str, set[str]] = {}

    def add(self, tensors: Sequence[TensorInfo], operators: Iterable[Operator]) -> None:
        """Take in one graph, whose operators come in the order of computation."""
        fixed, rows = _stand(tensors, operators)
        grid: set[int] = set()  # floats just dequantized: on the grid of an integer type
        sums: set[int] = set()  # what operators make of those, before it is quantized again
        for operator in operators:
            kind = operator.name.rpartition(".")[2]
            outputs = [i for i in operator.outputs if i >= 0]
            inputs = [i for i in operator.inputs if i >= 0]
            data = {i for i in inputs if tensors[i].dtype in _FLOATS}
            if kind == "QuantizeLinear":
                self.quantizers.add(operator.name)
                if fixed.issuperset(inputs[:1]):
                    self.floating.add(operator.name)  # weights that are stored as floats after all
                else:
                    self.quantized.update(tensors[i].dtype for i in outputs)
            elif kind == "DequantizeLinear":
                grid.update(outputs)
            elif kind in _DYNAMIC:
                self.dynamic.add(operator.name)
            elif kind in _INTEGER:
                self.integer.add(operator.name)
            elif kind.startswith("QLinear"):
                self.quantized.update(tensors[i].dtype for i in outputs)
                self.quantizers.add(operator.name)
            elif kind in _MOVES:
                data &= set(inputs if kind == "Concat" else inputs[:1])
                floats = [i for i in outputs if tensors[i].dtype in _FLOATS]
                if data and grid.issuperset(data):
                    grid.update(floats)
                elif data and data <= grid | sums:
                    sums.update(floats)
            elif kind not in _BOOKKEEPING:
                self._compute(operator, tensors, fixed | rows)
                if kind in _FUSED | _FIRST_ONLY:
                    data &= set(inputs[:1])
                opaque = operator.custom and not operator.name.startswith(_VOUCHED)
                if opaque or not data <= (grid | sums if kind in _FUSED else grid):
                    self.floating.add(operator.name)
                else:
                    sums.update(outputs)

    def _compute(self, operator: Operator, tensors: Sequence[TensorInfo], fixed: set[int]) -> None:
        for i in _ends(operator) - fixed:
            if tensors[i].dtype in _FLOATS:
                self.computing.setdefault(tensors[i].dtype, set()).add(operator.name)
