"""Integer TensorFlow Lite files from a checkpoint: one float graph, observed once, quantized as often as it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from edgeproof.errors import Refused
from export import loops
from export.arrays import Arrays
from export.quantize import apply, average, ranges
from export.quantize.flat import Flat
from export.quantize.integers import Integers, facts, of, settled
from export.quantize.plan import Plan
from export.quantize.prepare import prepare
from export.quantize.ranges import Values

if TYPE_CHECKING:
    from export.source import Source

_SQUASHING = ("SOFTMAX", "LOGISTIC")


@dataclass
class TfliteIntegers(Integers):
    """By rules of our own, on the float graph of TensorFlow's converter."""

    @property
    def graph(self) -> bytes:
        """The float flatbuffer."""
        return float_graph(self.source)

    @cached_property
    def prepared(self) -> bytes:
        """The float graph in operators that have integer kernels.

        Raises:
            Refused: it has loops, which have graphs of their own.
        """
        if not Flat(self.graph).single:
            raise Refused(
                "export: an integer TensorFlow Lite graph must have no loops.",
                received=f"{self.source.path}: a loop over time, as recurrent layers have",
                fix="export its step model (--streaming), or the float precisions",
            )
        return prepare(self.graph)

    def observed(self, samples: Arrays) -> dict[int, Values]:
        """By tensor of the prepared graph."""
        return ranges.observe(self.prepared, samples)

    @staticmethod
    def unsquashed(data: bytes) -> bytes:
        """Without the last operator of each output, and what brings its result to another form."""
        flat = Flat(data)
        maker = {int(t): operator for operator in flat.operators() for t in operator.outputs}
        moved: dict[int, int] = {}
        for output in map(int, flat.graph.outputs):
            last = maker.get(output)
            while last and flat.name(last) in ("QUANTIZE", "DEQUANTIZE"):
                last = maker.get(int(last.inputs[0]))
            if last and flat.name(last) in _SQUASHING:
                moved[output] = int(last.inputs[0])
        return flat.ending(moved) if moved else data

    def quantized(self, plan: Plan, values: Mapping[Any, Values] | None = None) -> apply.Quantized:
        """As `make`, with what became of the graph."""
        values = self.values if values is None else values
        found = {tensor: held.range(plan.calibration) for tensor, held in values.items()}
        means = {tensor: held.channel_mean for tensor, held in values.items()}
        return apply.quantize(self.prepared, found, plan, self.layers, means, self.source.states)

    def make(self, plan: Plan, values: Mapping[Any, Values] | None = None) -> bytes:
        """The bytes alone."""
        return self.quantized(plan, values).data


def quantized(source: Source, plan: Plan) -> tuple[bytes, dict[str, Any]]:
    """An integer flatbuffer, and what the contract says of how it was made."""
    if not Flat(float_graph(source)).single:
        return looped(source, plan)
    if average.find(Flat(of(source, TfliteIntegers).prepared), source.states):
        # Sums in whole numbers are not those of the float graph: there is nothing to choose by.
        method, corrected = plan.calibration or "min-max", bool(plan.correct_bias)
        plan = dataclasses.replace(plan, calibration=method, equalize=False, correct_bias=corrected)
    integers, plan = settled(source, plan, TfliteIntegers)
    made = integers.quantized(plan)
    said = facts(integers, plan)
    if plan.width == 8 and made.widths[16]:
        said["int16_operators"] = made.widths[16]
    return made.data, said


def looped(source: Source, plan: Plan) -> tuple[bytes, dict[str, Any]]:
    """As `quantized`, for a graph with loops."""
    plan = dataclasses.replace(plan, calibration="min-max", equalize=False, correct_bias=False)
    integers = TfliteIntegers(source)
    made = loops.quantize(float_graph(source), dict(source.calibration), plan, integers.layers)
    return made.data, facts(integers, plan)


def float_graph(source: Source) -> bytes:
    """The float flatbuffer by TensorFlow's converter, made once."""
    if "tflite" not in source.cache:
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_saved_model(source.single)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        source.cache["tflite"] = loops.tidy(converter.convert())
    data = source.cache["tflite"]
    assert isinstance(data, bytes)
    return data
