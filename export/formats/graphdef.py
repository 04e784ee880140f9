"""Frozen GraphDef (.pb): variables as constants in one protobuf, which older TensorRT and OpenCV read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.contract import Contract
from export import lone, memory
from export.formats import Format, Look, Made
from export.formats.saved_model import operators

if TYPE_CHECKING:
    from export.source import Source

# TensorFlow and the readers of GraphDefs leave attributes that begin with an underscore alone.
_CONTRACT = "_edgeproof_contract"
_OUTPUTS = "_edgeproof_outputs"
_UNUSED = "unused_control_flow_input"


def convert(source: Source, precision: str, path: Path) -> Made:
    """Freeze the model with a free batch axis; inputs and outputs are nodes with the contract's names."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tf2onnx.tf_loader import tf_optimize

    from export.source import Form

    concrete = source.function(None, Form.SPLIT).get_concrete_function()
    frozen = convert_variables_to_constants_v2(concrete).graph.as_graph_def()
    memory.sweep()  # of the graphs on the way, each with a copy of all weights
    inputs, outputs = [t.name for t in source.model.inputs], list(source.model.output_names)
    names = {node.name for node in frozen.node}
    missing = [name for name in (*outputs, *inputs) if name not in names]
    if missing:
        raise RuntimeError(f"the frozen graph lost its ends {', '.join(missing)}")
    # Folds constants and drops what leads to no output: readers of .pb files follow simple graphs only.
    with tf.Graph().as_default():  # it goes through a meta graph, which eager execution forbids
        graph = tf_optimize([f"{name}:0" for name in inputs], [f"{name}:0" for name in outputs], frozen)
    for node in graph.node:
        if node.op == "Const":
            # Equal elements are stored as one; OpenCV reads such a constant as too short.
            value = tf.make_ndarray(node.attr["value"].tensor)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    _ends(graph)[0].attr[_OUTPUTS].s = ",".join(outputs).encode()
    path.write_bytes(graph.SerializeToString(deterministic=True))
    return Made({}, {"inputs": [node.name for node in _ends(graph)], "outputs": outputs})


def embed(path: Path, contract: Contract) -> None:
    """Keep the contract as an attribute of the first input."""
    graph = _read(path)
    _ends(graph)[0].attr[_CONTRACT].s = contract.to_json().encode()
    path.write_bytes(graph.SerializeToString(deterministic=True))


def look(path: Path) -> Look:
    """Operators, dtypes of the constants, and the contract."""
    import tensorflow as tf

    graph = _read(path)
    kinds = {tf.dtypes.as_dtype(node.attr["dtype"].type) for node in graph.node if node.op == "Const"}
    stored = _ends(graph)[0].attr[_CONTRACT].s if _CONTRACT in _ends(graph)[0].attr else None
    return Look(
        precision="f32" if {kind for kind in kinds if kind.is_floating} <= {tf.float32} else "mixed",
        floats=(),
        operators=operators(graph),
        contract=Contract.from_json(stored, source=str(path)) if stored else None,
    )


def session(path: Path, runtime: str) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Import the graph and feed it by name, as a reader of .pb files does."""
    import tensorflow as tf

    graph = _read(path)
    names = [node.name for node in _ends(graph)]
    outputs = _ends(graph)[0].attr[_OUTPUTS].s.decode().split(",")
    wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    pruned = wrapped.prune([f"{name}:0" for name in names], [f"{name}:0" for name in outputs])

    def run(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        results = pruned(*[tf.constant(batch[name]) for name in names])
        return {name: value.numpy() for name, value in zip(outputs, results, strict=True)}

    return lone.stepped(run, look(path).contract)


def _read(path: Path) -> Any:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = GraphDef()
    graph.ParseFromString(path.read_bytes())
    return graph


def _ends(graph: Any) -> list[Any]:
    # Loops written out leave placeholders behind that nothing computes with.
    return [node for node in graph.node if node.op == "Placeholder" and not node.name.startswith(_UNUSED)]


FORMAT = Format(
    title="TensorFlow frozen GraphDef",
    precisions=("f32",),
    suffix=".pb",
    runtimes=("tensorflow",),
    convert=convert,
    embed=embed,
    look=look,
    session=session,
    needs_tensorflow=True,
)
