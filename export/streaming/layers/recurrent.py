"""Recurrent layers: the states of the cell go in and come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from export.streaming import cells
from export.streaming.walk import Frames, Rule, Walk, refuse

_LETTERS = {"LSTM": ("h", "c"), "ConvLSTM1D": ("h", "c"), "ConvLSTM2D": ("h", "c"), "GRU": ("h",), "SimpleRNN": ("h",)}


def _recurrent(walk: Walk, layer: Any, given: Sequence[Frames]) -> Frames:
    if len(given) > 1:
        raise refuse(
            layer, "its first states come from another layer", "start it from zeros, or export the whole model"
        )
    if layer.go_backwards:
        raise refuse(layer, "it runs from the end of the sequence", "go_backwards=False, or export the whole model")
    if layer.return_state:
        raise refuse(layer, "it returns its states too", "return_state=False: the step model gives them by itself")
    (entry,) = given
    if not layer.return_sequences:
        walk.complete(layer, entry)
    frames = _apart(entry)
    frame = frames[0]
    if id(layer) not in walk.cells:
        walk.cells[id(layer)] = cells.of(layer, frame)
    cell = walk.cells[id(layer)]
    letters = _LETTERS.get(type(layer).__name__) or [f"s{i}" for i in range(len(cell.shapes))]
    states, names = [], []
    for letter, shape in zip(letters, cell.shapes, strict=True):
        state, name = walk.state(f"{layer.name}.{letter}", frame, delay=entry.delay, shape=shape)
        states.append(state)
        names.append(name)
    outputs = []
    for frame in frames:
        output, states = cell.step(frame, states)
        outputs.append(output)
    for name, value in zip(names, states, strict=True):
        walk.keep(name, value)
    if not layer.return_sequences:
        return Frames(outputs[-1], 0, entry.delay)
    if len(outputs) == 1:
        return entry.but(keras.ops.expand_dims(outputs[0], 1))
    return entry.but(keras.ops.stack(outputs, axis=1))


def _apart(entry: Frames) -> list[Any]:
    """Each frame of the step without the axis of time."""
    if entry.frames == 1:
        return [keras.ops.squeeze(entry.value, 1)]
    return [entry.value[:, i] for i in range(entry.frames)]


RULES: dict[str, Rule] = dict.fromkeys([*_LETTERS, "RNN"], _recurrent)
