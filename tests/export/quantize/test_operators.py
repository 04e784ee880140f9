"""Every rule of the quantizer on the kernels: an integer operator gives what the float one gives for its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof import formats as files
from edgeproof.runner import Model
from export.quantize import apply
from export.quantize import operators as rules
from export.quantize.flat import Flat
from export.quantize.forms import stored
from export.quantize.plan import Plan
from export.quantize.ranges import Watched, observe

RNG = np.random.default_rng(0)
NONE = 0  # fused activation
INT = np.int32


def ints(*values: int) -> np.ndarray:
    return np.array(values, INT)


def exact(*shape: int, axis: int = 0) -> np.ndarray:
    """A weight that int8 holds without error: 127 in every channel."""
    values = RNG.integers(-127, 128, shape).astype(np.float32)
    np.moveaxis(values, axis, 0).reshape(shape[axis], -1)[:, 0] = 127
    moved = np.moveaxis(values, axis, 0)
    moved.reshape(shape[axis], -1)[:, 0] = 127
    return (values / 127).astype(np.float32)


CONV = {"padding": 0, "strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
POOL = {"padding": 1, "strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
MAP = (1, 6, 6, 4)
ROW = (1, 12)
BIAS = RNG.normal(size=4).astype(np.float32)
# operator: (inputs, output shape, options). "x" and "y" are computed tensors, arrays are constants.
CASES: dict[str, tuple[list[Any], tuple[int, ...], Any]] = {
    "CONV_2D": (["x", exact(4, 3, 3, 4), BIAS], (1, 4, 4, 4), ("Conv2DOptions", CONV)),
    "DEPTHWISE_CONV_2D": (
        ["x", exact(1, 3, 3, 4, axis=3), BIAS],
        (1, 4, 4, 4),
        ("DepthwiseConv2DOptions", {**CONV, "depthMultiplier": 1}),
    ),
    "FULLY_CONNECTED": (["row", exact(4, 12), BIAS], (1, 4), ("FullyConnectedOptions", {})),
    "TRANSPOSE_CONV": (
        [ints(1, 12, 12, 4), exact(4, 2, 2, 4), "x", BIAS],
        (1, 12, 12, 4),
        ("TransposeConvOptions", {"padding": 0, "strideW": 2, "strideH": 2}),
    ),
    "LOGISTIC": (["x"], MAP, None),
    "TANH": (["x"], MAP, None),
    "SOFTMAX": (["row"], ROW, ("SoftmaxOptions", {"beta": 1.0})),
    "LOG_SOFTMAX": (["row"], ROW, ("LogSoftmaxOptions", {})),
    "L2_NORMALIZATION": (["row"], ROW, ("L2NormOptions", {})),
    "AVERAGE_POOL_2D": (["x"], (1, 3, 3, 4), ("Pool2DOptions", POOL)),
    "MAX_POOL_2D": (["x"], (1, 3, 3, 4), ("Pool2DOptions", POOL)),
    "BATCH_TO_SPACE_ND": (
        [np.float32, ints(2, 2), np.zeros((2, 2), INT)],
        (1, 4, 4, 4),
        ("BatchToSpaceNDOptions", {}),
    ),
    "SPACE_TO_BATCH_ND": (["x", ints(2, 2), np.zeros((2, 2), INT)], (4, 3, 3, 4), ("SpaceToBatchNDOptions", {})),
    "BROADCAST_TO": (["row", ints(3, 12)], (3, 12), ("BroadcastToOptions", {})),
    "CONCATENATION": (["x", "y"], (1, 6, 6, 8), ("ConcatenationOptions", {"axis": 3})),
    "DEPTH_TO_SPACE": (["x"], (1, 12, 12, 1), ("DepthToSpaceOptions", {"blockSize": 2})),
    "SPACE_TO_DEPTH": (["x"], (1, 3, 3, 16), ("SpaceToDepthOptions", {"blockSize": 2})),
    "EXPAND_DIMS": (["row", ints(0).reshape(())], (1, 1, 12), ("ExpandDimsOptions", {})),
    "GATHER": (["x", ints(2, 0, 5)], (1, 3, 6, 4), ("GatherOptions", {"axis": 1})),
    "GATHER_ND": (["x", np.array([[0, 1], [0, 4]], INT)], (2, 6, 4), ("GatherNdOptions", {})),
    "MAXIMUM": (["x", "y"], MAP, ("MaximumMinimumOptions", {})),
    "MINIMUM": (["x", "y"], MAP, ("MaximumMinimumOptions", {})),
    "MIRROR_PAD": (["x", np.array([[0, 0], [1, 1], [2, 2], [0, 0]], INT)], (1, 8, 10, 4), ("MirrorPadOptions", {})),
    "PACK": (["x", "y"], (2, 1, 6, 6, 4), ("PackOptions", {"valuesCount": 2, "axis": 0})),
    "UNPACK": (["x"], (1, 6, 4), ("UnpackOptions", {"num": 6, "axis": 1})),
    "PAD": (["x", np.array([[0, 0], [1, 1], [2, 2], [0, 0]], INT)], (1, 8, 10, 4), ("PadOptions", {})),
    "PADV2": (
        ["x", np.array([[0, 0], [1, 1], [2, 2], [0, 0]], INT), np.array(-7.0, np.float32)],
        (1, 8, 10, 4),
        ("PadV2Options", {}),
    ),
    "REDUCE_MAX": (["x", ints(1, 2)], (1, 4), ("ReducerOptions", {"keepDims": False})),
    "REDUCE_MIN": (["x", ints(1, 2)], (1, 4), ("ReducerOptions", {"keepDims": False})),
    "RESHAPE": (["x", ints(1, 144)], (1, 144), ("ReshapeOptions", {"newShape": ints(1, 144)})),
    "RESIZE_BILINEAR": (["x", ints(12, 12)], (1, 12, 12, 4), ("ResizeBilinearOptions", {"halfPixelCenters": True})),
    "RESIZE_NEAREST_NEIGHBOR": (["x", ints(12, 12)], (1, 12, 12, 4), ("ResizeNearestNeighborOptions", {})),
    "REVERSE_V2": (["x", ints(2)], MAP, ("ReverseV2Options", {})),
    "SELECT": ([np.arange(144).reshape(MAP) % 3 == 0, "x", "y"], MAP, ("SelectOptions", {})),
    "SELECT_V2": ([np.arange(144).reshape(MAP) % 3 == 0, "x", "y"], MAP, ("SelectV2Options", {})),
    "SLICE": (["x", ints(0, 1, 2, 0), ints(1, 4, 3, 4)], (1, 4, 3, 4), ("SliceOptions", {})),
    "SPLIT": ([ints(3).reshape(()), "x"], (1, 6, 6, 2), ("SplitOptions", {"numSplits": 2})),
    "SPLIT_V": (["x", ints(3, 3), ints(1).reshape(())], (1, 3, 6, 4), ("SplitVOptions", {"numSplits": 2})),
    "SQUEEZE": (["x"], (6, 6, 4), ("SqueezeOptions", {"squeezeDims": ints(0)})),
    "STRIDED_SLICE": (
        ["x", ints(0, 1, 0, 0), ints(1, 6, 6, 4), ints(1, 2, 1, 1)],
        (1, 3, 6, 4),
        ("StridedSliceOptions", {}),
    ),
    "TILE": (["row", ints(2, 1)], (2, 12), ("TileOptions", {})),
    "TRANSPOSE": (["x", ints(0, 3, 1, 2)], (1, 4, 6, 6), ("TransposeOptions", {})),
    "ABS": (["x"], MAP, ("AbsOptions", {})),
    "ADD": (["x", "y"], MAP, ("AddOptions", {})),
    "BATCH_MATMUL": (["x", np.float32], (1, 6, 6, 6), ("BatchMatMulOptions", {"adjY": True})),
    "ELU": (["x"], MAP, None),
    "EXP": (["x"], MAP, ("ExpOptions", {})),
    "GELU": (["x"], MAP, ("GeluOptions", {})),
    "HARD_SWISH": (["x"], MAP, ("HardSwishOptions", {})),
    "LEAKY_RELU": (["x"], MAP, ("LeakyReluOptions", {"alpha": 0.2})),
    "LOG": (["positive"], MAP, None),
    "MEAN": (["x", ints(1, 2)], (1, 4), ("ReducerOptions", {"keepDims": False})),
    "MUL": (["x", "y"], MAP, ("MulOptions", {})),
    "PRELU": (["x", np.full((1, 1, 4), 0.25, np.float32)], MAP, None),
    "RELU": (["x"], MAP, None),
    "RELU6": (["x"], MAP, None),
    "RELU_N1_TO_1": (["x"], MAP, None),
    "RSQRT": (["positive"], MAP, None),
    "SQUARED_DIFFERENCE": (["x", "y"], MAP, ("SquaredDifferenceOptions", {})),
    "SUB": (["x", "y"], MAP, ("SubOptions", {})),
    "DYNAMIC_UPDATE_SLICE": (["x", "part", ints(0, 2, 0, 0)], MAP, None),
}
MISSING = {"ELU"}  # of LiteRT's reference kernels
SHAPES = {"x": MAP, "y": MAP, "row": ROW, "positive": MAP, "part": (1, 2, 6, 4)}
ALL = sorted({*rules.WEIGHTED, *rules.FIXED, *rules.SAME, *rules.FREE})
TABLE = [(name, width) for name in ALL for width in (8, 16) if rules.quantizable(name, width)]

# Largest error allowed, in steps of the output. One step is rounding of the result and of the multiplier. Kernels that
# work by table or by fixed point cost more: 16-bit tables interpolate between 513 points, half of them below zero, so
# that a steep function of positive numbers is off by up to three hundredths of its largest value.
STEPS = {
    ("EXP", 16): 1000.0,
    ("LOG", 16): 1000.0,
    ("RSQRT", 16): 1000.0,
    ("GELU", 16): 8.0,  # 6.1 of 360; its tanh form is up to 4.8e-4 away
    ("TANH", 16): 4.0,  # the largest of 1,200 draws was 2.8
    ("SOFTMAX", 16): 24.0,  # 18.8; a table of exp and one of 1/x
}


def samples(seed: int, spread: float, n: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {name: (spread * rng.normal(size=(n, *shape[1:]))).astype(np.float32) for name, shape in SHAPES.items()}
    found["positive"] = (0.2 + np.abs(found["positive"])).astype(np.float32)
    return found


def graph(name: str, chain: Callable[..., bytes]) -> bytes:
    sources, shape, options = CASES[name]
    if name == "BATCH_TO_SPACE_ND":  # its input has a batch of four
        first = CASES["SPACE_TO_BATCH_ND"]
        steps = [("SPACE_TO_BATCH_ND", *first), (name, [-1, *sources[1:]], MAP, options)]
        return chain(*steps, inputs={"x": MAP})
    sources = ["y" if source is np.float32 else source for source in sources]
    return chain((name, sources, shape, options), inputs={s: SHAPES[s] for s in sources if isinstance(s, str)})


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    assert sorted(CASES) == ALL


RUNS = [(n, w, k) for n, w in TABLE for k in ("xnnpack", "reference") if not (k == "reference" and n in MISSING)]


@pytest.mark.parametrize(("name", "width", "kernels"), RUNS, ids=[f"{n}-int{w}-{k}" for n, w, k in RUNS])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**16), spread=st.sampled_from([0.05, 1.0, 3.0]))
def test_an_integer_operator_gives_what_the_float_one_gives(
    chain: Callable[..., bytes], name: str, width: int, kernels: str, seed: int, spread: float
) -> None:
    data = graph(name, chain)
    names = [Flat(data).label(int(t)) for t in Flat(data).graph.inputs]
    given_samples = {k: v for k, v in samples(seed, spread).items() if k in names}
    ranges = {tensor: values.range("min-max") for tensor, values in observe(data, given_samples).items()}
    made = apply.quantize(data, ranges, Plan(width=width))
    assert made.widths[0] == 0
    summary = files.read_bytes(made.data, name)
    assert files.precision(summary)[0] in ("int8", "int16x8", "mixed")
    assert not any(tensor.dtype == "float32" for tensor in summary.tensors)

    flat, integer = Flat(made.data), Model(made.data, summary, kernels=kernels)
    exactly = Watched(data)
    output = flat.graph.tensors[int(flat.graph.outputs[0])].quantization
    step = float(output.scale[0])
    for i in range(6):
        feeds = {}
        for t in flat.graph.inputs:
            quantization = flat.graph.tensors[int(t)].quantization
            form = apply.Form(width, float(quantization.scale[0]), int(quantization.zeroPoint[0]))
            value = given_samples[flat.label(int(t))][i : i + 1]
            # What the integer graph is given, as the float one sees it: only the operator's own error is left.
            feeds[flat.label(int(t))] = ((stored(value, form).astype(np.float64) - form.zero) * form.scale).astype("f4")
        exactly.invoke(feeds)
        wanted = exactly.value(int(Flat(data).graph.outputs[0]))
        low, high = (np.iinfo(apply.INT[width]).min, np.iinfo(apply.INT[width]).max)
        wanted = np.clip(wanted, (low - output.zeroPoint[0]) * step, (high - output.zeroPoint[0]) * step)
        (found,) = integer.infer(feeds).values()
        worst = np.abs(found - wanted).max() / step
        assert worst <= STEPS.get((name, width), 2.01), worst
