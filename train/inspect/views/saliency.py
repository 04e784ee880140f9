"""Saliency: which pixels the score of a class depends on most.

Simonyan, Vedaldi, Zisserman 2014, "Deep inside convolutional networks", section 3: the magnitude of the derivative of
the class's score, before softmax, with respect to each pixel; the largest over its channels. It tells what a small
change would do, not what the pixel contributed.
"""

from __future__ import annotations

import numpy as np

from train.inspect import gradients
from train.inspect.overlay import overlay
from train.inspect.subject import Picture, Subject, as_picture


def draw(subject: Subject) -> list[Picture]:
    """One picture: the sample, the map, and one over the other."""
    which = subject.picture_input
    index = subject.decision()
    image = as_picture(subject.sample[which][0])
    assert image is not None
    field = saliency(subject, index)
    drawn = overlay(image, field, f"saliency of {subject.told(index)}")
    caption = (
        f"Class {subject.told(index)} ({subject.chosen}) for {subject.source}; bright pixels move its score most, "
    )
    caption += f"at most {field.max():.3g} a unit of input."
    return [Picture("saliency", drawn, caption)]


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
