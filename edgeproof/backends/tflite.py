"""TFLite files through ai-edge-litert, on a chosen set of kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeproof.backends import Port
from edgeproof.errors import Refused, nearest
from edgeproof.formats import Summary

# The same int8 file may decide otherwise on another set (rounding differs), so a verdict names its set.
KERNELS = {
    "xnnpack": "AUTO",
    "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}


class TFLiteSession:
    """One graph in the interpreter, tensors allocated.

    Args:
        data: the file's bytes.
        summary: what `edgeproof.formats` read from them.
        kernels: "xnnpack" (the default delegate), "builtin" (without it) or "reference".
        threads: threads of one invocation.

    Raises:
        Refused: unknown kernels, or a file that the interpreter does not take.
    """

    def __init__(self, data: bytes, summary: Summary, *, kernels: str = "xnnpack", threads: int = 1) -> None:
        if kernels not in KERNELS:
            raise Refused(
                "kernels: the set must be one of ai-edge-litert's.", received=kernels, fix=nearest(kernels, KERNELS)
            )
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        try:
            interpreter = Interpreter(
                model_content=data,
                num_threads=threads,
                experimental_op_resolver_type=OpResolverType[KERNELS[kernels]],
            )
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise Refused(
                "tflite: the interpreter must be able to load the file with builtin operators.",
                received=" ".join(str(error).split()),
                fix="export it again without custom or Select TF operators",
            ) from error
        signature: dict[str, dict[str, int]] = next(iter(summary.signatures.values()), {"inputs": {}, "outputs": {}})
        self.inputs = _ports(interpreter.get_input_details(), signature["inputs"])
        self.outputs = _ports(interpreter.get_output_details(), signature["outputs"])
        self._interpreter = interpreter
        # Bound once: looked up at every sample they would cost as much as a small layer.
        self._set = interpreter.set_tensor
        self._get = interpreter.get_tensor
        self._invoke = interpreter.invoke
        self._in = [detail["index"] for detail in interpreter.get_input_details()]
        self._out = [detail["index"] for detail in interpreter.get_output_details()]

    def __call__(self, feeds: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run once: arrays in the ports' types, batch axis included."""
        try:
            for index, feed in zip(self._in, feeds, strict=True):
                self._set(index, feed)
            self._invoke()
            return [self._get(index) for index in self._out]
        except (RuntimeError, ValueError) as error:
            raise Refused(
                "tflite: the graph must be able to run on what it is given.",
                received=" ".join(str(error).split()),
                fix="check the values: whole numbers that are out of range, as a rule",
            ) from error

    def reset(self) -> None:
        """Forget the state that variable tensors keep between invocations."""
        self._interpreter.reset_all_variables()


def _ports(details: list[dict[str, Any]], names: dict[str, int]) -> tuple[Port, ...]:
    # One tensor may be two ends, such as an output that is also a new state.
    by_index: dict[int, list[str]] = {}
    for name, index in names.items():
        by_index.setdefault(index, []).append(name)
    ports = []
    for detail in details:
        quantization = detail["quantization_parameters"]
        per_tensor = len(quantization["scales"]) == 1
        known = by_index.get(detail["index"])
        ports.append(
            Port(
                name=(known.pop(0) if len(known) > 1 else known[0]) if known else detail["name"],
                shape=tuple(int(side) for side in detail["shape"]),
                dtype=np.dtype(detail["dtype"]),
                scale=float(quantization["scales"][0]) if per_tensor else 0.0,
                zero_point=int(quantization["zero_points"][0]) if per_tensor else 0,
            )
        )
    return tuple(ports)
