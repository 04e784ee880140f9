"""What each TensorFlow Lite operator asks of quantized tensors: the rules, as data.

The rules are those that the kernels check or assume (TensorFlow Lite 8-bit quantization specification; for the rest
the kernels' own `Prepare`). An operator that stands in no table stays in float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Weighted:
    """A weight, int8 and symmetric, and a bias in the scale of the sum."""

    data: int
    weight: int
    bias: int
    axis: int  # of the output channels in the weight


@dataclass(frozen=True)
class Fixed:
    """(scale, zero point) that the kernel takes for granted, by width."""

    int8: tuple[float, int]
    int16: tuple[float, int] | None


WEIGHTED: Mapping[str, Weighted] = {
    "CONV_2D": Weighted(0, 1, 2, 0),
    "DEPTHWISE_CONV_2D": Weighted(0, 1, 2, 3),
    "FULLY_CONNECTED": Weighted(0, 1, 2, 0),
    "TRANSPOSE_CONV": Weighted(2, 1, 3, 0),
}

FIXED: Mapping[str, Fixed] = {
    "LOGISTIC": Fixed((1 / 256, -128), (1 / 32768, 0)),
    "SOFTMAX": Fixed((1 / 256, -128), (1 / 32768, 0)),
    "TANH": Fixed((1 / 128, 0), (1 / 32768, 0)),
    "LOG_SOFTMAX": Fixed((16 / 256, 127), None),
    "L2_NORMALIZATION": Fixed((1 / 128, 0), None),
}

# Inputs that hold data of the same scale as the output; None: all of them.
SAME: Mapping[str, tuple[int, ...] | None] = {
    "AVERAGE_POOL_2D": (0,),
    "BATCH_TO_SPACE_ND": (0,),
    "BROADCAST_TO": (0,),
    "CONCATENATION": None,
    "DEPTH_TO_SPACE": (0,),
    "DYNAMIC_UPDATE_SLICE": (0, 1),
    "EXPAND_DIMS": (0,),
    "GATHER": (0,),
    "GATHER_ND": (0,),
    "MAXIMUM": (0, 1),
    "MAX_POOL_2D": (0,),
    "MINIMUM": (0, 1),
    "MIRROR_PAD": (0,),
    "PACK": None,
    "PAD": (0,),
    "PADV2": (0, 2),
    "REDUCE_MAX": (0,),
    "REDUCE_MIN": (0,),
    "RESHAPE": (0,),
    "RESIZE_BILINEAR": (0,),
    "RESIZE_NEAREST_NEIGHBOR": (0,),
    "REVERSE_V2": (0,),
    "SELECT_V2": (1, 2),
    "SELECT": (1, 2),
    "SLICE": (0,),
    "SPACE_TO_BATCH_ND": (0,),
    "SPACE_TO_DEPTH": (0,),
    "SPLIT": (1,),
    "SPLIT_V": (0,),
    "SQUEEZE": (0,),
    "STRIDED_SLICE": (0,),
    "TILE": (0,),
    "TRANSPOSE": (0,),
    "UNPACK": (0,),
}

# Scales of inputs and outputs are the caller's choice.
FREE = frozenset(
    {
        "ABS", "ADD", "BATCH_MATMUL", "ELU", "EXP", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "MEAN", "MUL", "PRELU",
        "RELU", "RELU6", "RELU_N1_TO_1", "RSQRT", "SQUARED_DIFFERENCE", "SUB",
    }
)  # fmt: skip

# With 16-bit activations: those that have a kernel, and what `spelled` writes in such.
WIDE = frozenset(
    {
        "ADD", "AVERAGE_POOL_2D", "BATCH_MATMUL", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D",
        "DYNAMIC_UPDATE_SLICE", "EXP", "EXPAND_DIMS",
        "FULLY_CONNECTED", "GATHER", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D",
        "MEAN", "MINIMUM",
        "MIRROR_PAD", "MUL", "PACK", "PAD", "PADV2", "RELU", "RELU6", "RESHAPE", "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "RSQRT", "SLICE", "SOFTMAX", "SPLIT", "SQUEEZE", "STRIDED_SLICE",
        "SUB", "TANH", "TRANSPOSE", "TRANSPOSE_CONV", "UNPACK",
    }
)  # fmt: skip

# The lowest version under which every set of kernels takes them; a reader of another age refuses by it. Default: 2 for
# int8, 3 for int16.
_VERSIONS: Mapping[str, tuple[int, int]] = {
    "ADD": (2, 3),
    "BROADCAST_TO": (3, 3),
    "CONV_2D": (3, 4),
    "DEPTHWISE_CONV_2D": (3, 5),
    "DYNAMIC_UPDATE_SLICE": (1, 1),
    "DEPTH_TO_SPACE": (1, 1),
    "ELU": (1, 1),
    "EXPAND_DIMS": (1, 1),
    "FULLY_CONNECTED": (4, 7),
    "GATHER": (2, 4),
    "GELU": (2, 2),
    "HARD_SWISH": (1, 1),
    "LEAKY_RELU": (1, 2),
    "LOG": (2, 2),
    "EXP": (2, 2),
    "MAXIMUM": (2, 4),
    "MINIMUM": (2, 4),
    "MUL": (3, 4),
    "PRELU": (1, 1),
    "RELU_N1_TO_1": (1, 1),
    "RESHAPE": (1, 1),
    "RESIZE_BILINEAR": (3, 4),
    "RESIZE_NEAREST_NEIGHBOR": (3, 4),
    "REVERSE_V2": (3, 3),
    "SELECT_V2": (1, 1),
    "SLICE": (2, 4),
    "SPACE_TO_BATCH_ND": (2, 4),
    "BATCH_TO_SPACE_ND": (2, 4),
    "SPLIT": (2, 4),
    "SQUEEZE": (1, 1),
    "STRIDED_SLICE": (2, 4),
    "SUB": (2, 5),
    "TILE": (2, 2),
    "TRANSPOSE": (2, 5),
    "TRANSPOSE_CONV": (3, 4),
    "UNPACK": (2, 4),
}


def quantizable(operator: str, width: int) -> bool:
    """There is a kernel for it with activations of this width."""
    known = operator in WEIGHTED or operator in FIXED or operator in SAME or operator in FREE
    return known and (width == 8 or operator in WIDE)


def version(operator: str, width: int, before: int) -> int:
    """Of the quantized operator, given that of the float one."""
    return max(before, _VERSIONS.get(operator, (2, 3))[width == 16])
