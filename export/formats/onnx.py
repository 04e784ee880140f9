"""ONNX through tf2onnx, with a free batch axis: f32, f16, and int8 as static QDQ by onnxruntime's quantizer."""

from __future__ import annotations

import copy
import graphlib
import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import edgeproof
from edgeproof.contract import Contract
from export import lone, onnx_memory, onnx_operators, onnx_padding
from export.formats import Format, Made
from export.quantize import onnx as integer

if TYPE_CHECKING:
    from export.source import Source

# The newest that tf2onnx 1.17 writes and that runtimes of the last years (web and embedded ones too) all read.
OPSET = 17
# Of those that the float16 pass leaves in float32, the ones that have been defined and run in float16 since opset 12.
_HALVES = ("Max", "Min")


def convert(source: Source, precision: str, path: Path) -> Made:
    """Write the bare model."""
    model = copy.deepcopy(float_model(source))
    quantization: dict[str, Any] = {}
    if precision == "f16":
        from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

        blocked = [operator for operator in DEFAULT_OP_BLOCK_LIST if operator not in _HALVES]
        model = _sorted(_once(convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked)))
        quantization = {"weights": "float16", "activations": "float16", "ends": "float32"}
    elif precision == "int8":
        import onnx

        from export.formats.tflite import no_calibration

        if not source.calibration:
            raise no_calibration("int8", source)
        data, quantization = integer.quantized(source, source.plan)
        model = onnx.load_from_string(data)
    _ordered(model.graph.initializer)
    _ordered(model.graph.value_info)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return Made(quantization, {"opset": OPSET})


def float_model(source: Source) -> Any:
    """The model in float32, converted once for all precisions."""
    # The cache is the source's, so that it goes when the source goes.
    if "onnx" not in source.cache:
        source.cache["onnx"] = _float_model(source)
    return source.cache["onnx"]


def _float_model(source: Source) -> Any:
    function = source.function(None)
    try:
        model = _traced(source, function, copies=False)
    except Exception:  # of one rewrite among many, which is then left out
        model = _traced(source, function, copies=True)
    _settle(model, function.get_concrete_function())
    # tf2onnx orders outputs as tf.function flattens dicts, by name; the contract's order is the model's.
    ends = {end.name: end for end in model.graph.output}
    missing = [name for name in source.model.output_names if name not in ends]
    if missing:
        raise RuntimeError(f"tf2onnx lost the outputs {', '.join(missing)}; it has {', '.join(ends)}")
    ordered = [ends[name] for name in source.model.output_names]
    del model.graph.output[:]
    model.graph.output.extend(ordered)
    for end in (*model.graph.input, *model.graph.output):
        axis = end.type.tensor_type.shape.dim[0]
        if not axis.HasField("dim_value"):
            axis.dim_param = "batch"
    # tf2onnx puts a counter of its process here, which would make two exports differ.
    model.graph.name, model.graph.doc_string = "main", ""
    return onnx_padding.kept(_renamed(model))


def _traced(source: Source, function: Any, copies: bool) -> Any:
    import tf2onnx

    with onnx_memory.thrift(copies=copies):
        model, _ = tf2onnx.convert.from_function(
            function, input_signature=source.signature(None), opset=OPSET, custom_op_handlers=onnx_operators.handlers()
        )
    return model


def _settle(model: Any, concrete: Any) -> None:
    """Constants that layers hold as tensors, such as Normalization's mean, which tf2onnx takes for inputs."""
    from onnx import numpy_helper

    held = {inside.name: outside for outside, inside in concrete.graph.captures if outside.dtype != "resource"}
    inputs = [end for end in model.graph.input if end.name not in held]
    used = {end.name for end in model.graph.input} & held.keys()
    model.graph.initializer.extend(numpy_helper.from_array(held[name].numpy(), name) for name in sorted(used))
    del model.graph.input[:]
    model.graph.input.extend(inputs)


_COUNTER = re.compile(r"__\d+")


def _renamed(model: Any) -> Any:
    """Names that follow from the model alone.

    tf2onnx numbers names by a counter of its process, and which of two equal constants it keeps hangs on the
    numbers. So numbered constants are called after their content, and other names lose the number.
    """
    from onnx import numpy_helper

    kept = {end.name for end in (*model.graph.input, *model.graph.output)}
    new: dict[str, str] = {}
    taken: Counter[str] = Counter(kept)
    for constant in model.graph.initializer:
        if _COUNTER.search(constant.name):
            content = f"{constant.data_type}{list(constant.dims)}".encode() + numpy_helper.to_array(constant).tobytes()
            new[constant.name] = "const_" + hashlib.sha256(content).hexdigest()[:12]

    def rename(name: str) -> str:
        if name and name not in new and name not in kept:
            new[name] = _free(_COUNTER.sub("", name), taken)
        return new.get(name, name)

    nodes: Counter[str] = Counter()
    for node in model.graph.node:
        node.name = _free(_COUNTER.sub("", node.name), nodes)
        for ends in (node.input, node.output):
            for i, name in enumerate(ends):
                ends[i] = rename(name)
    unique = {rename(constant.name): constant for constant in model.graph.initializer}
    for entry in (*model.graph.initializer, *model.graph.value_info):
        entry.name = rename(entry.name)
    constants = list(unique.values())
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)
    return model


def _free(base: str, taken: Counter[str]) -> str:
    """`base`, or the first of base_2, base_3 ... that is not taken."""
    free = base
    while taken[free]:
        taken[base] += 1
        free = f"{base}_{taken[base]}"
    taken[free] += 1
    return free


def _ordered(entries: Any) -> None:
    """Sort a list of named protobufs in place: tools fill it from sets."""
    by_name = sorted(entries, key=lambda entry: entry.name)
    del entries[:]
    entries.extend(by_name)


def _once(model: Any) -> Any:
    """Without repeated nodes: the float16 pass casts what several nodes take as often as they take it."""
    made: set[str] = set()
    nodes = []
    for node in model.graph.node:
        if not made.issuperset(node.output):
            nodes.append(node)
        made.update(node.output)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _sorted(model: Any) -> Any:
    """Nodes after those that make their inputs, as the format demands and the float16 pass does not keep."""
    maker = {name: i for i, node in enumerate(model.graph.node) for name in node.output}
    sorter = graphlib.TopologicalSorter(
        {i: [maker[name] for name in node.input if name in maker] for i, node in enumerate(model.graph.node)}
    )
    nodes = [model.graph.node[i] for i in sorter.static_order()]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def embed(path: Path, contract: Contract) -> None:
    """Contract as a metadata property; name, version and description in the fields that ONNX has for them."""
    import onnx

    model = onnx.load(str(path))
    model.producer_name, model.producer_version = "edgeproof", edgeproof.__version__
    model.doc_string = contract.title or contract.name
    model.model_version = 1
    onnx.helper.set_model_props(model, {Contract.KEY: contract.to_json()})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


FORMAT = Format(
    title="ONNX",
    precisions=("f32", "f16", "int8"),
    suffix=".onnx",
    runtimes=("onnxruntime",),
    convert=convert,
    embed=embed,
    look=lone.look,
    session=lone.session,
    integers=integer.OnnxIntegers,
)
