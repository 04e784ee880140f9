"""What a person adds with their own hand: code to run, and what takes the place of a layer that is never opened."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from edgeproof.errors import Refused
from export.checkpoint.dialects.notes import layers
from export.checkpoint.opening import Opening
from models.layers.tensor_function import FUNCTIONS


def objects(opening: Opening) -> dict[str, Any]:
    """Classes and functions that the person's Python file defines, by name, and by registered name where it has one.

    Raises:
        Refused: no such file, or one that does not run.
    """
    if not opening.custom_objects:
        return {}
    module = _run(opening.custom_objects, "--custom-objects")
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
            found[name] = value
            found[keras.saving.get_registered_name(value)] = value
    return found


def built(opening: Opening) -> keras.Model:
    """The model that the person's own function builds.

    Raises:
        Refused: no such function, it fails, or it builds no model with weights.
    """
    place, _, name = opening.builder.rpartition(":")
    if not place:
        raise Refused(
            "checkpoint: --builder names a function.",
            received=opening.builder,
            fix="--builder module:function or --builder file.py:function",
        )
    try:
        module = _run(Path(place), "--builder") if place.endswith(".py") else _import(place)
        model = getattr(module, name)()
    except Refused:
        raise
    except Exception as error:
        raise Refused(
            "checkpoint: --builder must build the model when called without arguments.",
            received=f"{opening.builder}: {type(error).__name__}: {error}",
            fix="name a function that returns a built keras.Model",
        ) from error
    if not isinstance(model, keras.Model) or not model.built:
        raise Refused(
            "checkpoint: --builder must return a built keras.Model.",
            received=f"{opening.builder}: {type(model).__name__}",
            fix="return keras.Model(inputs, outputs), or a Sequential model with a keras.Input",
        )
    return model


def replace(architecture: dict[str, Any], opening: Opening, known: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The architecture with layers taken out by name and others, chosen by the person, in their place.

    Raises:
        Refused: no layer of that name, or a replacement that is not on the list.
    """
    if not opening.replace:
        return architecture, []
    architecture = copy.deepcopy(architecture)
    changes = []
    for name, what in opening.replace:
        found = [layer for layer in layers(architecture) if layer["config"].get("name") == name]
        if not found:
            names = [str(layer["config"].get("name")) for layer in layers(architecture) if layer["config"].get("name")]
            raise Refused(
                "checkpoint: --replace names a layer of the model.",
                received=f"{name}; the model has {', '.join(dict.fromkeys(names[:12]))}",
                fix=f"--replace LAYER={what}",
            )
        kind, config, registered = _replacement(what, known, opening)
        for layer in found:
            changes.append(f'{layer["class_name"]} "{name}" replaced by {what}, as asked; it was not opened')
            for key in ("module", "registered_name", "build_config", "shared_object_id"):
                layer.pop(key, None)
            for node in layer.get("inbound_nodes") or ():
                if isinstance(node, dict):  # of Keras 3, which writes out what Lambda alone takes
                    node["kwargs"] = {key: value for key, value in node["kwargs"].items() if value is not None}
            layer["class_name"], layer["config"] = kind, {"name": name, **config}
            layer["module"], layer["registered_name"] = (None, registered) if registered else ("keras.layers", None)
    return architecture, changes


def _replacement(what: str, known: dict[str, Any], opening: Opening) -> tuple[str, dict[str, Any], str]:
    """Class, configuration and registered name of what the person asked for."""
    parent, _, name = what.rpartition(".")
    if parent == "keras.layers" and inspect.isclass(getattr(keras.layers, name, None)):
        return name, {}, ""
    if parent in ("keras.activations", "keras.ops") and hasattr(keras.activations, name) and name.islower():
        return "Activation", {"activation": name}, ""
    for function in (f"math.{name}", f"nn.{name}"):
        if parent == "keras.ops" and function in FUNCTIONS:
            return (
                "TensorFunction",
                {"function": function, "first": {"tensor": 0}},
                "edgeproof>TensorFunction",
            )
    custom = what.rpartition(":")[2]
    if custom in known and inspect.isclass(known[custom]):
        return custom, {}, custom
    raise Refused(
        "checkpoint: --replace takes an activation, a function of one tensor, or a layer without arguments.",
        received=what + ("" if opening.custom_objects else ", and no --custom-objects"),
        fix="keras.activations.relu, keras.ops.square, keras.layers.Flatten, or MyLayer with --custom-objects my.py",
    )


def _run(path: Path, flag: str) -> ModuleType:
    if not path.is_file():
        raise Refused(
            f"checkpoint: {flag} takes a Python file.", received=f"{path}: no such file", fix="check the path"
        )
    spec = importlib.util.spec_from_file_location(f"edgeproof_custom_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Refused(
            f"checkpoint: the file of {flag} must run.",
            received=f"{path}: {type(error).__name__}: {error}",
            fix="mend it; python FILE shows where",
        ) from error
    return module


def _import(name: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return importlib.import_module(name)
