"""The embedded patches: 8x8 pixels of the two photographs that scikit-learn ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only

SIDE = 8
SIZES = {"train": 4000, "validation": 500, "test": 1500}
# Strips of each photograph, as shares of its width, with a patch's width between them: no pixel is in two splits.
_STRIPS = {"train": (0.0, 0.7), "validation": (0.7, 0.78), "test": (0.78, 1.0)}
_LEAST = 0.01  # standard deviation of the grey values: in plain sky there is nothing to describe


def load(directory: Path | None = None) -> Dataset:
    """Real patches in a fixed split by where they lie in the pictures.

    Raw samples are (64,) float32: grey values less the patch's mean, over the standard deviation of all training
    patches.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded photographs come from an installed package")
    from sklearn.datasets import load_sample_images

    # Luma of ITU-R BT.601.
    photographs = [image / 255.0 @ np.array([0.299, 0.587, 0.114]) for image in load_sample_images().images]
    found = {name: _patches(photographs, name) for name in SIZES}
    scale = found["train"].std()
    splits = {name: Split({"patch": (values / scale).astype(np.float32)}) for name, values in found.items()}
    return Dataset(
        name="embedded",
        title="6,000 patches of 8x8 pixels of two real photographs, china.jpg and flower.jpg, that scikit-learn ships",
        licence="CC BY 2.0 and CC BY 3.0, by their authors as scikit-learn names them",
        synthetic=False,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
    )


def _patches(photographs: list[np.ndarray], name: str) -> np.ndarray:
    """Patches (n, 64) without their means, half from each photograph."""
    rng = np.random.default_rng([1996, list(SIZES).index(name)])
    kept = []
    for photograph in photographs:
        first, last = (round(share * photograph.shape[1]) for share in _STRIPS[name])
        strip = photograph[:, first + (SIDE if first else 0) : last]
        windows = np.lib.stride_tricks.sliding_window_view(strip, (SIDE, SIDE)).reshape(-1, SIDE * SIDE)
        lively = np.flatnonzero(windows.std(axis=1) > _LEAST)
        chosen = windows[rng.choice(lively, SIZES[name] // len(photographs), replace=False)]
        kept.append(chosen - chosen.mean(axis=1, keepdims=True))
    return np.concatenate(kept)
