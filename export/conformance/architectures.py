"""What the conformance runner asks of the child with TensorFlow about `keras.applications`."""

from __future__ import annotations

import inspect
import logging
import zlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export import arrays

_EVALUATION, _CALIBRATION = 8, 32


def names() -> list[str]:
    """Every architecture that `keras.applications` exports."""
    return sorted(n for n, value in vars(keras.applications).items() if inspect.isfunction(value))


def build(name: str, side: int, classes: int) -> keras.Model:
    """The architecture with seeded weights, and statistics of BatchNormalization that fit them.

    Untouched, moving means of zero and variances of one let the activations of a deep model with random weights fade
    or explode, and its outputs would be the same for every input.
    """
    seed = zlib.crc32(name.encode())
    keras.utils.set_random_seed(seed)
    image = keras.Input((side, side, 3), name="image")
    arguments: dict[str, Any] = {"weights": None, "classes": classes, "input_tensor": image}
    if name == "MobileNet":
        arguments["alpha"] = 0.25
    model = getattr(keras.applications, name)(**arguments)
    noise = pictures(16, side, seed)
    momenta = {
        layer: layer.momentum for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)
    }
    for layer in momenta:
        layer.momentum = 0.0
    if momenta:
        model(noise, training=True)
    for layer, momentum in momenta.items():
        layer.momentum = momentum
    return model


def pictures(n: int, side: int, seed: int) -> np.ndarray:
    """Smooth coloured noise (n, side, side, 3), 0 to 255, as float32."""
    rng = np.random.default_rng([seed, n])
    coarse = rng.uniform(0, 255, (n, 5, 5, 3)).astype(np.float32)
    fine = keras.ops.image.resize(coarse, (side, side), interpolation="bilinear")
    return np.clip(np.asarray(fine) + rng.normal(0, 20, (n, side, side, 3)), 0, 255).astype(np.float32)


def save(name: str, folder: str, side: int, classes: int) -> dict[str, Any]:
    """Write the checkpoint and its samples; as `children.save`."""
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns at every save that HDF5 is its older format
    model = build(name, side, classes)
    path = Path(folder) / "case.h5"
    model.save(path)
    for stage, n in (("evaluation", _EVALUATION), ("calibration", _CALIBRATION)):
        arrays.write(Path(folder) / f"{stage}.npz", {"image": pictures(n, side, 1 + n)})
    return {
        "checkpoint": str(path),
        "evaluation": str(Path(folder) / "evaluation.npz"),
        "calibration": str(Path(folder) / "calibration.npz"),
        "parameters": int(model.count_params()),
    }
