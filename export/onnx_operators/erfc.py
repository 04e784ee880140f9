"""erfc(x) = 1 - erf(x), of which TensorFlow makes GELU, where it used erf before.

https://github.com/onnx/tensorflow-onnx/pull/2463 proposes the Gelu operator instead, which needs opset 20.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from export.onnx_operators import constant, replace

OPERATOR = "Erfc"


def translate(graph: Any, node: Any) -> Any:
    """Erf, Sub."""

    def make(x: str, ends: dict[str, Any]) -> Any:
        erf = graph.make_node("Erf", [x]).output[0]
        return graph.make_node("Sub", [constant(graph, "one", np.float32(1)), erf], **ends)

    return replace(graph, node, make)
