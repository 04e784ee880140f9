"""Arrays of older files in the shapes and orders of Keras 3: Keras 1, cuDNN and Theano."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")


@dataclass(frozen=True)
class Layout:
    """How a file stores arrays.

    Attributes:
        era: 1, 2 or 3.
        backend: that wrote it; Theano's kernels are those of a convolution, everyone else's of a correlation.
        channels_first: layers of Keras 1 whose kernels lie as (filters, channels, rows, columns).
    """

    era: int
    backend: str = ""
    channels_first: frozenset[str] = frozenset()

    def convert(self, layer: Any, arrays: Sequence[np.ndarray]) -> Arrays:
        """The arrays of one layer of the file, as `layer` of Keras 3 takes them, in the order that Keras stores."""
        kind = type(layer).__name__
        if kind == "Bidirectional":
            half = len(arrays) // 2
            return self.convert(layer.forward_layer, arrays[:half]) + self.convert(layer.backward_layer, arrays[half:])
        if kind == "TimeDistributed":
            return self.convert(layer.layer, arrays)
        found = list(arrays)
        if not found or self.era == 3:
            return found
        if self.era == 1:
            found = self._keras1(layer, kind, found)
        if kind in _CONVOLUTIONS and self.backend == "theano":
            kernels = 2 if kind == "ConvLSTM2D" else 1
            found[:kernels] = [_rotated(kernel) for kernel in found[:kernels]]
        if kind in ("LSTM", "GRU") and len(found) == 3:
            found = _from_cudnn(kind, found)
        return found

    def rotates(self, layer: Any, arrays: Sequence[np.ndarray]) -> bool:
        """Whether it matters for this layer which backend wrote the file."""
        kind = type(layer).__name__
        if kind in ("Bidirectional", "TimeDistributed"):
            return self.rotates(layer.layer if kind == "TimeDistributed" else layer.forward_layer, arrays)
        if kind not in _CONVOLUTIONS or not arrays:
            return False
        return not np.array_equal(_rotated(self.convert(layer, arrays)[0]), self.convert(layer, arrays)[0])

    def _keras1(self, layer: Any, kind: str, found: Arrays) -> Arrays:
        first = layer.name in self.channels_first
        if kind == "Conv1D" and found[0].ndim == 4:
            kernel = found[0]
            if kernel.shape[:2] != (layer.kernel_size[0], 1) or kernel.shape[3] != layer.filters:
                kernel = kernel.transpose(2, 3, 1, 0)  # (filters, channels, length, 1) of Keras 1.1
            return [kernel[:, 0], *found[1:]]
        if kind == "Conv2D" and first:
            return [found[0].transpose(2, 3, 1, 0), *found[1:]]
        if kind == "Conv2DTranspose":
            return [found[0].transpose((2, 3, 0, 1) if first else (0, 1, 3, 2)), *found[1:]]
        if kind == "Conv3D" and first:
            return [found[0].transpose(2, 3, 4, 1, 0), *found[1:]]
        if kind == "LSTM" and len(found) == 12:  # input, cell, forget, output -> input, forget, cell, output
            return [np.concatenate([found[i + k] for i in (0, 6, 3, 9)], axis=-1) for k in range(3)]
        if kind == "GRU" and len(found) == 9:
            return [np.concatenate([found[i + k] for i in (0, 3, 6)], axis=-1) for k in range(3)]
        return found


def _rotated(kernel: np.ndarray) -> np.ndarray:
    """(…spatial, in, out), turned by half a turn in space."""
    return kernel[tuple([slice(None, None, -1)] * (kernel.ndim - 2))]


def _from_cudnn(kind: str, found: Arrays) -> Arrays:
    """cuDNN's kernels are transposed by gate, and its biases are two; nothing happens to others."""
    kernel, recurrent, bias = found
    gates = 4 if kind == "LSTM" else 3
    units = recurrent.shape[0]
    if bias.shape != (2 * gates * units,):
        return found
    kernel = np.hstack([part.T.reshape(part.shape, order="F") for part in np.hsplit(kernel, gates)])
    recurrent = np.hstack([part.T for part in np.hsplit(recurrent, gates)])
    return [kernel, recurrent, bias.reshape(2, -1).sum(0) if kind == "LSTM" else bias.reshape(2, -1)]
