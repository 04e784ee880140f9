"""Integer ONNX files: static QDQ by onnxruntime's quantizer, with ranges by the same methods as every other format."""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.arrays import Arrays
from export.quantize.integers import Integers, facts, settled
from export.quantize.names import LayerNames
from export.quantize.plan import Plan
from export.quantize.ranges import Values, watch

if TYPE_CHECKING:
    from export.source import Source


@dataclass
class OnnxIntegers(Integers):
    """Between QuantizeLinear and DequantizeLinear an accelerator can keep every operator in integers."""

    @cached_property
    def model(self) -> Any:
        """The float model with its shapes."""
        import onnx

        from export.formats.onnx import float_model

        return onnx.shape_inference.infer_shapes(float_model(self.source))

    @property
    def graph(self) -> bytes:
        """The float model's bytes."""
        found = self.model.SerializeToString(deterministic=True)
        assert isinstance(found, bytes)
        return found

    def observed(self, samples: Arrays) -> dict[str, Values]:
        """By name of a tensor, constants and whole numbers apart."""
        import onnx
        import onnxruntime

        watched = copy.deepcopy(self.model)
        known = {entry.name: entry for entry in (*watched.graph.value_info, *watched.graph.output)}
        ends = {end.name for end in watched.graph.output}
        for node in watched.graph.node:
            for name in node.output:
                entry = known.get(name)
                if name not in ends and entry and entry.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
                    watched.graph.output.append(entry)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
        names = [end.name for end in session.get_outputs() if end.type == "tensor(float)"]
        inputs = [end.name for end in session.get_inputs() if end.type == "tensor(float)"]

        def run(feeds: Arrays) -> dict[str, np.ndarray]:
            found = dict(zip(names, session.run(names, feeds), strict=True))
            return found | {name: feeds[name] for name in inputs}

        return watch(run, samples)

    def settled(self, plan: Plan) -> Plan:
        """Also decides on 7-bit weights.

        Without VNNI, onnxruntime's kernels add pairs of 8-bit products in 16 bits, which saturate: a model may lose
        ten points in silence, on one CPU and not on another (onnxruntime, "Quantize ONNX models", reduce_range).
        """
        plan = super().settled(plan)
        if not self.split[1]:
            return plan
        return min((plan, dataclasses.replace(plan, weight_bits=7)), key=self.error)

    def make(self, plan: Plan) -> bytes:
        """Quantize every operator but those of layers that the plan leaves in float."""
        import onnx
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        names = LayerNames(self.layers)
        model = copy.deepcopy(self.model)
        spans = {
            name: TensorData(lowest=np.float32(low), highest=np.float32(high))
            for name, (low, high) in ((n, v.range(plan.calibration)) for n, v in self.values.items())
        }
        excluded = [node.name for node in model.graph.node if names.of(node.name) in plan.floats and plan.floats]
        quantizer = QDQQuantizer(
            model,
            plan.per_channel,
            plan.weight_bits == 7,
            QuantType.QInt8,
            QuantType.QInt8,
            TensorsData(CalibrationMethod.MinMax, spans),
            [],
            excluded,
            # Not only those the quantizer takes by default: what it leaves out would be float in silence.
            sorted({node.op_type for node in model.graph.node}),
            {"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        quantizer.quantize_model()
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "quantized.onnx"
            quantizer.model.save_model_to_file(str(path), False)
            found = onnx.load(str(path)).SerializeToString(deterministic=True)
        assert isinstance(found, bytes)
        return found


def quantized(source: Source, plan: Plan) -> tuple[bytes, dict[str, Any]]:
    """A QDQ model, and what the contract says of how it was made. Bias correction and int16 layers are not its own."""
    plan = dataclasses.replace(plan, width=8, wide=(), correct_bias=False)
    integers, plan = settled(source, plan, OnnxIntegers)
    said = facts(integers, plan)
    return integers.make(plan), said | {"activations": "int8 per tensor, between float ends"}
