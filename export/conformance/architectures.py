"""What the conformance runner asks of the child with TensorFlow about `keras.applications`."""

from __future__ import annotations

import inspect
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export import arrays
from export.conformance.children import saved

_EVALUATION, _CALIBRATION = 8, 32
# Blocks that gate their channels, by an activation that turns around zero, enlarge an error by ten to thirty when their
# weights are random; by four to eight with means so far below.
_GATED, _BELOW = ("MobileNetV3", "EfficientNet"), 0.3


def names() -> list[str]:
    """Every architecture that `keras.applications` exports."""
    return sorted(n for n, value in vars(keras.applications).items() if inspect.isfunction(value))


def families() -> dict[str, str]:
    """The module of Keras that each architecture comes from, its family."""
    return {name: getattr(keras.applications, name).__module__.rpartition(".")[2] for name in names()}


def build(name: str, side: int, classes: int) -> keras.Model:
    """The architecture with seeded weights, and statistics of BatchNormalization that fit them; outputs are logits.

    Untouched, variances of one let the activations of a deep model with random weights fade or explode. With each
    channel's own mean and variance, as training leaves them, random weights make chaos: every layer enlarges what
    little the pictures differ in, and rounding with it, in MobileNet a hundredfold. So all channels of a layer are
    divided by the one size of the layer; what goes in then comes out about as large, and so does an error.
    """
    seed = zlib.crc32(name.encode())
    keras.utils.set_random_seed(seed)
    image = keras.Input((side, side, 3), name="image")
    arguments: dict[str, Any] = {"weights": None, "classes": classes, "input_tensor": image}
    if name == "MobileNet":
        arguments["alpha"] = 0.25
    model = getattr(keras.applications, name)(classifier_activation=None, **arguments)
    for layer in model.layers:
        if type(layer).__name__ == "LayerScale":  # starts at 1e-6, which would leave its block out
            layer.gamma.assign(np.full(layer.gamma.shape, 0.5))
    with _scaling(_BELOW if name.startswith(_GATED) else 0.0):
        model(pictures(16, side, seed), training=False)
    return model


@contextmanager
def _scaling(below: float) -> Iterator[None]:
    """In here BatchNormalization takes the mean square of all it is given for its variances, and means near zero.

    Args:
        below: how far below, in roots of that mean square.
    """
    kind = keras.layers.BatchNormalization
    before = kind.call

    def call(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        size, shape = np.square(np.asarray(inputs)).mean(), self.moving_mean.shape
        self.moving_variance.assign(np.full(shape, size))
        self.moving_mean.assign(np.sqrt(size) * (0.1 * rng.normal(size=shape) - below))
        return before(self, inputs, training=False, mask=mask)

    kind.call = call
    try:
        yield
    finally:
        kind.call = before


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
    path = saved(model, Path(folder), {"image": pictures(2, side, 0)})
    for stage, n in (("evaluation", _EVALUATION), ("calibration", _CALIBRATION)):
        arrays.write(Path(folder) / f"{stage}.npz", {"image": pictures(n, side, 1 + n)})
    return {
        "checkpoint": str(path),
        "evaluation": str(Path(folder) / "evaluation.npz"),
        "calibration": str(Path(folder) / "calibration.npz"),
        "parameters": int(model.count_params()),
    }
