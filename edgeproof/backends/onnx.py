"""ONNX files through onnxruntime, the extra `[onnx-runtime]`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeproof.backends import Port
from edgeproof.errors import Refused, nearest
from edgeproof.formats import Summary

KERNELS = {"onnxruntime": "CPUExecutionProvider"}
_TYPES = {"float": "float32", "float16": "float16", "double": "float64"}


class ONNXSession:
    """One graph in onnxruntime on the CPU.

    Args:
        data: the file's bytes.
        summary: what `edgeproof.formats` read from them.
        kernels: "onnxruntime".
        threads: threads of one run.

    Raises:
        Refused: onnxruntime is not installed, or does not take the file.
    """

    def __init__(self, data: bytes, summary: Summary, *, kernels: str = "onnxruntime", threads: int = 1) -> None:
        if kernels not in KERNELS:
            raise Refused(
                "kernels: an .onnx file runs on onnxruntime.", received=kernels, fix=nearest(kernels, KERNELS)
            )
        try:
            import onnxruntime
        except ImportError as error:
            raise Refused(
                "onnx: running an .onnx file needs onnxruntime.",
                received="it is not installed",
                fix='pip install "edgeproof[onnx-runtime]", or run the .tflite file',
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=[KERNELS[kernels]])
        except Exception as error:  # its exceptions have no common base of their own
            raise Refused(
                "onnx: onnxruntime must be able to load the file.",
                received=" ".join(str(error).split())[:400],
                fix="export it again, or use a newer onnxruntime",
            ) from error
        self.inputs = tuple(_port(end) for end in self._session.get_inputs())
        self.outputs = tuple(_port(end) for end in self._session.get_outputs())
        self._names = [port.name for port in self.inputs]
        self._run = self._session.run

    def __call__(self, feeds: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run once: arrays in the ports' types, batch axis included."""
        try:
            return list(self._run(None, dict(zip(self._names, feeds, strict=True))))
        except Exception as error:  # as when loading
            raise Refused(
                "onnx: the graph must be able to run on what it is given.",
                received=" ".join(str(error).split())[:400],
                fix="check the values: whole numbers that are out of range, as a rule",
            ) from error

    def reset(self) -> None:
        """Nothing is kept between runs."""


def _port(end: object) -> Port:
    kind = str(getattr(end, "type", ""))
    element = kind.removeprefix("tensor(").removesuffix(")")
    try:
        dtype = np.dtype(_TYPES.get(element, element))
    except TypeError as error:
        raise Refused(
            "onnx: inputs and outputs must be tensors of numbers.",
            received=f'"{getattr(end, "name", "")}" of type {kind}',
            fix="export the model without text, sequences and maps at its ends (skl2onnx: zipmap=False)",
        ) from error
    return Port(
        name=str(getattr(end, "name", "")),
        shape=tuple(side if isinstance(side, int) else None for side in getattr(end, "shape", ())),
        dtype=dtype,
    )
