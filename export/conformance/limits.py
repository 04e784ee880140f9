"""What the formats can't do, why, and what to write instead: known limits by the words in which they show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch

from export.verdict import Result

# What to write in a layer's place so that a microcontroller's operators do.
_REWRITES = {
    "GELU": '"silu" or "hard_silu"',
    "SELECT": "a product with a mask of ones and zeros",
    "SELECT_V2": "a product with a mask of ones and zeros",
    "RELU_N1_TO_1": "tanh, or ReLU(max_value) between additions",
    "TILE": "Concatenate of the copies",
    "BROADCAST_TO": "Concatenate of the copies",
    "CONV_3D": "TimeDistributed(Conv2D)",
    "CONV_3D_TRANSPOSE": "UpSampling3D and Conv3D",
    "TOPK_V2": '"softmax" for "sparsemax"',
    "REDUCE_ANY": "a mask as an input of the model",
    "REDUCE_ALL": "a mask as an input of the model",
    "REDUCE_PROD": "sequences of one length",
    "ONE_HOT": "Embedding with the unit matrix",
    "POW": "a product of the factors",
}
_ELSEWHERE = "the .tflite file, which LiteRT runs on Linux boards and phones"


@dataclass(frozen=True)
class Limit:
    """A limit of a format, its converter or its kernels.

    Attributes:
        formats: as in "tflite:int8", shell patterns.
        shows: regular expression over the reason and the log of the result; its named groups fill `reason`.
        reason, rewrite: for people.
        cases: names of cases, shell patterns; for what only some layers suffer from.
    """

    formats: tuple[str, ...]
    shows: str
    reason: str
    rewrite: str
    cases: tuple[str, ...] = ("*",)


_INTEGER = ("tflite:int8", "tflm:int8", "onnx:int8", "tflite:int16x8")
LIMITS: tuple[Limit, ...] = (
    Limit(
        ("tflm:*",),
        r"must have every operator of the graph\. Received: (?P<operators>[A-Z0-9_, ]+)",
        "TensorFlow Lite for Microcontrollers has no {operators}.",
        "",  # by operator, see `explain`
    ),
    Limit(
        ("tflite:int16x8",),
        r"Didn't find op for builtin opcode '(?P<operator>\w+)' version",
        "No kernel of {operator} with 16-bit activations in ai-edge-litert's reference set.",
        "Use int8, or write the layer without it.",
    ),
    Limit(
        ("tflite:*", "tflm:*"),
        r"on reference kernels: Didn't find op for builtin opcode '(?P<operator>\w+)' version",
        "ai-edge-litert's reference kernels have no {operator} of this type.",
        "Run it on XNNPACK's or the builtin kernels, or write the layer without it.",
    ),
    Limit(
        ("tflite:*",),
        r"error: '?(?:loc.*?)?(?:tf\.)?(?P<operator>\w+)'? op is neither a custom op nor a flex op",
        "TensorFlow Lite has no builtin operator for {operator}.",
        "Compute it before the graph, or use onnx.",
    ),
    Limit(
        ("*",),
        r"an integer graph may have loops over time, but none in another",
        "A loop in a loop has no integer form here.",
        "Unroll the inner one (unroll=True).",
    ),
    Limit(
        _INTEGER,
        r"largest difference",
        "Its result is a step of its input (an order, a count, a threshold), and a value that 8 bits move across one "
        "changes it whole.",
        "Preprocess before the graph (the contract's frontend), in float.",
        (
            "Discretization",
            "AutoContrast",
            "ContrastLimitedAdaptiveHistogramEqualization",
            "Solarization",
            "activations/hard_shrink",
            "activations/threshold",
            "activations/sparsemax",
        ),
    ),
    Limit(
        (*_INTEGER, "tflite:int8-dynamic", "*:f16"),
        r"largest difference",
        "Energies span more than the 48 dB that 8 bits hold, and the logarithm of one near zero enlarges any rounding.",
        "Compute spectrograms before the graph (the contract's frontend).",
        ("MelSpectrogram", "STFTSpectrogram"),
    ),
)


def explain(case: str, result: Result) -> tuple[str, str] | None:
    """(reason, rewrite) of the first limit that a result shows, None where none is known."""
    form, said = f"{result.format}:{result.asked}", f"{result.reason}\n{result.log}"
    for limit in LIMITS:
        if not any(fnmatch(form, pattern) for pattern in limit.formats):
            continue
        if not any(fnmatch(case, pattern) for pattern in limit.cases):
            continue
        found = re.search(limit.shows, said, re.DOTALL)
        if found:
            named = {key: (value or "").strip() for key, value in found.groupdict().items()}
            return limit.reason.format(**named), limit.rewrite or _rewrite(named.get("operators", ""))
    return None


def _rewrite(operators: str) -> str:
    known = [f"{_REWRITES[name]} for {name}" for name in operators.split(", ") if name in _REWRITES]
    return "Use " + "; ".join([*known, _ELSEWHERE]) + "."
