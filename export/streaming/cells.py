"""One step of a recurrent cell, written so that it quantizes well.

Keras adds the bias last, after both products: one more tensor to round, and nothing to fuse it into. Here the bias is
that of the product with the input. What has no formulation here is stepped by its own Keras cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

States = list[Any]


@dataclass(frozen=True)
class Cell:
    """A cell: shapes of its states without the batch, and its step from (frame, states) to (output, states)."""

    shapes: tuple[tuple[int, ...], ...]
    step: Callable[[Any, States], tuple[Any, States]]


def of(layer: Any, frame: Any) -> Cell:
    """The cell of a recurrent layer for frames like this tensor."""
    make = {"LSTM": _lstm, "GRU": _gru, "SimpleRNN": _simple}.get(type(layer).__name__)
    return make(layer) if make else _own(layer, frame)


@keras.saving.register_keras_serializable("edgeproof")
class Sum(keras.layers.Layer):
    """a + b in the backend's own words: with a batch of one `keras.ops.add` makes it a bias and adds a reshape."""

    def call(self, a: Any, b: Any) -> Any:
        return a + b

    def compute_output_shape(self, a_shape: Any, b_shape: Any) -> Any:
        return a_shape


def add(a: Any, b: Any) -> Any:
    """a + b, of one shape."""
    return Sum()(a, b)


def dense(name: str, kernel: np.ndarray, bias: np.ndarray | None) -> Any:
    """A layer with these weights."""
    layer = keras.layers.Dense(kernel.shape[1], use_bias=bias is not None, name=name)
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel] if bias is None else [kernel, bias])
    return layer


def _weights(layer: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    kernel, recurrent, *bias = layer.get_weights()
    return kernel, recurrent, bias[0] if bias else None


def _lstm(layer: Any) -> Cell:
    """Hochreiter and Schmidhuber, 1997, with forget gates (Gers et al., 2000); gates in Keras's order i, f, g, o."""
    kernel, recurrent, bias = _weights(layer)
    from_input = dense(f"{layer.name}.input", kernel, bias)
    from_state = dense(f"{layer.name}.recurrent", recurrent, None)
    gate, act = layer.recurrent_activation, layer.activation

    def step(frame: Any, states: States) -> tuple[Any, States]:
        h, c = states
        i, f, g, o = ops.split(add(from_input(frame), from_state(h)), 4, axis=-1)
        c = add(ops.multiply(gate(f), c), ops.multiply(gate(i), act(g)))
        h = ops.multiply(gate(o), act(c))
        return h, [h, c]

    return Cell(((layer.units,), (layer.units,)), step)


def _gru(layer: Any) -> Cell:
    """Cho et al., 2014; gates in Keras's order z, r, candidate; reset before or after the product with the state."""
    kernel, recurrent, bias = _weights(layer)
    units, gate, act = layer.units, layer.recurrent_activation, layer.activation
    after = layer.reset_after
    first, second = (None, None) if bias is None else (bias[0], bias[1]) if after else (bias, None)
    from_input = dense(f"{layer.name}.input", kernel, first)
    if after:
        from_state = dense(f"{layer.name}.recurrent", recurrent, second)
    else:
        from_state = dense(f"{layer.name}.recurrent_gates", recurrent[:, : 2 * units], None)
        from_reset = dense(f"{layer.name}.recurrent_candidate", recurrent[:, 2 * units :], None)

    def step(frame: Any, states: States) -> tuple[Any, States]:
        (h,) = states
        xz, xr, xh = ops.split(from_input(frame), 3, axis=-1)
        if after:
            hz, hr, hh = ops.split(from_state(h), 3, axis=-1)
        else:
            hz, hr = ops.split(from_state(h), 2, axis=-1)
        z, r = gate(add(xz, hz)), gate(add(xr, hr))
        candidate = act(add(xh, ops.multiply(r, hh) if after else from_reset(ops.multiply(r, h))))
        h = add(candidate, ops.multiply(z, ops.subtract(h, candidate)))
        return h, [h]

    return Cell(((units,),), step)


def _simple(layer: Any) -> Cell:
    """Elman, 1990."""
    kernel, recurrent, bias = _weights(layer)
    from_input = dense(f"{layer.name}.input", kernel, bias)
    from_state = dense(f"{layer.name}.recurrent", recurrent, None)

    def step(frame: Any, states: States) -> tuple[Any, States]:
        h = layer.activation(add(from_input(frame), from_state(states[0])))
        return h, [h]

    return Cell(((layer.units,),), step)


def _own(layer: Any, frame: Any) -> Cell:
    """The Keras cell itself, its weights copied."""
    cell = type(layer.cell).from_config(layer.cell.get_config())
    if type(layer).__name__.startswith("ConvLSTM"):
        sequence = (None, 1, *frame.shape[1:])
        shape = layer.compute_output_shape(sequence)[2 if layer.return_sequences else 1 :]
        shapes: tuple[Any, ...] = (tuple(shape), tuple(shape))
    else:
        shapes = tuple((int(size),) for size in keras.tree.flatten(layer.cell.state_size))
    loaded: list[bool] = []

    def step(frame: Any, states: States) -> tuple[Any, States]:
        sizes = layer.cell.state_size
        nested = keras.tree.pack_sequence_as(sizes, states) if isinstance(sizes, (list, tuple)) else states[0]
        output, new = cell(frame, nested, training=False)
        if not loaded:
            cell.set_weights(layer.cell.get_weights())
            loaded.append(True)
        return output, list(keras.tree.flatten(new))

    return Cell(shapes, step)
