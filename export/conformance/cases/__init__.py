"""The conformance table: for every layer class of `keras.layers`, models of one layer, one module a family.

Found by listing the folder. Each module has `CASES`, and `REASONS` for classes that no case can be made of.
"""

from __future__ import annotations

import importlib
import inspect
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

EVALUATION, CALIBRATION = 16, 48


@dataclass(frozen=True)
class Case:
    """A model of one layer, or of the least that shows it.

    Attributes:
        layer: class in `keras.layers`, or "activations" for a function of `keras.activations`.
        variant: what sets this case apart from others of the layer; "" for the plain one.
        build: (inputs as Keras tensors) -> outputs.
        shapes: of the inputs, without the batch axis.
        data: name of a generator in `DATA`, one for all inputs or one each.
        steps: for recurrent layers, whose size is judged: the number of steps; 0 for others.
    """

    layer: str
    variant: str
    build: Callable[..., Any] = field(repr=False)
    shapes: tuple[tuple[int, ...], ...] = ()
    data: str | tuple[str, ...] = "even"
    steps: int = 0

    @property
    def name(self) -> str:
        """The key of the case."""
        return f"{self.layer}/{self.variant}" if self.variant else self.layer

    @property
    def seed(self) -> int:
        """From the name, so that a case does not change when others come and go."""
        return zlib.crc32(self.name.encode())

    def kinds(self) -> tuple[str, ...]:
        """The generator of each input."""
        return (self.data,) * len(self.shapes) if isinstance(self.data, str) else self.data

    def model(self) -> keras.Model:
        """The model with its seeded weights; inputs are called x, y, z, output "out"."""
        keras.utils.set_random_seed(self.seed)
        build = self.build
        if isinstance(build, keras.Layer):  # made when its module was read, before the seed: initializers draw theirs
            build = type(build).from_config(build.get_config())
        inputs = [
            keras.Input(shape, name=name, dtype="int32" if kind.startswith("index") else "float32")
            for name, shape, kind in zip("xyz", self.shapes, self.kinds(), strict=False)
        ]
        # Named ends: Keras calls an output after its layer, which numbers itself.
        outputs = keras.layers.Identity(name="out")(build(*inputs))
        model = keras.Model(inputs, outputs, name="case")
        shake(model, self.seed)
        return model

    def samples(self, n: int, seed: int) -> dict[str, np.ndarray]:
        """Input tensors (n, ...) by name."""
        rng = np.random.default_rng([self.seed, seed])
        return {
            name: DATA[kind](rng, (n, *shape))
            for name, shape, kind in zip("xyz", self.shapes, self.kinds(), strict=False)
        }


def _masked(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Sequences (n, steps, features) of unequal length, zeros behind their end."""
    values = rng.normal(size=shape)
    lengths = rng.integers(1, shape[1] + 1, shape[0])
    return np.where(np.arange(shape[1])[None, :, None] < lengths[:, None, None], values, 0).astype(np.float32)


# What the inputs are made of. Bounded, so that calibration and evaluation have the same range.
DATA: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "even": lambda rng, shape: rng.uniform(-2, 2, shape).astype(np.float32),
    "wide": lambda rng, shape: rng.uniform(-6, 6, shape).astype(np.float32),
    "unit": lambda rng, shape: rng.uniform(0, 1, shape).astype(np.float32),
    "pixels": lambda rng, shape: rng.integers(0, 256, shape).astype(np.float32),
    "masked": _masked,
    "index8": lambda rng, shape: rng.integers(0, 8, shape).astype(np.int32),
}


def shake(model: keras.Model, seed: int) -> None:
    """Give every weight that starts as a constant (biases, scales, moving statistics) seeded random values."""
    rng = np.random.default_rng([seed, 7])
    for weight in model.weights:
        value = np.asarray(weight)
        if value.dtype.kind != "f" or value.size == 0 or np.ptp(value) > 0 or weight.name == "count":
            continue
        if "variance" in weight.name:
            weight.assign(rng.uniform(0.5, 2.0, value.shape))
        else:
            weight.assign(value + 0.3 * rng.normal(size=value.shape))


def _modules() -> list[Any]:
    files = sorted(f.stem for f in Path(__file__).parent.glob("*.py") if f.stem != "__init__")
    return [importlib.import_module(f"{__name__}.{stem}") for stem in files]


def cases() -> dict[str, Case]:
    """All cases by name, family by family."""
    found: dict[str, Case] = {}
    for module in _modules():
        for case in module.CASES:
            if case.name in found:
                raise ValueError(f"two cases are called {case.name}")
            found[case.name] = case
    return found


def reasons() -> dict[str, str]:
    """Why a class has no case, by its name."""
    return {name: why for module in _modules() for name, why in getattr(module, "REASONS", {}).items()}


def classes() -> dict[str, list[str]]:
    """Every class that `keras.layers` exports, under its own name, with its aliases there."""
    found: dict[type, list[str]] = {}
    for name, value in vars(keras.layers).items():
        if inspect.isclass(value):
            found.setdefault(value, []).append(name)
    named = {(c.__name__ if c.__name__ in names else min(names)): sorted(names) for c, names in found.items()}
    return dict(sorted(named.items()))


def unaccounted() -> list[str]:
    """Classes with neither a case nor a reason, and reasons or cases for classes that there are not."""
    known, covered = classes(), {case.layer for case in cases().values()}
    # A cell is a case of the layer that wraps it, a function of `keras.activations` is no class.
    missing = [name for name in known if name not in covered and name not in reasons()]
    stray = [name for name in sorted(covered | set(reasons())) if name not in known and name != "activations"]
    return missing + stray
