"""TensorFlow Lite: builtin operators only, one sample a run, in five precisions."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export import lone
from export.formats import Format, Made
from export.quantize import tflite as integer
from export.quantize.notes import notes
from export.quantize.plan import WIDTHS, Plan
from export.tflite_metadata import with_metadata

if TYPE_CHECKING:
    from export.source import Source


def convert(source: Source, precision: str, path: Path) -> Made:
    """Write the bare flatbuffer."""
    flatbuffer, made = flatbuffer_of(source, precision)
    path.write_bytes(flatbuffer)
    return (
        dataclasses.replace(made, notes=notes(source, _plan(source, precision)))
        if made.quantization.get("calibration")
        else made
    )


def flatbuffer_of(source: Source, precision: str) -> tuple[bytes, Made]:
    """Convert, the batch axis fixed at 1 so that small interpreters need no shapes.

    Raises:
        Refused: an integer precision without calibration samples, or of a graph that has no integer form.
    """
    if precision in WIDTHS:
        if not source.calibration:
            raise no_calibration(precision, source)
        data, quantization = integer.quantized(source, _plan(source, precision))
        return data, Made(quantization, {})
    if precision == "f32":
        return integer.float_graph(source), Made({}, {})
    return _weights_only(source, precision)


def _plan(source: Source, precision: str) -> Plan:
    return dataclasses.replace(source.plan, width=WIDTHS[precision])


def _weights_only(source: Source, precision: str) -> tuple[bytes, Made]:
    """Weights stored small, activations in float."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(source.single)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    quantization = {"weights": "int8 per channel", "activations": "int8 at run time"}
    if precision == "f16":
        converter.target_spec.supported_types = [tf.float16]
        quantization = {"weights": "float16"}
    return converter.convert(), Made(quantization, {})


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
    integers=integer.TfliteIntegers,
)
