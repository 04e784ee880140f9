"""Saliency: which pixels the score of a class depends on most.

Simonyan, Vedaldi, Zisserman 2014, "Deep inside convolutional networks", section 3: the magnitude of the derivative of
the class's score, before softmax, with respect to each pixel; the largest over its channels. It tells what a small
change would do, not what the pixel contributed.
"""

from __future__ import annotations

import numpy as np

from train import drawing
from train.inspect import gradients, tiles
from train.inspect.subject import Picture, Subject, as_picture


def draw(subject: Subject) -> list[Picture]:
    """One picture: the sample, the map, and one over the other."""
    which = subject.picture_input
    index = subject.decision()
    image = as_picture(subject.sample[which][0])
    assert image is not None
    field = saliency(subject, index)
    figure, axes = drawing.canvas(1, 3, (7.2, 2.7))
    shade = tiles.stretched(image)
    axes[0].imshow(shade, cmap="gray", interpolation="nearest")
    axes[1].imshow(field, cmap="inferno", interpolation="nearest", vmin=0)
    grey = shade if shade.ndim == 2 else shade.mean(axis=-1)
    axes[2].imshow(grey, cmap="gray", interpolation="nearest")
    axes[2].imshow(field, cmap="inferno", alpha=0.65, interpolation="nearest", vmin=0)
    for axis, title in zip(axes, ("sample", f"saliency of {subject.told(index)}", "both"), strict=True):
        axis.set_title(title, fontsize=9, parse_math=False)
        drawing.bare(axis)
    chosen = "the network's decision" if subject.wanted is None else "as asked"
    caption = f"Class {subject.told(index)} ({chosen}) for {subject.source}; bright pixels move its score most, "
    caption += f"at most {field.max():.3g} a unit of input."
    return [Picture("saliency", drawing.png(figure), caption)]


def saliency(subject: Subject, index: int) -> np.ndarray:
    """max over channels of |∂ score / ∂ pixel|: (height, width).

    Raises:
        Absent: no sample, no class scores, or no picture.
    """
    which = subject.picture_input
    at = subject.model.inputs[which]
    _, slope = gradients.of_score(subject.model, subject.scores, subject.sample, index, at)
    field = as_picture(np.abs(slope))
    assert field is not None
    return field.max(axis=-1) if field.ndim == 3 else field
