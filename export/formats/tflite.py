"""TensorFlow Lite: builtin operators only, one sample a run, in five precisions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export import lone
from export.formats import Format, Made
from export.tflite_metadata import with_metadata

if TYPE_CHECKING:
    from export.source import Source


def convert(source: Source, precision: str, path: Path) -> Made:
    """Write the bare flatbuffer."""
    flatbuffer, made = flatbuffer_of(source, precision)
    path.write_bytes(flatbuffer)
    return made


def flatbuffer_of(source: Source, precision: str) -> tuple[bytes, Made]:
    """Convert with TensorFlow's converter, the batch axis fixed at 1 so that small interpreters need no shapes.

    Raises:
        Refused: an integer precision without calibration samples.
    """
    import tensorflow as tf

    with source.saved_model(1) as folder:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        quantization = _quantize(converter, source, precision)
        return converter.convert(), Made(quantization, {})


def _quantize(converter: Any, source: Source, precision: str) -> dict[str, Any]:
    """Set the converter to a precision; returns what the contract says of it."""
    import tensorflow as tf

    if precision == "f32":
        return {}
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "f16":
        converter.target_spec.supported_types = [tf.float16]
        return {"weights": "float16"}
    if precision == "int8-dynamic":
        return {"weights": "int8 per channel", "activations": "int8 at run time"}
    if not source.calibration:
        raise no_calibration(precision, source)
    n = len(next(iter(source.calibration.values())))
    converter.representative_dataset = lambda: _one_by_one(source, n)
    ops = tf.lite.OpsSet
    wide = precision == "int16x8"
    converter.target_spec.supported_ops = [
        ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 if wide else ops.TFLITE_BUILTINS_INT8
    ]
    converter.inference_input_type = converter.inference_output_type = tf.int16 if wide else tf.int8
    return {
        "weights": "int8 per channel",
        "activations": "int16 per tensor" if wide else "int8 per tensor",
        "calibration": "min-max",
        "samples": n,
    }


def _one_by_one(source: Source, n: int) -> Iterator[dict[str, np.ndarray]]:
    for i in range(n):
        yield {name: values[i : i + 1] for name, values in source.calibration.items()}


def no_calibration(precision: str, source: Source) -> Refused:
    """Integer activations need samples to take their ranges from."""
    tensor = source.model.inputs[0]
    shape = ", ".join(["n", *map(str, tensor.shape[1:])])
    return Refused(
        f'export: {precision} needs calibration samples for input "{tensor.name}".',
        received="none",
        fix=f'pass --samples FILE with an array "calibration_{tensor.name}" of shape ({shape})',
    )


def embed(path: Path, contract: Contract) -> None:
    """Contract and TFLite Metadata as metadata buffers, labels as an associated file; weights aligned to 16 bytes."""
    path.write_bytes(with_metadata(path.read_bytes(), contract))


FORMAT = Format(
    title="TensorFlow Lite",
    precisions=("f32", "f16", "int8-dynamic", "int8", "int16x8"),
    suffix=".tflite",
    runtimes=("xnnpack", "reference"),
    convert=convert,
    embed=embed,
    look=lone.look,
    session=lone.session,
)
