"""Zeros around what is pooled by its largest value, kept from optimizers that take them for nothing.

Fusing Pad into MaxPool is what onnxruntime (PadFusion), onnxoptimizer and onnx-simplifier do at load. MaxPool's own
padding is minus infinity, so that a window at the border with negative values alone gives one of them in place of
zero; ResNet50V2's first pooling is such a one (onnx/optimizer pull request 318, onnxsim issue 290).
"""

from __future__ import annotations

from typing import Any

_NEVER_NEGATIVE = ("Relu", "Sigmoid", "Softmax", "Softplus", "Abs", "HardSigmoid")  # there the fusion is right


def kept(model: Any) -> Any:
    """The model with an operator that nothing removes between each zero padding and the MaxPool behind it."""
    import onnx
    from onnx import numpy_helper

    constants = {c.name: c for c in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}

    def pads_zeros(node: Any) -> bool:
        if node.op_type != "Pad" or any(a.name == "mode" and a.s != b"constant" for a in node.attribute):
            return False
        value = constants.get(node.input[2]) if len(node.input) > 2 and node.input[2] else None
        return value is None or not numpy_helper.to_array(value).any()

    nodes: list[Any] = []
    for node in model.graph.node:
        pad = makers.get(node.input[0]) if node.op_type == "MaxPool" else None
        if pad is not None and pads_zeros(pad):
            before = makers.get(pad.input[0])
            if before is None or before.op_type not in _NEVER_NEGATIVE:
                name = f"{pad.output[0]}_kept"
                # A slope of one below zero as above it: the same numbers, by an operator of every precision.
                nodes.append(onnx.helper.make_node("LeakyRelu", [pad.output[0]], [name], name=name, alpha=1.0))
                node.input[0] = name
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model
