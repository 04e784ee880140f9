"""A sample, a map of places in it, and the map over the sample: how saliency and Grad-CAM are shown."""

from __future__ import annotations

import numpy as np

from train import drawing
from train.inspect import tiles


def overlay(image: np.ndarray, field: np.ndarray, title: str, over: np.ndarray | None = None) -> bytes:
    """A PNG of three panels.

    Args:
        image: (height, width) or (height, width, 3).
        field: the map, not negative, at any resolution.
        title: of the map.
        over: the map at the image's resolution; None: it has that already.
    """
    figure, axes = drawing.canvas(1, 3, (7.2, 2.7))
    shade = tiles.stretched(image)
    axes[0].imshow(shade, cmap="gray", interpolation="nearest")
    axes[1].imshow(field, cmap="inferno", interpolation="nearest", vmin=0)
    axes[2].imshow(shade if shade.ndim == 2 else shade.mean(axis=-1), cmap="gray", interpolation="nearest")
    axes[2].imshow(field if over is None else over, cmap="inferno", alpha=0.65, interpolation="nearest", vmin=0)
    for axis, told in zip(axes, ("sample", title, "both"), strict=True):
        axis.set_title(told, fontsize=9, parse_math=False)
        drawing.bare(axis)
    return drawing.png(figure)
