"""Small random changes to training sounds, logarithms of mel bands (n, frames, bands)."""

from __future__ import annotations

from typing import Any

import numpy as np

SETTINGS = ("tract", "late", "loud", "mask_bands", "mask_frames")


def asked(settings: dict[str, Any]) -> bool:
    """Whether any change is asked for."""
    return any(settings.get(key) for key in SETTINGS)


def moved(sounds: np.ndarray, settings: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Each sound of a batch changed for itself; each change is uniform up to the largest that the settings tell.

    A vocal tract's length scales frequencies (Jaitly, Hinton 2013, "Vocal tract length perturbation"), which is nearly
    a shift where bands are equally wide in mels. Stripes of bands and of frames are set to the sound's mean (Park et
    al. 2019, "SpecAugment"). What comes in at an end is like the end, and nothing is quieter than the quietest of the
    batch, as no power is below the floor of the mel bands.
    """
    n, frames, bands = sounds.shape
    out = sounds.copy()
    if settings.get("tract"):
        at = np.arange(bands) + rng.uniform(-settings["tract"], settings["tract"], (n, 1, 1))
        low = np.clip(np.floor(at).astype(np.int64), 0, bands - 2)
        part = np.clip(at - low, 0, 1).astype(np.float32)
        out = (1 - part) * np.take_along_axis(out, low, axis=2) + part * np.take_along_axis(out, low + 1, axis=2)
    if settings.get("late"):
        by = rng.integers(-settings["late"], settings["late"] + 1, (n, 1, 1))
        out = np.take_along_axis(out, np.clip(np.arange(frames)[:, None] - by, 0, frames - 1), axis=1)
    if settings.get("loud"):
        out = np.maximum(out + rng.uniform(-settings["loud"], settings["loud"], (n, 1, 1)), sounds.min())
    means = out.mean(axis=(1, 2), keepdims=True)
    for key, axis in (("mask_bands", 2), ("mask_frames", 1)):
        if settings.get(key):
            size = out.shape[axis]
            wide = rng.integers(0, min(settings[key], size) + 1, (n, 1, 1))
            start = np.floor(rng.uniform(0, 1, (n, 1, 1)) * (size - wide + 1))
            places = np.arange(size).reshape((1, -1, 1) if axis == 1 else (1, 1, -1))
            out = np.where((places >= start) & (places < start + wide), means, out)
    return np.asarray(out, np.float32)
