"""Build a checked checkpoint in Keras 3: translate, rebuild, fill, or say what is missing. Needs TensorFlow."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
from keras.src.applications.convnext import LayerScale, StochasticDepth
from keras.src.ops import core, einops, image, linalg, math, nn, numpy
from keras.src.ops.operation import Operation
from keras.src.saving.serialization_lib import ObjectSharingScope

import models.layers  # noqa: F401  registers the layers that Keras lacks
from edgeproof.errors import Refused
from export.checkpoint import custom, graphs, weights
from export.checkpoint.archive import CONFIG, short
from export.checkpoint.dialects import Translation, Writer, translate
from export.checkpoint.dialects.notes import layers
from export.checkpoint.file import File, is_archive, parse, stated
from export.checkpoint.layouts import Layout
from export.checkpoint.opening import Opening
from models.layers.tensor_function import FUNCTIONS

# Keras's own layers outside keras.layers, which files of tf.keras name without their module.
_APPLICATIONS = {"LayerScale": LayerScale, "StochasticDepth": StochasticDepth}
_MODELS = ("Functional", "Sequential", "Model")


@dataclass(frozen=True)
class Loaded:
    """A model in inference form, and what was done to get it, a line a change."""

    model: keras.Model
    changes: list[str]


def load(opening: Opening) -> Loaded:
    """Load a checked checkpoint (see `export.checkpoint.read`), as a functional model whose ends have names.

    Raises:
        Refused: Keras 3 can't rebuild it, or its weights are not those of its architecture.
    """
    found = _loaded(opening)
    model = _functional(found.model, str(opening.path))
    return Loaded(graphs.part(model, *opening.ends) if opening.ends else model, found.changes)


def _functional(model: keras.Model, source: str) -> keras.Model:
    """The same layers and weights; a Sequential model has no names for its outputs."""
    if not getattr(model, "inputs", None):
        raise Refused(
            "checkpoint: the model must know the shape of its inputs.",
            received=f"{source}: {type(model).__name__} without an input shape",
            fix="pass --builder with a function that begins with keras.Input(shape)",
        )
    if not isinstance(model, keras.Sequential):
        return model
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def _loaded(opening: Opening) -> Loaded:
    file = parse(opening.path)
    known = {**_APPLICATIONS, **custom.objects(opening)}
    source = str(opening.path)
    with keras.saving.custom_object_scope(known):
        if opening.builder:
            return _filled(custom.built(opening), file, opening, None, Translation({}, (), 2, {}, frozenset()))
        config, writer = _architecture(file, opening)
        _check_words(config, source)
        config, changes = custom.replace(config, opening, known)
        writer = Writer(writer.keras, opening.backend or writer.backend)
        translation = translate(config, writer, source, FUNCTIONS, _operations())
        changes = [*changes, *translation.changes]
        if translation.era == 3 and file.architecture is not None and not opening.architecture:
            return Loaded(_native(opening, translation.architecture if changes else None, known), changes)
        _check_known(translation.architecture, known, source)
        model = _rebuilt(translation.architecture, known, source)
        loaded = _filled(model, file, opening, config, translation)
        return Loaded(loaded.model, [*changes, *loaded.changes])


@functools.cache
def _operations() -> dict[str, str]:
    """Every operation of Keras's and the module it is in."""
    found = [
        (kind.__name__, kind.__module__)
        for module in (core, einops, image, linalg, math, nn, numpy)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Operation) and kind.__module__ == module.__name__
    ]
    return dict(found)


def _architecture(file: File, opening: Opening) -> tuple[dict[str, Any], Writer]:
    if opening.architecture:
        config, writer = stated(opening.architecture)
        return config, Writer(writer.keras or file.writer.keras, writer.backend or file.writer.backend)
    assert file.architecture is not None
    return file.architecture, file.writer


def _check_words(architecture: dict[str, Any], source: str) -> None:
    """What says of a layer which class it is, must be words: everything after this looks them up.

    Raises:
        Refused: something else stands there.
    """
    for layer in layers(architecture):
        for key in ("module", "registered_name"):
            if not isinstance(layer.get(key), (str, type(None))):
                raise Refused(
                    "checkpoint: the architecture must have the parts that Keras writes.",
                    received=f"{source}: {short(layer['class_name'])} whose {key} is {short(layer[key])}",
                    fix="save the model again with Keras",
                )


def _filled(
    model: keras.Model, file: File, opening: Opening, config: dict[str, Any] | None, translation: Translation
) -> Loaded:
    source = str(opening.path)
    era = file.writer.major or translation.era or 1
    layout = Layout(era, opening.backend or file.writer.backend, translation.channels_first)
    with file.weights() as group:
        if file.layout == "named":
            return Loaded(model, weights.by_name(model, group, layout, translation.names, source))
        weights.by_path(model, group, config, source)
    return Loaded(model, [])


def _native(opening: Opening, config: dict[str, Any] | None, known: dict[str, Any]) -> keras.Model:
    """What Keras 3 wrote, as Keras 3 reads it; with another architecture where a layer was replaced."""
    with tempfile.TemporaryDirectory() as folder:
        path = opening.path
        if config is not None:
            path = _rewritten(path, config, Path(folder))
        elif path.suffix not in (".h5", ".keras", ".hdf5"):
            path = Path(shutil.copyfile(path, Path(folder) / ("model.keras" if is_archive(path) else "model.h5")))
        try:
            return keras.models.load_model(path, custom_objects=known, compile=False, safe_mode=True)
        except Exception as error:
            found = parse(opening.path).architecture
            _check_known(found or {}, known, str(opening.path))
            raise _unbuildable(str(opening.path), error) from error


def _rewritten(path: Path, config: dict[str, Any], folder: Path) -> Path:
    """A copy of the checkpoint with another architecture; the weights are the file's own."""
    if is_archive(path):
        changed = folder / "model.keras"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
            for info in old.infolist():
                new.writestr(info.filename, json.dumps(config) if info.filename == CONFIG else old.read(info))
        return changed
    changed = folder / "model.h5"
    shutil.copyfile(path, changed)
    with h5py.File(changed, "r+", libver="latest") as file:
        file.attrs["model_config"] = json.dumps(config)
    return changed


def _rebuilt(architecture: dict[str, Any], known: dict[str, Any], source: str) -> keras.Model:
    try:
        with ObjectSharingScope():
            # A copy: Keras takes configurations apart while it builds.
            built = copy.deepcopy(architecture)
            return keras.saving.deserialize_keras_object(built, custom_objects=known, safe_mode=True)
    except Exception as error:
        for layer in layers(architecture):
            if layer["class_name"] in _MODELS or layer.get("module") not in ("keras.layers", None):
                continue
            try:
                keras.saving.deserialize_keras_object(copy.deepcopy(layer), custom_objects=known, safe_mode=True)
            except Exception as culprit:
                name = f'{layer["class_name"]} "{layer["config"].get("name")}"'
                raise _unbuildable(f"{source}: {name}", culprit) from error
        raise _unbuildable(source, error) from error


def _unbuildable(what: str, error: Exception) -> Refused:
    said = " ".join(str(error).split())
    said = said.rpartition("Exception encountered: ")[2]
    return Refused(
        "checkpoint: Keras 3 must be able to rebuild the model.",
        received=f"{what}: {said[:300]}",
        fix="save it again with Keras 3, or with the arguments that Keras 3 knows; or pass it as --builder",
    )


def _check_known(architecture: dict[str, Any], known: dict[str, Any], source: str) -> None:
    """Name every layer that is neither Keras's nor given, with its configuration.

    Raises:
        Refused: there is one.
    """
    strange: dict[str, dict[str, Any]] = {}
    for layer in layers(architecture):
        kind, registered = layer["class_name"], layer.get("registered_name")
        if layer.get("module") not in ("keras.layers", None) and not registered:
            continue
        if kind in known or registered in known or keras.saving.get_registered_object(str(registered or kind)):
            layer["registered_name"] = registered or kind if ">" in kind or kind in known else registered
            continue
        if kind in _MODELS or hasattr(keras.layers, kind) or not layer["config"].get("name"):
            continue
        strange.setdefault(kind, layer["config"])
    if not strange:
        return
    said = "; ".join(f"{kind} {json.dumps(config)[:240]}" for kind, config in strange.items())
    defined = " and ".join(f"class {kind.rpartition('>')[2]}" for kind in strange)
    raise Refused(
        "checkpoint: every layer must be one of Keras 3's, or defined by you.",
        received=f"{source}: {said}",
        fix=f"--custom-objects layers.py, a file that defines {defined}" + _gone(strange),
    )


_GONE = {
    "MaxoutDense": "Dense(units * pieces), Reshape((pieces, units)) and keras.ops.max",
    "Highway": "two Dense layers and Multiply, Add",
    "LocallyConnected1D": "patches and EinsumDense",
    "LocallyConnected2D": "patches and EinsumDense",
    "SReLU": "a layer of your own of four thresholds",
    "ParametricSoftplus": "a layer of your own: alpha * log(1 + exp(beta * x))",
    "DenseFeatures": "keras.layers.Concatenate over named inputs",
}


def _gone(strange: dict[str, Any]) -> str:
    known = [f"{kind} is {_GONE[kind]}" for kind in strange if kind in _GONE]
    return "; Keras 3 has no such layer: " + "; ".join(known) if known else ""
