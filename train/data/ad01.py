"""Sounds of machines in the layout of MLPerf Tiny's anomaly detection, which is that of DCASE 2020's task 2.

FOLDER/train/normal_id_01_00000000.wav          normal ones only
FOLDER/test/normal_id_01_00000000.wav, FOLDER/test/anomaly_id_01_00000000.wav
"""

from __future__ import annotations

import functools
import re
import wave
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, Split

# As the benchmark's own configuration has them.
WINDOW, HOP, MELS, FRAMES = 1024, 512, 128, 5
_CENTRE = slice(50, 250)  # frames of a test sound that the benchmark judges
_EVERY = 10  # of a training sound's windows, which overlap
_EPSILON = float(np.finfo(np.float64).eps)
_NAME = re.compile(r"(normal|anomaly)_id_\d\d_\d{8}\.wav")


def load(directory: Path | None = None) -> Dataset:
    """Windows of five frames of 128 log mel energies, (640,) float32; labelled 1 in sounds of anomalies.

    Of the test folder's sounds the last fifth, by name, of each kind is for validation.

    Raises:
        Refused: no folder, no such files in it, or one that is no 16-bit mono sound.
    """
    if directory is None:
        raise Refused(
            "ad01: the sounds are read from a folder.",
            received="none",
            fix="--data-dir FOLDER, with train/ and test/ in it",
        )
    train, test = _files(directory / "train"), _files(directory / "test")
    normal, anomalies = ([f for f in test if f.name.startswith(kind)] for kind in ("normal", "anomaly"))
    if not train or not normal or not anomalies:
        raise Refused(
            "ad01: train/ must hold normal_id_01_00000000.wav and so on, test/ such and anomaly_id_01_00000000.wav.",
            received=f"{directory}: {len(train)} to train, {len(normal)} normal and {len(anomalies)} others to test",
            fix="pass the folder of one machine, such as ToyCar",
        )
    held = {*normal[-max(1, len(normal) // 5) :], *anomalies[-max(1, len(anomalies) // 5) :]}
    return Dataset(
        name="ad01",
        title="sounds of a toy car (ToyADMOS, as MLPerf Tiny's anomaly detection takes them), windows of five frames",
        licence="CC BY-SA 4.0",
        synthetic=False,
        train=_split(train, slice(None, None, _EVERY)),
        validation=_split([f for f in test if f in held], _CENTRE),
        test=_split([f for f in (*normal, *anomalies) if f not in held], _CENTRE),
    )


def features(samples: np.ndarray, rate: int) -> np.ndarray:
    """Windows of log mel energies, (frames - 4, 640), of a sound (n,) between -1 and 1.

    Power spectra of Hann windows about each hop, Slaney's mel bands of equal area, 10 log10, five frames side by side.
    """
    padded = np.pad(samples, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.square(np.abs(np.fft.rfft(frames * hann, axis=1)))
    mel = 10.0 * np.log10(power @ bands(rate).T + _EPSILON)
    count = len(mel) - FRAMES + 1
    return np.concatenate([mel[i : i + count] for i in range(FRAMES)], axis=1).astype(np.float32)


@functools.cache
def bands(rate: int) -> np.ndarray:
    """Triangles over a power spectrum, (mels, bins), from 0 to half the rate (Slaney 1998, "Auditory Toolbox")."""
    edges = _hertz(np.linspace(0, _mel(rate / 2), MELS + 2))
    bins = np.linspace(0, rate / 2, WINDOW // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.clip(np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)), 0, None)
    return np.asarray(triangles * 2 / (high - low))


def _mel(hertz: float) -> float:
    """Linear below 1 kHz, logarithmic above."""
    return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * float(np.log(hertz / 1000) / np.log(6.4))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp((mel - 15) / 27 * np.log(6.4)))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.wav") if _NAME.fullmatch(file.name))


def _split(files: list[Path], part: slice) -> Split:
    windows, labels = [], []
    for file in files:
        found = features(*_sound(file))[part]
        if not len(found):
            raise Refused("ad01: a sound must be long enough to judge.", received=f"{file}", fix="leave it out")
        windows.append(found)
        labels.append(np.full(len(found), int(file.name.startswith("anomaly")), np.int64))
    return Split({"features": np.concatenate(windows)}, np.concatenate(labels))


def _sound(path: Path) -> tuple[np.ndarray, int]:
    try:
        with wave.open(str(path), "rb") as file:
            kind = file.getnchannels(), file.getsampwidth()
            rate, data = file.getframerate(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise Refused(
            "ad01: every sound must be a whole wav file.", received=f"{path}: {error}", fix="fetch it again"
        ) from error
    if kind != (1, 2):
        raise Refused(
            "ad01: every sound must be mono with 16 bits a sample.",
            received=f"{path}: {kind[0]} channels of {8 * kind[1]} bits",
            fix="convert it",
        )
    return np.frombuffer(data, "<i2") / 32768.0, rate
