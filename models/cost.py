"""What a network costs to run, counted from its layers' shapes."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from models.layers import LocallyConnected2D, TableConv2D

# Their kernel is gone over once for each place of the output.
_PLACED = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D, TableConv2D)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)


def multiply_accumulates(model: keras.Model) -> int:
    """Multiply-accumulates of one sample's way through a functional model.

    Kernels are counted in full at every place of the output, padding included, as is usual; biases, normalization,
    pooling and activations are not counted. A layer that is called twice counts twice.

    Raises:
        ValueError: a free axis other than the batch, or a layer with a matrix of weights that is not known here.
    """
    total = 0
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            if not node.is_input:
                total += _of(node.operation, node.outputs[0].shape)
    return total


def _of(layer: Any, output: tuple[int | None, ...]) -> int:
    if isinstance(layer, keras.Model):
        return multiply_accumulates(layer)
    if isinstance(layer, LocallyConnected2D):
        return _size(layer.kernel)
    if isinstance(layer, layers.Dense):
        return _places(layer, output) * _size(layer.kernel)
    if isinstance(layer, _SEPARABLE):
        return _places(layer, output) * (_size(layer.depthwise_kernel) + _size(layer.pointwise_kernel))
    if isinstance(layer, _PLACED):
        return _places(layer, output) * _size(layer.kernel)
    if any(len(weight.shape) > 1 for weight in getattr(layer, "weights", [])):
        raise ValueError(f"multiply_accumulates: the layer must be of a class known here. Received: {type(layer)}")
    return 0


def _places(layer: Any, output: tuple[int | None, ...]) -> int:
    sides = [side for side in output[1:-1] if side is not None]
    if len(sides) != len(output) - 2 or getattr(layer, "data_format", "channels_last") != "channels_last":
        rule = "all axes but the batch must be known, channels last"
        raise ValueError(f"multiply_accumulates: {rule}. Received: {layer.name} {output}")
    return math.prod(sides)


def _size(kernel: Any) -> int:
    return math.prod(kernel.shape)
