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
    samples: dict[str, Any] = {"serving_default": _each(name, values)}
    quantizing.quantize(quantizing.calibrate(samples)).export_model(out)


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
