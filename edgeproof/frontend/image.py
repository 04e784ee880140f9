"""Operations on batches of pictures, in numpy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from edgeproof.errors import Refused

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as JPEG and Pillow have it
_LARGEST_SIDE = 16384


def channels(images: np.ndarray, *, channels: int) -> np.ndarray:
    """Pictures with a channel axis: (n, h, w) or (n, h, w, 1 or 3) uint8 -> (n, h, w, channels) float32.

    Colour becomes grey by BT.601 luma; grey becomes colour by repetition.
    """
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or channels not in (1, 3):
        raise Refused(
            "image: a picture must be grey (height, width) or colour (height, width, 3).",
            received=f"an array of shape {images.shape[1:]}",
            fix="convert the picture to 8-bit grey or RGB",
        )
    pixels = images.astype(np.float32)
    if images.shape[-1] == channels:
        return pixels
    if channels == 1:
        return (pixels @ LUMA)[..., None]
    return np.repeat(pixels, 3, axis=-1)


def resize(images: np.ndarray, *, height: int, width: int, max_stretch: float = 1.25, smallest: int = 4) -> np.ndarray:
    """Bilinear resizing with antialiasing: (n, h, w, c) float32 -> (n, height, width, c).

    Sample positions are pixel centres; when shrinking, the triangle widens with the factor, as in Pillow's
    BILINEAR and TensorFlow's `antialias=True`.

    Args:
        max_stretch: how far the picture's proportions may differ from the target's before stretching it would
            change what it shows.
        smallest: the shortest side, in pixels, that still holds a picture.

    Raises:
        Refused: too small, too large, or of other proportions.
    """
    _, h, w, _ = images.shape
    if (h, w) == (height, width):
        return images
    stretch = max(h * width / (w * height), w * height / (h * width)) if h and w else np.inf
    if min(h, w) < smallest or max(h, w) > _LARGEST_SIDE or stretch > max_stretch:
        raise Refused(
            f"image: a picture must be resizable to {width}x{height} without distortion: sides from {smallest} to "
            f"{_LARGEST_SIDE} pixels and proportions within a factor of {max_stretch:g}.",
            received=f"{w}x{h} pixels",
            fix=f"crop or pad the picture to the proportions {width}:{height}",
        )
    rows, columns = _weights(h, height), _weights(w, width)
    # A product a sample: of a whole batch BLAS would add in another order, and a sample alone would differ by a bit,
    # which is a step of an integer input where it lies on the edge of one.
    n, height, width, channels = images.shape
    tall = (rows @ images.reshape(n, height, width * channels)).reshape(n, len(rows), width, channels)
    resized: np.ndarray = columns @ tall
    return resized.astype(np.float32)


def scale(images: np.ndarray, *, factor: float, offset: float = 0.0) -> np.ndarray:
    """`images * factor + offset`, float32."""
    scaled: np.ndarray = images.astype(np.float32) * np.float32(float(factor)) + np.float32(float(offset))
    return scaled


def pad(images: np.ndarray, *, pixels: int, value: float = 0.0) -> np.ndarray:
    """A frame of `pixels` pixels of `value` on every side: (n, h, w, c) -> (n, h + 2 pixels, w + 2 pixels, c)."""
    frame = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
    return np.pad(images, frame, constant_values=np.float32(float(value)))


@lru_cache(maxsize=64)
def _weights(source: int, target: int) -> np.ndarray:
    """Row i holds the weights of the `source` pixels in target pixel i: (target, source) float32, rows sum to 1."""
    factor = source / target
    support = max(factor, 1.0)
    centres = (np.arange(target) + 0.5) * factor
    distance = np.abs(np.arange(source) + 0.5 - centres[:, None]) / support
    weights = np.maximum(0.0, 1.0 - distance)
    normalized: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalized
