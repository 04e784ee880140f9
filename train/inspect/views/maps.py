"""The feature maps of every layer for one sample: how the picture becomes an answer.

Each map is stretched over its layer's own range, dark its least and bright its largest value; a layer without space
is drawn as a strip, a unit a cell.
"""

from __future__ import annotations

import math

import keras
import numpy as np

from train import drawing
from train.inspect import tiles
from train.inspect.subject import Picture, Subject
from train.walk import Call

_MOST_MAPS, _ACROSS, _LAYERS, _STRIP, _MOST_ROWS = 24, 12, 8, 64, 16


def draw(subject: Subject) -> list[Picture]:
    """Pictures of up to eight layers each, from the input on."""
    found = activations(subject)
    label = f" (label {subject.told(subject.label)})" if subject.label is not None else ""
    pictures = []
    parts = [found[i : i + _LAYERS] for i in range(0, len(found), _LAYERS)]
    for number, part in enumerate(parts, start=1):
        heights = [0.55 + 0.55 * _sheet(value)[1] for _, value in part]
        figure, axes = drawing.canvas(
            len(part), 1, (8.0, sum(heights)), squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        for axis, (call, value) in zip(axes[:, 0], part, strict=True):
            sheet, _ = _sheet(value)
            axis.imshow(sheet, cmap="gray" if sheet.ndim == 2 else None, interpolation="nearest")
            axis.set_anchor("W")
            drawing.bare(axis)
            axis.set_title(_title(call, value), loc="left", fontsize=8.5, parse_math=False)
        name = "maps" if len(parts) == 1 else f"maps-{number:02d}"
        caption = f"{part[0][0].name} to {part[-1][0].name}, for {subject.source}{label}."
        pictures.append(Picture(name, drawing.png(figure), caption))
    return pictures


def activations(subject: Subject) -> list[tuple[Call, np.ndarray]]:
    """Every call with its first output for the sample, (…) without the batch; with `subject.layer`, that one alone.

    Raises:
        Absent: there is no sample.
    """
    sample = subject.sample
    wanted = [subject.call(subject.layer)] if subject.layer else subject.calls
    reach = keras.Model(subject.model.inputs, [call.outputs[0] for call in wanted])
    values = keras.tree.flatten(reach(sample, training=False))
    return [(call, np.asarray(value, np.float64)[0]) for call, value in zip(wanted, values, strict=True)]


def _sheet(value: np.ndarray) -> tuple[np.ndarray, float]:
    """What is drawn of a layer, and how many rows of maps that is high."""
    if value.ndim == 3 and min(value.shape[:2]) > 1:
        if value.shape[-1] == 3:
            return tiles.stretched(value), 2
        maps = tiles.stretched(value)[..., :_MOST_MAPS].transpose(2, 0, 1)
        across = len(maps) if len(maps) <= _ACROSS else math.ceil(len(maps) / 2)
        return tiles.grid(maps, across, max(1, value.shape[0] // 14)), 1 + (len(maps) > _ACROSS) + (len(maps) == 1)
    if value.ndim == 2 and min(value.shape) > 1:
        return tiles.stretched(value.T), 2
    strip = tiles.stretched(value.ravel())
    cells = _STRIP if strip.size > _STRIP // 2 else _STRIP // 2
    rows = max(1, math.ceil(strip.size / cells))
    shown = min(rows, _MOST_ROWS)
    padded = np.full(rows * cells, np.nan)
    padded[: strip.size] = strip
    return padded.reshape(rows, cells)[:shown], 0.6 * math.ceil(shown / 5)


def _title(call: Call, value: np.ndarray) -> str:
    shape = " x ".join(map(str, value.shape)) or "1"
    most = _MOST_MAPS if value.ndim == 3 and min(value.shape[:2]) > 1 else _STRIP * _MOST_ROWS
    cut = f", the first {most}" if value.ndim != 2 and value.shape[-1] > most else ""
    return f"{call.name}: {call.kind}, {shape}{cut}, from {value.min():.3g} to {value.max():.3g}"
