"""Operations on batches of sounds, in numpy: samples, mel bands, cepstra."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from edgeproof.errors import Refused

_FULL_SCALE = 32768.0  # of 16 bits
_AT_ONCE = 128  # sounds whose spectra are held together: of a whole training set they would take gigabytes


def samples(sounds: np.ndarray, *, rate: int, length: int, whole: bool = False) -> np.ndarray:
    """The middle of sounds, full scale 1: (n, any) int16 -> (n, length) float32.

    Args:
        rate: samples a second that a file must have.
        length: samples that are kept, or filled up to.
        whole: a longer sound is refused, where its ends would be lost.

    Raises:
        Refused: not one channel of samples, or more of them than may be.
    """
    if whole and sounds.ndim == 2 and sounds.shape[1] > length:
        raise Refused(
            f"sound: a sound must be at most {length / rate:g} seconds long, so that all of it is heard.",
            received=f"{sounds.shape[1] / rate:g} seconds",
            fix="cut it into shorter ones, between words",
        )
    return middle(sounds, length).astype(np.float32) / np.float32(_FULL_SCALE)


def middle(sounds: np.ndarray, length: int) -> np.ndarray:
    """The `length` samples in the middle of sounds, with silence around shorter ones: (n, any) -> (n, length).

    Raises:
        Refused: not one channel of samples.
    """
    if sounds.ndim != 2 or sounds.shape[1] == 0:
        raise Refused(
            "sound: a sound must be one channel of samples.",
            received=f"an array of shape {sounds.shape[1:]}",
            fix="pass (samples,) of one channel, at least one sample",
        )
    present = sounds.shape[1]
    if present >= length:
        start = (present - length) // 2
        return sounds[:, start : start + length]
    before = (length - present) // 2
    return np.pad(sounds, ((0, 0), (before, length - present - before)))


def log_mel(
    sounds: np.ndarray,
    *,
    rate: int,
    window: float = 0.025,
    hop: float = 0.010,
    bands: int = 40,
    low: float = 20.0,
    high: float | None = None,
    floor: float = 1e-6,
) -> np.ndarray:
    """Logarithms of the power in mel bands: (n, samples) -> (n, frames, bands) float32.

    Frames lie whole within the sound; each is weighted by a Hann window and filled up with zeros to a power of two for
    the Fourier transform. Bands are triangles of equal width in mels, m = 1127 ln(1 + f / 700) (O'Shaughnessy 1987;
    Davis and Mermelstein 1980, figure 1).

    Args:
        rate: samples a second.
        window, hop: length of a frame, and from one to the next, in seconds.
        bands: how many, between `low` and `high` hertz (default: half the rate).
        floor: power, of a full-scale square wave 1, that silence is taken for.

    Raises:
        Refused: a sound shorter than a frame.
    """
    width, step = round(window * rate), round(hop * rate)
    if sounds.shape[1] < width:
        raise Refused(
            f"sound: a sound must be at least as long as a frame, {width} samples.",
            received=f"{sounds.shape[1]} samples",
            fix="pass a longer sound",
        )
    size = 1 << (width - 1).bit_length()
    triangles = _triangles(bands, size // 2 + 1, rate, low, high or rate / 2)
    # A periodic window, whose sum of squares makes powers those of the sound.
    taper = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)).astype(np.float32)
    found = np.empty((len(sounds), (sounds.shape[1] - width) // step + 1, bands), np.float32)
    for few in range(0, len(sounds), _AT_ONCE):
        some = slice(few, few + _AT_ONCE)
        frames = np.lib.stride_tricks.sliding_window_view(sounds[some], width, axis=1)[:, ::step]
        spectrum = np.fft.rfft(frames * taper, size)
        power = (np.square(spectrum.real) + np.square(spectrum.imag)) / np.square(taper).sum() / width
        found[some] = np.log(np.maximum(power.astype(np.float32) @ triangles, np.float32(floor)))
    return found


def cepstra(logarithms: np.ndarray, *, coefficients: int) -> np.ndarray:
    """Mel-frequency cepstral coefficients, the first of an orthonormal DCT-II: (n, frames, bands) -> (n, frames, k)."""
    bands = logarithms.shape[-1]
    found: np.ndarray = (logarithms @ _cosines(bands, coefficients)).astype(np.float32)
    return found


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0))


@lru_cache(maxsize=16)
def _triangles(bands: int, bins: int, rate: int, low: float, high: float) -> np.ndarray:
    """Weights of each bin in each band, (bins, bands) float32; the bin at 0 Hz counts for nothing."""
    edges = np.linspace(_mel(low), _mel(high), bands + 2)
    at = _mel(np.linspace(0.0, rate / 2, bins))[:, None]
    rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return np.asarray(weights, np.float32)


@lru_cache(maxsize=16)
def _cosines(bands: int, coefficients: int) -> np.ndarray:
    """(bands, coefficients) float32."""
    angles = np.pi / bands * (np.arange(bands)[:, None] + 0.5) * np.arange(coefficients)
    scale = np.where(np.arange(coefficients) == 0, np.sqrt(1 / bands), np.sqrt(2 / bands))
    return np.asarray(np.cos(angles) * scale, np.float32)
