"""What the conformance runner asks of the child with TensorFlow."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from export import arrays
from export.conformance import cases


def listing() -> dict[str, Any]:
    """Case names in order, classes with their aliases, reasons, and what is unaccounted for."""
    return {
        "cases": {name: case.layer for name, case in cases.cases().items()},
        "steps": {name: case.steps for name, case in cases.cases().items()},
        "classes": cases.classes(),
        "reasons": cases.reasons(),
        "unaccounted": cases.unaccounted(),
    }


def samples() -> tuple[int, int]:
    """How many evaluation and calibration samples a case has."""
    return cases.EVALUATION, cases.CALIBRATION


def save(name: str, folder: str) -> dict[str, Any]:
    """Write the case's checkpoint and its samples.

    Returns:
        `checkpoint`, `evaluation`, `calibration` (paths) and `parameters`.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns at every save that HDF5 is its older format
    case = cases.cases()[name]
    model = case.model()
    evaluation, others = case.samples(cases.EVALUATION, 0), case.samples(cases.CALIBRATION, 1)
    # With those that are judged among them: a range that cuts one off says nothing of the format.
    calibration = {name: np.concatenate([evaluation[name], values]) for name, values in others.items()}
    path = saved(model, Path(folder), evaluation)
    arrays.write(Path(folder) / "evaluation.npz", evaluation)
    arrays.write(Path(folder) / "calibration.npz", calibration)
    return {
        "checkpoint": str(path),
        "evaluation": str(Path(folder) / "evaluation.npz"),
        "calibration": str(Path(folder) / "calibration.npz"),
        "parameters": int(sum(np.prod(w.shape) for w in model.weights)),
    }


def saved(model: Any, folder: Path, samples: arrays.Arrays) -> Path:
    """Write a checkpoint: HDF5 where Keras reads it back as the same model, else Keras's own archive.

    HDF5 forgets that an axis was a tuple, and has no word for operations that stand in a graph as themselves.
    """
    path = folder / "case.h5"
    if not _survives(model, path, samples):
        path = path.with_suffix(".keras")
        model.save(path)
    return path


def _survives(model: Any, path: Path, samples: arrays.Arrays) -> bool:
    import keras

    feeds = list(samples.values()) if len(samples) > 1 else next(iter(samples.values()))
    try:
        model.save(path)
        loaded = keras.models.load_model(path, compile=False)
        return np.array_equal(np.asarray(model(feeds, training=False)), np.asarray(loaded(feeds, training=False)))
    except Exception:  # it fails in as many ways as there are layers; the archive is the answer to all
        return False
