"""Small random movements of training pictures, drawn from the epoch's own generator."""

from __future__ import annotations

from typing import Any

import numpy as np


def moved(batch: dict[str, np.ndarray], settings: dict[str, Any], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Each picture (n, h, w, c) rotated and shifted a little about its centre; what comes in from outside is ground.

    `settings["rotate"]` in degrees and `settings["shift"]` in pixels bound the uniform draws; both zero changes
    nothing and draws nothing.
    """
    if not settings["shift"] and not settings["rotate"]:
        return batch
    return {name: _affine(images, settings, rng) if images.ndim == 4 else images for name, images in batch.items()}


def _affine(images: np.ndarray, settings: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import affine_transform

    n, height, width, _ = images.shape
    angles = np.deg2rad(rng.uniform(-settings["rotate"], settings["rotate"], n))
    shifts = rng.uniform(-settings["shift"], settings["shift"], (n, 2))
    centre = (np.array([height, width]) - 1) / 2
    out = np.empty_like(images)
    for i, (angle, shift) in enumerate(zip(angles, shifts, strict=True)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = centre - turn @ (centre + shift)
        ground = float(images[i].min())
        for channel in range(images.shape[-1]):
            out[i, ..., channel] = affine_transform(images[i, ..., channel], turn, offset, order=1, cval=ground)
    return out
