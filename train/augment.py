"""Small random changes to training pictures and sounds, drawn from the epoch's own generator.

Pictures are (n, height, width, channels) float32, sounds (n, frames, bands), already as the network takes them; what is
neither is left alone. Each change has a setting of `train.fits.Supervised`, is off by default, and then draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from train import bands

_MOST = 1000  # pictures that tell the colours of a training split


def moved(
    batch: dict[str, np.ndarray],
    settings: dict[str, Any],
    rng: np.random.Generator,
    axes: dict[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Each picture of a batch changed for itself.

    Args:
        batch: by input name; never written into.
        settings: "rotate" in degrees and "shift" in pixels bound uniform draws; "pad", "crop", "flip" and "lighting"
            and those of sounds (`train.bands`) are told with `train.fits.Supervised`. What is missing is off.
        axes: of the training split's colours, see `colour_axes`; "lighting" needs them.

    Returns:
        The same arrays where nothing is asked for, else new ones.
    """
    steps: list[Callable[[np.ndarray, str], np.ndarray]] = []
    if settings.get("shift") or settings.get("rotate"):
        steps.append(lambda images, _: _affine(images, settings, rng))
    if settings.get("pad"):
        steps.append(lambda images, _: _cut(images, settings["pad"], rng))
    if settings.get("crop", 1.0) != 1.0:
        steps.append(lambda images, _: _window(images, settings["crop"], rng))
    if settings.get("flip"):
        steps.append(lambda images, _: _flipped(images, rng))
    if settings.get("lighting"):
        steps.append(lambda images, name: _relit(images, settings["lighting"], (axes or {})[name], rng))
    heard = bands.asked(settings)
    if not steps and not heard:
        return batch
    out = dict(batch)
    for name, images in batch.items():
        if images.ndim == 4:
            for step in steps:
                out[name] = step(out[name], name)
        elif images.ndim == 3 and heard:
            out[name] = bands.moved(images, settings, rng)
    return out


def colour_axes(tensors: dict[str, np.ndarray], settings: dict[str, Any]) -> dict[str, np.ndarray]:
    """The principal axes of the training pixels' colours, each as long as the standard deviation along it.

    Args:
        tensors: of the training split; every picture of a small one, else a thousand evenly spaced.

    Returns:
        By input name, columns (channels, channels); empty where "lighting" is off.
    """
    if not settings.get("lighting"):
        return {}
    found = {}
    for name, images in tensors.items():
        if images.ndim == 4:
            pixels = images[:: max(1, len(images) // _MOST)].reshape(-1, images.shape[-1])
            covariance = np.atleast_2d(np.cov(pixels, rowvar=False))
            variances, vectors = np.linalg.eigh(covariance)
            found[name] = (vectors * np.sqrt(np.maximum(variances, 0))).astype(np.float32)
    return found


def _affine(images: np.ndarray, settings: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Rotated and shifted a little about the centre; what comes in from outside is ground."""
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


def _cut(images: np.ndarray, pad: int, rng: np.random.Generator) -> np.ndarray:
    """The picture with zeros around it, and a window of its size at a random place (He et al. 2016, section 4.2)."""
    n, height, width, _ = images.shape
    framed = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows = rng.integers(0, 2 * pad + 1, (n, 1)) + np.arange(height)
    columns = rng.integers(0, 2 * pad + 1, (n, 1)) + np.arange(width)
    return framed[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _window(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A window of `share` of each side at a random place, enlarged to the whole by linear interpolation."""
    n, height, width, _ = images.shape
    offsets = rng.uniform(0, 1, (2, n))
    rows, columns = (_places(o, side, share) for o, side in zip(offsets, (height, width), strict=True))
    return np.asarray(rows[:, None] @ images.transpose(0, 3, 1, 2) @ columns[:, None].transpose(0, 1, 3, 2)).transpose(
        0, 2, 3, 1
    )


def _places(offsets: np.ndarray, side: int, share: float) -> np.ndarray:
    """Weights (n, side, side) of the source's pixels in each pixel of a window that begins at offset * what is left."""
    centres = (np.arange(side) + 0.5) * share - 0.5 + offsets[:, None] * side * (1 - share)
    distance = np.abs(np.clip(centres, 0, side - 1)[:, :, None] - np.arange(side))
    return np.maximum(0, 1 - distance).astype(np.float32)


def _flipped(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every other picture, by chance, left for right."""
    turned = rng.integers(0, 2, len(images)) == 1
    return np.where(turned[:, None, None, None], images[:, :, ::-1], images)


def _relit(images: np.ndarray, strength: float, axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All pixels of a picture by one draw of N(0, strength) an axis of colour (Krizhevsky et al. 2012, section 4.1)."""
    draws = rng.normal(0, strength, (len(images), axes.shape[1])).astype(np.float32)
    return images + (draws @ axes.T)[:, None, None, :]
