"""Grad-CAM: the places that speak for a class, as a layer of feature maps sees them.

Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based localization", equations 1
and 2: each map is weighted by the mean over its places of the derivative of the class's score, and what is positive of
the sum is drawn. By default it is the last layer with places, poolings left aside.
"""

from __future__ import annotations

import numpy as np

from edgeproof.frontend.image import resize
from train.inspect import gradients
from train.inspect.overlay import overlay
from train.inspect.subject import Absent, Picture, Subject, as_picture
from train.walk import Call

_NOT_FEATURES = ("Pooling", "Subsampling", "Dropout", "Padding", "Cropping", "UpSampling", "Reshape", "InputLayer")


def draw(subject: Subject) -> list[Picture]:
    """One picture: the sample, the map at the layer's own resolution, and the map over the sample."""
    which = subject.picture_input
    index = subject.decision()
    image = as_picture(subject.sample[which][0])
    assert image is not None
    call = layer(subject)
    field = gradcam(subject, call, index)
    height, width = image.shape[:2]
    smooth = resize(
        field[None, ..., None].astype(np.float32), height=height, width=width, max_stretch=np.inf, smallest=1
    )[0, ..., 0]
    drawn = overlay(image, field, f"Grad-CAM of {subject.told(index)}", smooth)
    caption = (
        f'Class {subject.told(index)} ({subject.chosen}) at layer "{call.name}", {field.shape[0]} x {field.shape[1]} '
    )
    caption += f"places, for {subject.source}."
    if not field.any():
        caption += " Nothing in it speaks for this class: the weighted sum is nowhere positive."
    return [Picture("gradcam", drawn, caption)]


def layer(subject: Subject) -> Call:
    """The layer that is looked at: the one named, or the last with places that is more than a pooling.

    Raises:
        Absent: there is none.
    """
    if subject.layer:
        found = [subject.call(subject.layer)]
    else:
        found = [call for call in subject.calls if not any(word in call.kind for word in _NOT_FEATURES)]
    found = [call for call in found if _places(call) > 1]
    if not found:
        raise Absent(
            "inspect: Grad-CAM needs a layer of feature maps, (batch, height, width, channels) with several places.",
            received=f'layer "{subject.layer}"' if subject.layer else "no such layer",
            fix="--only saliency, which needs none",
        )
    return found[-1]


def gradcam(subject: Subject, call: Call, index: int) -> np.ndarray:
    """ReLU(Σ_k α_k A^k), α_k the mean over places of ∂ score / ∂ A^k: (height, width) of the layer.

    Raises:
        Absent: no sample, or no class scores.
    """
    maps, slopes = gradients.of_score(subject.model, subject.scores, subject.sample, index, call.outputs[0])
    weights = slopes.mean(axis=(0, 1))
    return np.maximum(maps @ weights, 0.0)


def _places(call: Call) -> int:
    shape = tuple(call.outputs[0].shape)
    return shape[1] * shape[2] if len(shape) == 4 and None not in shape[1:] else 0
