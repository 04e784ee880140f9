"""Integer ONNX files: static QDQ by onnxruntime's quantizer, with ranges by the same methods as every other format."""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from export.arrays import Arrays
from export.quantize.integers import Integers, facts, settled
from export.quantize.names import LayerNames
from export.quantize.plan import Plan
from export.quantize.ranges import Values, watch

if TYPE_CHECKING:
    from export.source import Source

# Their bodies are graphs that the quantizer leaves in floats, so that their ends gain nothing from being integers.
_NESTED = frozenset({"If", "Loop", "Scan"})
_SQUASHING = ("Softmax", "Sigmoid")


@dataclass
class OnnxIntegers(Integers):
    """Between QuantizeLinear and DequantizeLinear an accelerator can keep every operator in integers."""

    corrects: ClassVar[bool] = False

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

    @staticmethod
    def unsquashed(data: bytes) -> bytes:
        """Outputs are those of what goes into the last operator; onnxruntime leaves out what none of them needs."""
        import onnx

        model = onnx.load_from_string(data)
        maker = {name: node for node in model.graph.node for name in node.output}
        ends = {}
        for output in model.graph.output:
            last = maker.get(output.name)
            while last and last.op_type in ("QuantizeLinear", "DequantizeLinear"):
                last = maker.get(last.input[0])
            if last and last.op_type in _SQUASHING:
                ends[output.name] = last.input[0]
        if not ends:
            return data
        for node in model.graph.node:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    names[i] = f"{name}_squashed" if name in ends else name
        model.graph.node.extend(onnx.helper.make_node("Identity", [last], [end]) for end, last in ends.items())
        found = model.SerializeToString(deterministic=True)
        assert isinstance(found, bytes)
        return found

    def settled(self, plan: Plan) -> Plan:
        """Also decides on 7-bit weights.

        Without VNNI, onnxruntime's kernels add pairs of 8-bit products in 16 bits, which saturate: a model may lose
        ten points in silence, on one CPU and not on another (onnxruntime, "Quantize ONNX models", reduce_range).
        """
        plan = super().settled(plan)
        if not self.folds:
            return plan
        return self.better([plan, dataclasses.replace(plan, weight_bits=7)])

    def make(self, plan: Plan, values: Mapping[Any, Values] | None = None) -> bytes:
        """Quantize every operator but those of layers that the plan leaves in float."""
        import onnx
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        names = LayerNames(self.layers)
        model = copy.deepcopy(self.model)
        spans = {n: v.range(plan.calibration) for n, v in (self.values if values is None else values).items()}
        ranges = {n: TensorData(lowest=np.float32(low), highest=np.float32(high)) for n, (low, high) in spans.items()}
        excluded = [node.name for node in model.graph.node if names.of(node.name) in plan.floats and plan.floats]
        quantizer = QDQQuantizer(
            model,
            plan.per_channel,
            plan.weight_bits == 7,
            QuantType.QInt8,
            QuantType.QInt8,
            TensorsData(CalibrationMethod.MinMax, ranges),
            [],
            excluded,
            # Not only those the quantizer takes by default: what it leaves out would be float in silence.
            sorted({node.op_type for node in model.graph.node} - _NESTED),
            {
                "ActivationSymmetric": False,
                "WeightSymmetric": True,
                "TensorQuantOverrides": {name: [{"symmetric": True}] for name in _stacked(model)},
            },
        )
        weights, reached = _handed(model)
        for name in weights:
            quantizer.quantize_weight_tensor_per_channel(name, 1)
        for name in reached & spans.keys():
            quantizer.quantize_activation_tensor(name)
        quantizer.quantize_model()
        _reconnect(quantizer.model.model.graph, reached)
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "quantized.onnx"
            quantizer.model.save_model_to_file(str(path), False)
            found = onnx.load(str(path)).SerializeToString(deterministic=True)
        assert isinstance(found, bytes)
        return found


def _stacked(model: Any) -> list[str]:
    """Weights of batched products, which onnxruntime's integer kernels take with one scale alone."""
    deep = {constant.name for constant in model.graph.initializer if len(constant.dims) > 2}
    return sorted({node.input[1] for node in model.graph.node if node.op_type == "MatMul"} & deep)


def _handed(model: Any) -> tuple[list[str], set[str]]:
    """Weights that graphs in the graph are handed, and the tensors around them that they reach out for."""
    import onnx

    nested = [node for node in model.graph.node if node.op_type in _NESTED]
    reached = {name for node in nested for body in _bodies(node) for name in _outside(body)}
    taken = {name for node in nested for name in node.input} | reached
    kinds = {c.name: (len(c.dims), c.data_type) for c in model.graph.initializer}
    matrix = (2, onnx.TensorProto.FLOAT)
    return [name for name in sorted(taken & kinds.keys()) if kinds[name] == matrix], reached


def _bodies(node: Any) -> list[Any]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _outside(body: Any) -> set[str]:
    inside = {end.name for end in body.input} | {c.name for c in body.initializer}
    inside |= {name for node in body.node for name in node.output}
    taken = {name for node in body.node for name in node.input} | {end.name for end in body.output}
    taken |= {name for node in body.node for inner in _bodies(node) for name in _outside(inner)}
    return taken - inside


def _reconnect(graph: Any, reached: set[str]) -> None:
    """Let bodies reach for what comes out of DequantizeLinear, which the quantizer does not tell them.

    Else onnxruntime moves one past an operator up to the body, whose reaching out it takes for an input, and dies.
    """
    made = {name for node in graph.node for name in node.output}
    new = {name: f"{name}_DequantizeLinear_Output" for name in reached}

    def rename(body: Any) -> None:
        for node in body.node:
            for i, name in enumerate(node.input):
                if new.get(name) in made:
                    node.input[i] = new[name]
            for inner in _bodies(node):
                rename(inner)

    for node in graph.node:
        for body in _bodies(node):
            rename(body)


def quantized(source: Source, plan: Plan) -> tuple[bytes, dict[str, Any]]:
    """A QDQ model, and what the contract says of how it was made. Bias correction and int16 layers are not its own."""
    plan = dataclasses.replace(plan, width=8, wide=(), correct_bias=False)
    integers, plan = settled(source, plan, OnnxIntegers)
    said = facts(integers, plan)
    return integers.make(plan), said | {"activations": "int8 per tensor, between float ends"}
