"""Parts of a model, tried by themselves: what the search for a failing layer asks of its child."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export import arrays, formats
from export.checkpoint import Opening
from export.checkpoint.graphs import calls, fed
from export.quantize.plan import Plan
from export.source import Source

_SAMPLES = 8
_FREE = 4  # length of an axis that the model leaves free


def steps(checkpoint: str, within: list[str]) -> list[tuple[str, str, dict[str, Any], bool]]:
    """The layers in the order of computation: name, class, what their configuration says, whether they are models.

    A layer that is called twice is there twice.

    Args:
        within: names of the models, one inside the other, whose layers are meant; [] for the outermost.
    """
    return [_step(node.operation) for node in calls(_inner(_source(checkpoint).model, within))]


def attempt(
    checkpoint: str, within: list[str], first: int, last: int, format: str, precision: str, calibration: str,
    plan: dict[str, Any], runtime: str,
) -> None:  # fmt: skip
    """Convert the layers `first` to `last` (exclusive) as a model, and run it if a runtime is named."""
    source = _source(checkpoint)
    model, feeds = source.model, _feeds(source.model, calibration)
    for name in within:
        inner = model.get_layer(name)
        feeds = _values(model, _entries(model, inner), feeds, inner.inputs)
        model = inner
    nodes = calls(model)[first:last]
    made = {id(t): t for node in nodes for t in node.output_tensors}
    used = {id(t): t for node in nodes for t in node.arguments.keras_tensors if id(t) not in made}
    ends = {id(t) for t in model.outputs}
    later = {id(t) for node in calls(model)[last:] for t in node.arguments.keras_tensors}
    outputs = [t for key, t in made.items() if key in ends or key in later]
    inputs = list(used.values())
    part = keras.Model(inputs, outputs)
    whole = all(any(t is i for i in model.inputs) for t in inputs)
    taken = {t.name: feeds[t.name] for t in inputs} if whole else _values(model, inputs, feeds, part.inputs)
    _try(source, part, taken, format, precision, plan, runtime, bool(calibration))


def attempt_without_layers(
    checkpoint: str, format: str, precision: str, calibration: str, plan: dict[str, Any], runtime: str
) -> None:
    """The same with one ReLU for a model, on the first input."""
    source = _source(checkpoint)
    first = source.model.inputs[0]
    x = keras.Input(first.shape[1:], name="x")
    part = keras.Model(x, keras.layers.ReLU(name="y")(x))
    values = _feeds(source.model, calibration)[first.name].astype(np.float32)
    _try(source, part, {"x": values}, format, precision, plan, runtime, bool(calibration))


def _try(
    source: Source, part: keras.Model, feeds: arrays.Arrays, format: str, precision: str, plan: dict[str, Any],
    runtime: str, calibrated: bool,
) -> None:  # fmt: skip
    form = formats.load(format)
    tried = source.with_model(part)
    tried.calibrate(feeds if calibrated else {})
    tried.plan = Plan.of(plan)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"part{form.suffix}"
        form.convert(tried, precision, path)
        form.look(path)
        if runtime:
            form.session(path, runtime)({name: values[:1] for name, values in feeds.items()})


def _step(operation: Any) -> tuple[str, str, dict[str, Any], bool]:
    model = isinstance(operation, keras.Model) and bool(getattr(operation, "_nodes_by_depth", None))
    config: dict[str, Any] = {}
    if not isinstance(operation, keras.Model):
        stated = operation.get_config() if hasattr(operation, "get_config") else {}
        config = {
            key: value
            for key, value in stated.items()
            if isinstance(value, (bool, int, float, str, list, tuple)) and key not in ("name", "trainable", "dtype")
        }
    return operation.name, type(operation).__name__, config, model


def _inner(model: keras.Model, within: list[str]) -> keras.Model:
    for name in within:
        model = model.get_layer(name)
    return model


def _entries(model: keras.Model, inner: keras.Model) -> list[Any]:
    node = next(node for node in calls(model) if node.operation is inner)
    return list(node.arguments.keras_tensors)


def _values(model: keras.Model, tensors: list[Any], feeds: arrays.Arrays, ends: list[Any]) -> arrays.Arrays:
    """What the samples become at some tensors of a model, under the names of the inputs that take them."""
    reach = keras.Model(model.inputs, tensors)
    given = [feeds[t.name] for t in model.inputs]
    found = keras.tree.flatten(reach(fed(reach, given), training=False))
    return {end.name: np.asarray(value) for end, value in zip(ends, found, strict=True)}


def _feeds(model: keras.Model, calibration: str) -> arrays.Arrays:
    """Some calibration samples, or random numbers where there are none."""
    if calibration:
        return {name: values[:_SAMPLES] for name, values in arrays.read(calibration).items()}
    rng = np.random.default_rng(0)
    shapes = {t.name: (_SAMPLES, *(side or _FREE for side in t.shape[1:])) for t in model.inputs}
    return {t.name: rng.uniform(0, 1, shapes[t.name]).astype(str(t.dtype)) for t in model.inputs}


@lru_cache(maxsize=1)
def _source(checkpoint: str) -> Source:
    opening = Opening.of(checkpoint)
    return Source(opening.path, opening=opening)
