"""Small float graphs, put together operator by operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from export import flatbuffer
from export.quantize.flat import Flat


@pytest.fixture(scope="session")
def chain() -> Callable[..., bytes]:
    """`chain((operator, inputs, output shape, options), ..., inputs={name: shape})`: a float graph."""
    return _chain


def _empty() -> Flat:
    """A graph with nothing in it."""
    model, graph, buffer = schema.ModelT(), schema.SubGraphT(), schema.BufferT()
    buffer.data = b""
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [buffer], []
    model.metadata, model.signatureDefs = [], []
    return Flat(flatbuffer.pack(model))


def _chain(*steps: tuple[str, list[Any], tuple[int, ...], Any], inputs: dict[str, tuple[int, ...]]) -> bytes:
    """A graph of operators in a row.

    Args:
        steps: (operator, inputs, shape of its output, options). An input is the name of a graph input, an array for
            a constant, or -1 for the step before, -2 for the one before that.
        inputs: shapes by name.
    """
    flat = _empty()
    flat.graph.tensors, flat.graph.operators = list(flat.graph.tensors or []), []
    at = {name: flat.add_tensor(name, shape, np.float32) for name, shape in inputs.items()}
    made: list[int] = []
    for number, (name, sources, shape, options) in enumerate(steps):
        ends = []
        for source in sources:
            if isinstance(source, str):
                ends.append(at[source])
            elif isinstance(source, np.ndarray):
                ends.append(flat.add_tensor(f"constant_{number}", source.shape, source.dtype, source))
            else:
                ends.append(made[source])
        outputs = [flat.add_tensor(f"step_{number}", shape, np.float32) for _ in range(_outputs(name, options))]
        flat.graph.operators.append(
            flat.make(name, ends, outputs, _VERSIONS.get(name, 1), options and _options(flat, *options))
        )
        made.append(outputs[0])
    flat.graph.inputs = np.array(list(at.values()), np.int32)
    flat.graph.outputs = np.array(made[-1:], np.int32)
    return flat.packed()


_VERSIONS = {"BROADCAST_TO": 2}  # of which there is no first


def _outputs(name: str, options: Any) -> int:
    if name in ("SPLIT", "SPLIT_V"):
        return int(options[1]["numSplits"])
    return int(options[1]["num"]) if name == "UNPACK" else 1


def _options(flat: Flat, kind: str, values: dict[str, Any]) -> tuple[str, Any]:
    name, made = flat.options(kind)
    for field, value in values.items():
        setattr(made, field, value)
    return name, made
