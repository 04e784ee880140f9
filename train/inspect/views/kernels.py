"""The kernels of the first layer: what each unit looks for in the pixels.

Convolutions, dense layers over pixels and locally connected ones alike: a kernel is drawn as the picture that it
answers to most. Red is positive, blue negative, white zero; a kernel over three channels is drawn in colour, grey
being zero.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from models.layers import LocallyConnected2D
from train import drawing, walk
from train.inspect import tiles
from train.inspect.subject import Absent, Picture, Subject

_MOST = 64
# What hands every pixel on, each to a place of its own.
_PASSING = ("Flatten", "Reshape", "Dropout", "GaussianNoise", "GaussianDropout", "Rescaling", "Normalization")


def draw(subject: Subject) -> list[Picture]:
    """One picture: the kernels in a grid, in the order of the layer's units."""
    name, kernels = first(subject)
    shown = kernels[:_MOST]
    n, height, width, channels = shown.shape
    reach = float(np.abs(kernels).max()) or 1.0
    if channels == 3:
        picture, columns = tiles.grid(0.5 + shown / (2 * reach), between=1.0), None
    else:  # a row a unit where it sees several maps
        columns = None if channels == 1 else channels
        picture = tiles.grid(shown.transpose(0, 3, 1, 2).reshape(-1, height, width), columns)
    rows, wide = picture.shape[:2]
    size = min(6.5, 0.09 * max(wide, 8 * math.ceil(math.sqrt(n))))
    figure, axes = drawing.canvas(1, 1, (size + 0.9, max(1.2, size * rows / wide)))
    image = axes.imshow(picture, cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="nearest")
    drawing.bare(axes)
    if channels != 3:
        figure.colorbar(image, ax=axes, shrink=0.8, label="weight").outline.set_visible(False)
    told = f"{n} of {len(kernels)} kernels" if n < len(kernels) else f"{n} kernels"
    caption = f'{told} of layer "{name}", each {height} x {width} over {channels} channel{"s" * (channels > 1)}'
    caption += f"; the largest weight is {reach:.3g} in magnitude."
    if columns:
        caption += " A row is a unit, a column a channel."
    return [Picture("kernels", drawing.png(figure), caption)]


def first(subject: Subject) -> tuple[str, np.ndarray]:
    """The name of the first layer that has kernels over space, and these: (units, height, width, channels).

    With `subject.layer`, that layer's.

    Raises:
        Absent: no layer has any, or the one that is named.
    """
    calls = [subject.call(subject.layer)] if subject.layer else subject.calls
    for call in calls:
        for layer in _inner(call.layer):
            found = _kernels(layer, _seen(subject, call) if layer is call.layer else None)
            if found is not None:
                return layer.name, found
    raise Absent(
        "inspect: kernels need a layer whose weights lie over the pixels of a picture.",
        received=f'layer "{subject.layer}"' if subject.layer else "no such layer",
        fix="--only maps graph, which need none",
    )


def _inner(layer: Any) -> list[Any]:
    if isinstance(layer, keras.Model):
        return [inner for call in walk.calls(layer) for inner in _inner(call.layer)]
    return [layer]


def _kernels(layer: Any, seen: tuple[int, ...] | None) -> np.ndarray | None:
    if isinstance(layer, LocallyConnected2D):
        places = layer.kernel.numpy()  # (places, side * side * channels, filters); the middle place stands for all
        side = layer.kernel_size
        middle = places[len(places) // 2]
        return middle.reshape(side, side, -1, layer.filters).transpose(3, 0, 1, 2)
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return None
    values = np.asarray(kernel.numpy())
    if isinstance(layer, keras.layers.DepthwiseConv2D):  # (h, w, channels, multiplier)
        return values.reshape(*values.shape[:2], -1).transpose(2, 0, 1)[..., None]
    if isinstance(layer, keras.layers.Conv2D):  # (h, w, channels, units)
        return values.transpose(3, 0, 1, 2)
    if values.ndim == 2 and isinstance(layer, keras.layers.Dense) and seen:  # (pixels, units)
        return values.T.reshape(-1, *seen)
    return None


def _seen(subject: Subject, call: walk.Call) -> tuple[int, ...] | None:
    """The picture (h, w, channels) over which a dense layer lies: what was flattened for it, or a square of pixels."""
    by_name = {other.name: other for other in subject.calls}
    while len(call.taken) == 1:
        shape = tuple(call.taken[0].shape[1:])
        if len(shape) == 3 and None not in shape:
            return shape
        call = by_name[call.inputs[0]]
        if call.kind == "InputLayer" and len(shape) == 1:
            side = round(math.sqrt(shape[0] or 0))
            return (side, side, 1) if side > 3 and side * side == shape[0] else None
        if call.kind not in _PASSING:
            return None
    return None
