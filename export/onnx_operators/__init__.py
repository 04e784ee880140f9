"""TensorFlow operators that tf2onnx has no translation of, in ONNX operators of opset 17.

One module each, found by listing the folder; the module's name is the operator's in small letters. Each has
`OPERATOR`, TensorFlow's name, and `translate(graph, node)`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def handlers() -> dict[str, tuple[Any, list[Any]]]:
    """For `tf2onnx.convert(custom_op_handlers=...)`."""
    found: dict[str, tuple[Any, list[Any]]] = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.stem != "__init__":
            module = importlib.import_module(f"{__name__}.{file.stem}")
            found[module.OPERATOR] = (_handler(module.translate), [])
    return found


def _handler(translate: Any) -> Any:
    def handle(graph: Any, node: Any, name: str, args: Any) -> Any:
        return translate(graph, node)

    return handle


def replace(graph: Any, node: Any, make: Any) -> Any:
    """Put in a node's place what `make(input)` builds of its first input; `make` returns the last new node."""
    source, target = node.input[0], node.output[0]
    shape, dtype = graph.get_shape(target), graph.get_dtype(target)
    name = node.name
    graph.remove_node(name)
    return make(source, {"outputs": [target], "shapes": [shape], "dtypes": [dtype]})


def constant(graph: Any, name: str, value: Any) -> str:
    """The name of a new constant's output."""
    from tf2onnx import utils

    return str(graph.make_const(utils.make_name(name), value).output[0])
