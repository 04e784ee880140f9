"""expm1(x) = exp(x) - 1: near zero it loses digits of itself, none of a sum with anything of size one."""

from __future__ import annotations

from typing import Any

import numpy as np

from export.onnx_operators import constant, replace

OPERATOR = "Expm1"


def translate(graph: Any, node: Any) -> Any:
    """Exp, Sub."""

    def make(x: str, ends: dict[str, Any]) -> Any:
        exp = graph.make_node("Exp", [x]).output[0]
        return graph.make_node("Sub", [exp, constant(graph, "one", np.float32(1))], **ends)

    return replace(graph, node, make)
