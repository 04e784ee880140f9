"""Files as Keras 1 wrote them, and its layers in numpy: written from its documentation, with nothing of Keras in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Weights = Mapping[str, Sequence[tuple[str, np.ndarray]]]


def write(path: Path, config: Any, weights: Weights, *, backend: str = "", version: str = "1.2.2") -> Path:
    """A whole model. `config` is the architecture; `weights` the layers in order, each with its named arrays."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        if version:
            file.attrs["keras_version"] = version.encode()
        write_weights(file.create_group("model_weights"), weights, backend=backend, version=version)
    return path


def write_weights(group: h5py.Group, weights: Weights, *, backend: str = "", version: str = "1.2.2") -> None:
    """What `save_weights` of Keras 1 wrote; the backend was added later, and is in some files only."""
    group.attrs["layer_names"] = [name.encode() for name in weights]
    if version:
        group.attrs["keras_version"] = version.encode()
    if backend:
        group.attrs["backend"] = backend.encode()
    for name, arrays in weights.items():
        layer = group.create_group(name)
        layer.attrs["weight_names"] = [key.encode() for key, _ in arrays] or np.zeros(0, "S1")
        for key, values in arrays:
            layer[key] = values


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(0.2 * x + 0.5, 0, 1)


def convolve(
    x: np.ndarray, kernel: np.ndarray, stride: int = 1, dilation: int = 1, *, turned: bool = False
) -> np.ndarray:
    """Channels first, no padding. (n, c, h, w) with (filters, c, rows, cols); `turned`: a true convolution."""
    kernel = kernel[:, :, ::-1, ::-1] if turned else kernel
    rows, cols = kernel.shape[2:]
    height = (x.shape[2] - (rows - 1) * dilation - 1) // stride + 1
    width = (x.shape[3] - (cols - 1) * dilation - 1) // stride + 1
    out = np.zeros((len(x), len(kernel), height, width))
    for r in range(rows):
        for c in range(cols):
            top, left = r * dilation, c * dilation
            part = x[:, :, top : top + height * stride : stride, left : left + width * stride : stride]
            out += np.einsum("nchw,fc->nfhw", part[:, :, :height, :width], kernel[:, :, r, c])
    return out


def pool(x: np.ndarray, size: int) -> np.ndarray:
    """Largest of each block, channels first."""
    n, c, h, w = x.shape
    blocks = x[:, :, : h // size * size, : w // size * size].reshape(n, c, h // size, size, w // size, size)
    return blocks.max((3, 5))


def spread(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Transposed convolution, channels last, no padding: (n, h, w, c) with (rows, cols, c, filters)."""
    rows, cols = kernel.shape[:2]
    n, h, w, _ = x.shape
    out = np.zeros((n, (h - 1) * stride + rows, (w - 1) * stride + cols, kernel.shape[3]))
    for r in range(rows):
        for c in range(cols):
            out[:, r : r + h * stride : stride, c : c + w * stride : stride] += x @ kernel[r, c]
    return out


def lstm(x: np.ndarray, gates: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], inner: Any) -> np.ndarray:
    """All states (n, time, units); gates "i", "c", "f", "o" of (W, U, b)."""
    h = c = np.zeros((len(x), gates["i"][2].size))
    states = []
    for t in range(x.shape[1]):
        i, f, o = (inner(x[:, t] @ gates[g][0] + h @ gates[g][1] + gates[g][2]) for g in "ifo")
        c = f * c + i * np.tanh(x[:, t] @ gates["c"][0] + h @ gates["c"][1] + gates["c"][2])
        h = o * np.tanh(c)
        states.append(h)
    return np.stack(states, 1)


def gru(x: np.ndarray, gates: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], inner: Any) -> np.ndarray:
    """The last state (n, units); gates "z", "r", "h" of (W, U, b), the reset before the product."""
    h = np.zeros((len(x), gates["z"][2].size))
    for t in range(x.shape[1]):
        z, r = (inner(x[:, t] @ gates[g][0] + h @ gates[g][1] + gates[g][2]) for g in "zr")
        new = np.tanh(x[:, t] @ gates["h"][0] + (r * h) @ gates["h"][1] + gates["h"][2])
        h = z * h + (1 - z) * new
    return h
