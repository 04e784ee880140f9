"""int8 by tools that are not ours, as their own guides show them. Called in a child by the benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


def converter(checkpoint: str, seen: str, out: str) -> None:
    """`tf.lite.TFLiteConverter`, full integer quantization with a representative dataset."""
    import tensorflow as tf

    values = np.load(seen)
    made = _converter(checkpoint)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = lambda: ([x[None]] for x in values)
    made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    made.inference_input_type = made.inference_output_type = tf.int8
    Path(out).write_bytes(made.convert())


def quantizer(checkpoint: str, seen: str, out: str) -> None:
    """ai-edge-quantizer's static int8 recipe, on the float file of TensorFlow's converter."""
    from ai_edge_quantizer import quantizer as tool
    from ai_edge_quantizer import recipe

    values = np.load(seen)
    float_file = Path(out).with_suffix(".float.tflite")
    float_file.write_bytes(_converter(checkpoint).convert())
    quantizing = tool.Quantizer(str(float_file), recipe.static_wi8_ai8())
    name = _input_name(float_file)
    samples: dict[str, Any] = {"serving_default": list(_each(name, values))}
    quantizing.quantize(quantizing.calibrate(samples)).export_model(out)


def warm(out: str) -> None:
    """Load the converters, by one conversion of next to nothing."""
    import keras
    import tensorflow as tf
    import tf2onnx

    import export.source  # noqa: F401

    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dense(2)(x))
    tf.lite.TFLiteConverter.from_keras_model(model).convert()
    tf2onnx.convert.from_function(tf.function(lambda x: x + 1.0), [tf.TensorSpec((1, 3))])
    import onnxruntime.quantization
    import onnxruntime.transformers.float16  # noqa: F401


def everything(checkpoint: str, calibration: str, out: str) -> None:
    """A checkpoint in the same eleven forms, each by the tool that others call, with nothing kept between them."""
    import keras
    import onnx
    import tensorflow as tf
    import tf2onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    folder = Path(out)
    folder.mkdir()
    model = keras.models.load_model(checkpoint, compile=False)
    with np.load(calibration) as arrays:
        ((name, values),) = arrays.items()
    signature = [tf.TensorSpec((None, *values.shape[1:]), tf.float32, name=name)]
    model.export(str(folder / "saved_model"), verbose=False)
    concrete = tf.function(model, input_signature=signature).get_concrete_function()
    frozen = convert_variables_to_constants_v2(concrete).graph.as_graph_def()
    (folder / "frozen.pb").write_bytes(frozen.SerializeToString())
    ops = tf.lite.OpsSet
    for precision in ("f32", "f16", "dynamic", "int8", "int16x8", "int8 again, for C"):
        made = tf.lite.TFLiteConverter.from_keras_model(model)
        if precision != "f32":
            made.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "f16":
            made.target_spec.supported_types = [tf.float16]
        if precision.startswith("int"):
            made.representative_dataset = lambda: ([x[None]] for x in values)
            wide = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            made.target_spec.supported_ops = [wide if precision == "int16x8" else ops.TFLITE_BUILTINS_INT8]
            made.inference_input_type = made.inference_output_type = tf.int16 if precision == "int16x8" else tf.int8
        (folder / f"{precision[:7]}.tflite").write_bytes(made.convert())

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(values)

        def get_next(self) -> dict[str, np.ndarray] | None:
            one = next(self._left, None)
            return None if one is None else {name: one[None]}

    for precision in ("f32", "f16", "int8"):
        function = tf.function(model, input_signature=signature)
        converted, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
        path = folder / f"{precision}.onnx"
        if precision == "f16":
            converted = convert_float_to_float16(converted, keep_io_types=True)
        if precision == "int8":
            quantize_static(
                converted, str(path), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
        else:
            onnx.save(converted, str(path))


def float_file(checkpoint: str, out: str) -> None:
    """The converter's float file."""
    Path(out).write_bytes(_converter(checkpoint).convert())


def _converter(checkpoint: str) -> Any:
    import tensorflow as tf

    from export.source import Source

    # Opened by Edgeproof: Keras 3 itself does not load these checkpoints.
    return tf.lite.TFLiteConverter.from_keras_model(Source(Path(checkpoint)).model)


def _each(name: str, values: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    for x in values:
        yield {name: x[None]}


def _input_name(path: Path) -> str:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    return next(iter(runner.get_input_details()))
