"""Files to read: from the converters themselves, and built by hand where a converter makes no such thing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHARED = Path(os.environ.get("EDGEPROOF_SHARED", Path(__file__).parents[4] / "shared"))


@pytest.fixture(scope="session")
def tflite_files() -> dict[str, bytes]:
    """One small network in every precision that the TFLite converter has, and two that it leaves mixed."""
    tf = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)

    def network(activation: Any) -> Any:
        image = keras.Input((8, 8, 1), name="image")
        x = keras.layers.Conv2D(4, 3, activation="relu")(image)  # (batch, 6, 6, 4)
        x = activation(keras.layers.Dense(32)(keras.layers.Flatten()(x)))
        return keras.Model(image, keras.layers.Dense(3, name="logits")(x))

    def samples() -> Iterator[list[Any]]:
        generator = np.random.default_rng(0)
        for _ in range(8):
            yield [generator.normal(size=(1, 8, 8, 1)).astype(np.float32)]

    model = network(keras.ops.relu)
    int8, short = (
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        (tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8),
    )

    def convert(what: Any = model, ops: Any = None, io: Any = None, calibrated: bool = True, **options: Any) -> bytes:
        converter = tf.lite.TFLiteConverter.from_keras_model(what)
        if options.pop("optimize", True):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if calibrated:
                converter.representative_dataset = samples
        if ops:
            converter.target_spec.supported_ops = ops
        if io:
            converter.inference_input_type = converter.inference_output_type = io
        for name, value in options.items():
            setattr(converter if name.startswith("_") else converter.target_spec, name, value)
        return bytes(converter.convert())

    return {
        "f32": convert(optimize=False),
        "f32 with buffers behind the model": convert(optimize=False, _experimental_use_buffer_offset=True),
        "f16": convert(calibrated=False, supported_types=[tf.float16]),
        "int8-dynamic": convert(calibrated=False),
        "int8": convert(ops=[int8], io=tf.int8),
        "int8 with float ends": convert(ops=[int8]),
        "int8 with a float operator": convert(network(keras.ops.sin), [int8, tf.lite.OpsSet.TFLITE_BUILTINS], tf.int8),
        "int16x8": convert(ops=[short], io=tf.int16),
        "int16x8 with float ends": convert(ops=[short]),
    }


@pytest.fixture(scope="session")
def mlperf() -> dict[str, bytes]:
    """The TFLite files of MLPerf Tiny."""
    files = sorted((SHARED / "checkpoints" / "mlperf-tiny").glob("*.tflite"))
    if not files:
        pytest.skip(f"no MLPerf Tiny files in {SHARED} (EDGEPROOF_SHARED)")
    return {file.stem: file.read_bytes() for file in files}


@pytest.fixture(scope="session")
def build_tflite(schema: Any) -> Callable[..., bytes]:
    """A function that writes a TFLite file from tensors and operators given as plain values.

    A tensor is `(name, shape, type, stored bytes or None, scales)`, an operator `(code, inputs, outputs)` with a code
    by name, by number, or "custom:NAME"; `graphs` are `(tensors, operators, inputs, outputs)`.
    """
    flatbuffers = pytest.importorskip("flatbuffers")

    def build(
        *graphs: tuple[list[Any], list[Any], list[int], list[int]],
        metadata: dict[str, bytes] | None = None,
        change: Callable[[Any], None] = lambda model: None,
    ) -> bytes:
        model = schema.ModelT()
        model.version, model.description = 3, b"by hand"
        model.operatorCodes, model.buffers, model.metadata = [], [schema.BufferT()], []

        def store(data: bytes) -> int:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            model.buffers.append(buffer)
            return len(model.buffers) - 1

        def code(name: str | int) -> int:
            entry = schema.OperatorCodeT()
            if isinstance(name, str) and name.startswith("custom:"):
                number, entry.customCode = schema.BuiltinOperator.CUSTOM, name[7:].encode()
            else:
                number = getattr(schema.BuiltinOperator, name) if isinstance(name, str) else name
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = number, min(number, 127), 2
            model.operatorCodes.append(entry)
            return len(model.operatorCodes) - 1

        stored: dict[bytes, int] = {}
        model.subgraphs = []
        for tensors, operators, inputs, outputs in graphs:
            graph = schema.SubGraphT()
            graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], inputs, outputs
            for name, shape, kind, data, scales in tensors:
                tensor = schema.TensorT()
                tensor.name, tensor.shape, tensor.type = name.encode(), shape, getattr(schema.TensorType, kind)
                if data:
                    tensor.buffer = stored.setdefault(data, -1)
                    if tensor.buffer < 0:
                        tensor.buffer = stored[data] = store(data)
                if scales:
                    tensor.quantization = schema.QuantizationParametersT()
                    tensor.quantization.scale, tensor.quantization.zeroPoint = scales, [0] * len(scales)
                graph.tensors.append(tensor)
            for name, given, made in operators:
                operator = schema.OperatorT()
                operator.opcodeIndex, operator.inputs, operator.outputs = code(name), given, made
                graph.operators.append(operator)
            model.subgraphs.append(graph)
        for name, data in (metadata or {}).items():
            entry = schema.MetadataT()
            entry.name, entry.buffer = name.encode(), store(data)
            model.metadata.append(entry)
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    return build


@pytest.fixture(scope="session")
def onnx_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small network in every precision that onnxruntime's tools make."""
    onnx = pytest.importorskip("onnx")
    quantization = pytest.importorskip("onnxruntime.quantization")
    float16 = pytest.importorskip("onnxruntime.transformers.float16")
    folder = tmp_path_factory.mktemp("onnx")
    source = folder / "f32.onnx"
    generator = np.random.default_rng(0)

    def constant(name: str, *shape: int) -> Any:
        return onnx.numpy_helper.from_array(generator.normal(size=shape).astype(np.float32), name)

    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "kernel", "bias"], ["conv"]),
            helper.make_node("Relu", ["conv"], ["relu"]),
            helper.make_node("MaxPool", ["relu"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Flatten", ["pool"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        ],
        "network",
        [helper.make_tensor_value_info("image", float32, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", float32, ["batch", 16])],
        [constant("kernel", 8, 1, 3, 3), constant("bias", 8), constant("weights", 72, 16)],
    )
    model = helper.make_model(
        graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)], producer_name="by hand", producer_version="7"
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, source)

    class Samples(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.left = 4

        def get_next(self) -> dict[str, Any] | None:
            self.left -= 1
            if self.left < 0:
                return None
            return {"image": generator.normal(size=(1, 1, 8, 8)).astype(np.float32)}

    def quantize(**options: Any) -> bytes:
        target = folder / "quantized.onnx"
        quantization.quantize_static(str(source), str(target), Samples(), **options)
        return target.read_bytes()

    qdq, operators = quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator
    types = quantization.QuantType
    quantization.quantize_dynamic(str(source), str(folder / "dynamic.onnx"), op_types_to_quantize=["MatMul"])
    return {
        "f32": source.read_bytes(),
        "f16": float16.convert_float_to_float16(model).SerializeToString(),
        "f16 with float ends": float16.convert_float_to_float16(model, keep_io_types=True).SerializeToString(),
        "int8-dynamic": (folder / "dynamic.onnx").read_bytes(),
        "int8": quantize(quant_format=qdq),
        "int8 per channel": quantize(quant_format=qdq, per_channel=True, activation_type=types.QInt8),
        "int8 as operators": quantize(quant_format=operators),
        "int16x8": quantize(quant_format=qdq, activation_type=types.QInt16, weight_type=types.QInt8),
        "int8 with a float operator": quantize(quant_format=qdq, op_types_to_quantize=["Conv"]),
        "f16 with a float operator": float16.convert_float_to_float16(
            model, op_block_list=["MatMul"]
        ).SerializeToString(),
    }
