"""Models in older architectures: lists and graphs of layers, nested and wrapped, as Keras 3 stores them."""

from __future__ import annotations

from typing import Any

from export.checkpoint.dialects import backends, functions, keras1, keras2, nodes
from export.checkpoint.dialects.edges import edges
from export.checkpoint.dialects.nodes import Call, Ref
from export.checkpoint.dialects.notes import Notes, is_layer, label

MODELS = ("Sequential", "Model", "Functional", "Network", "Graph")
_WRAPPED = ("layer", "backward_layer", "forward_layer", "cell")
_STALE = ("build_config", "compile_config", "inbound_nodes")


class Structure:
    """Translates one architecture in place.

    Args:
        era: 1 or 2, the Keras whose words it uses.
        allowed: functions that a model may call.
    """

    def __init__(self, notes: Notes, era: int, allowed: frozenset[str]) -> None:
        self.notes, self.era, self.allowed = notes, era, allowed

    def model(self, entry: dict[str, Any]) -> None:
        """A whole model, or one inside another."""
        if entry["class_name"] == "Sequential":
            self._sequential(entry)
        else:
            self._functional(entry)

    def _sequential(self, entry: dict[str, Any]) -> None:
        config = entry["config"]
        if isinstance(config, list):
            config = {"name": entry.get("name", "sequential"), "layers": config}
            self.notes.tell(f'Sequential "{config["name"]}": a bare list of layers, given its name and its input')
        layers: list[dict[str, Any]] = []
        for index, layer in enumerate(config["layers"]):
            shape, dtype = _input_of(layer)
            if index == 0 and shape and layer["class_name"] != "InputLayer":
                layers.append(_input(f"{_name(layer)}_input", shape, dtype))
            before, after = self._layer(layer)
            layers += [piece for piece in (before, layer, after) if piece]
        for piece in layers:
            self._finish(piece, piece["config"]["name"])
        kept = {"name": config.get("name", "sequential"), "trainable": config.get("trainable", True), "layers": layers}
        if not (layers and layers[0]["class_name"] == "InputLayer") and config.get("build_input_shape"):
            kept["build_input_shape"] = config["build_input_shape"]
        entry["config"] = kept
        _place(entry, "keras", "Sequential")

    def _functional(self, entry: dict[str, Any]) -> None:
        config = entry["config"]
        layers = config["layers"]
        known = {layer["name"] for layer in layers}
        calls: dict[str, list[Call]] = {}
        for layer in layers:
            calls[layer["name"]] = [nodes.parse(d, known, layer["class_name"]) for d in layer.get("inbound_nodes", ())]
        ends = {key: nodes.revive(config[key], known) for key in ("input_layers", "output_layers")}
        bases = _bases(layers, calls, ends)
        shift = lambda ref: Ref(ref.layer, max(ref.call - bases.get(ref.layer, 0), 0), ref.tensor)  # noqa: E731
        calls = {name: [_each(call, shift) for call in found] for name, found in calls.items()}
        ends = {key: nodes.replaced(value, shift) for key, value in ends.items()}

        pieces: list[dict[str, Any]] = []
        moved: dict[str, str] = {}
        for layer in layers:
            name = layer["name"]
            layer["config"] = layer["config"] if isinstance(layer["config"], list) else dict(layer["config"])
            if layer["class_name"] in functions.LAMBDAS:
                calls[name] = functions.convert(layer, calls[name], self.allowed, self.notes)
                before = after = None
            else:
                before, after = self._layer(layer)
            pieces += self._between(layer, before, after, calls, moved)
        redirect = lambda ref: Ref(moved.get(ref.layer, ref.layer), ref.call, ref.tensor)  # noqa: E731
        for piece in pieces:
            name = piece["name"]
            inner = name in moved.values()  # what stands after a layer takes that layer's own output
            found = [call if inner else _each(call, redirect) for call in calls[name]]
            piece["inbound_nodes"] = [nodes.spell(_each(call, self._renamed)) for call in found]
            self._finish(piece, name)
            piece["name"] = piece["config"]["name"]
        functional = {piece["name"] for piece in pieces if piece["class_name"] == "Functional"}
        entry["config"] = {
            "name": config.get("name", "model"), "trainable": config.get("trainable", True), "layers": pieces,
            **{key: _single(nodes.replaced(nodes.replaced(value, redirect), lambda ref: self._end(ref, functional)))
               for key, value in ends.items()},
        }  # fmt: skip
        _place(entry, "keras.src.models.functional", "Functional")

    def _layer(self, entry: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Translate a layer in place; what must stand before and after it."""
        if entry["class_name"] in MODELS:
            self.model(entry)
            return None, None
        if self.era == 1:
            keras1.modernize(entry, self.notes)
        keras2.modernize(entry, self.notes)
        backends.check(entry, self.notes)
        config = entry["config"]
        if entry["class_name"] != "InputLayer":
            for key in ("batch_input_shape", "input_shape", "batch_size", "input_dtype"):
                config.pop(key, None)
        for key, value in config.items():
            wrapped = value if isinstance(value, list) and key == "cells" else [value]
            if key in _WRAPPED or key == "cells" or (key.endswith("activation") and is_layer(value)):
                for inner in wrapped:
                    if isinstance(inner, dict) and "class_name" in inner:
                        self._wrapped(inner, entry)
        return edges(entry, self.notes)

    def _wrapped(self, entry: dict[str, Any], wrapper: dict[str, Any]) -> None:
        if not isinstance(entry["config"], dict) and entry["class_name"] not in MODELS:
            return
        if any(self._layer(entry)):
            raise self.notes.refuse(
                "a layer inside a wrapper must run on tensors in the usual order (batch first, channels last).",
                f"{label(entry)} in {label(wrapper)}",
                "rebuild the model in that order, and pass it as --builder module:function",
            )
        self._finish(entry, entry["config"].get("name", ""))

    def _between(
        self, layer: dict[str, Any], before: dict[str, Any] | None, after: dict[str, Any] | None,
        calls: dict[str, list[Call]], moved: dict[str, str],
    ) -> list[dict[str, Any]]:  # fmt: skip
        """The layer with its new neighbours, and their calls."""
        name = layer["name"]
        if before:
            before["name"] = before["config"]["name"]
            if any(not isinstance(call.args[0], Ref) or call.kwargs.get("initial_state") for call in calls[name]):
                raise self.notes.refuse(
                    "a layer that ran in another order must take one tensor to be translated.",
                    label(layer),
                    "rebuild the model batch first, channels last, and pass it as --builder module:function",
                )
            calls[before["name"]] = calls[name]
            calls[name] = [Call([Ref(before["name"], i, 0)], call.kwargs) for i, call in enumerate(calls[name])]
            calls[before["name"]] = [Call(call.args, {}) for call in calls[before["name"]]]
        if after:
            after["name"] = after["config"]["name"]
            calls[after["name"]] = [Call([Ref(name, i, 0)], {}) for i in range(len(calls[name]))]
            moved[name] = after["name"]
        return [piece for piece in (before, layer, after) if piece]

    def _finish(self, entry: dict[str, Any], old: str) -> None:
        """Keras 3's way to name a class, and names without slashes."""
        if entry["class_name"] not in MODELS:
            registered = entry.get("registered_name")
            custom = registered if registered and ">" in str(registered) else None
            custom = entry["class_name"] if ">" in entry["class_name"] else custom
            entry["module"], entry["registered_name"] = (None, custom) if custom else ("keras.layers", None)
            for key in _STALE:
                if key != "inbound_nodes":
                    entry.pop(key, None)
        name = old.replace("/", "_")
        if name != old:
            self.notes.names[name] = old
            self.notes.tell(f'layer "{old}" is called "{name}": Keras 3 allows no slash in a name')
            if old in self.notes.channels_first:
                self.notes.channels_first.add(name)
        entry["config"]["name"] = name

    def _renamed(self, ref: Ref) -> Ref:
        return Ref(ref.layer.replace("/", "_"), ref.call, ref.tensor)

    def _end(self, ref: Ref, functional: set[str]) -> list[Any]:
        name = ref.layer.replace("/", "_")
        # Keras 3 counts the calls of a functional model from 1 here, and from 0 everywhere else.
        return [name, ref.call + (name in functional), ref.tensor]


def _bases(layers: list[dict[str, Any]], calls: dict[str, list[Call]], ends: dict[str, Any]) -> dict[str, int]:
    """Where each layer's calls are counted from: models that were built before they were called begin at 1."""
    used: dict[str, set[int]] = {}
    found = [ref for group in calls.values() for call in group for ref in nodes.refs(call)]
    nodes.replaced(ends, found.append)
    for ref in found:
        used.setdefault(ref.layer, set()).add(ref.call)
    bases = {}
    for layer in layers:
        if layer["class_name"] in MODELS:
            count, seen = len(calls[layer["name"]]), used.get(layer["name"], set())
            bases[layer["name"]] = int(0 not in seen and (count in seen or _built_before(layer)))
    return bases


def _built_before(layer: dict[str, Any]) -> bool:
    if layer["class_name"] != "Sequential":
        return True
    config = layer["config"]
    first = (config if isinstance(config, list) else config["layers"])[:1]
    return bool(first and (first[0]["class_name"] == "InputLayer" or _input_of(first[0])[0]))


def _input_of(layer: dict[str, Any]) -> tuple[list[Any] | None, str]:
    """The input shape that a first layer of a Sequential model carries, and its dtype."""
    config = layer["config"]
    if isinstance(config, list) or layer["class_name"] in MODELS:
        inner = config if isinstance(config, list) else config.get("layers", [])
        return _input_of(inner[0]) if inner else (None, "float32")
    shape = config.get("batch_input_shape") or config.get("batch_shape")
    dtype = config.get("input_dtype") or config.get("dtype")
    return shape, dtype if isinstance(dtype, str) and "float16" not in dtype else "float32"


def _input(name: str, shape: list[Any], dtype: str) -> dict[str, Any]:
    return {"class_name": "InputLayer", "config": {"name": name, "batch_shape": shape, "dtype": dtype}}


def _name(layer: dict[str, Any]) -> str:
    config = layer["config"]
    return str((config.get("name") if isinstance(config, dict) else None) or layer.get("name") or "model")


def _single(end: Any) -> Any:
    """One tensor as itself: Keras 3 would take a list of one for a model that is called with a list."""
    return end[0] if isinstance(end, list) and len(end) == 1 else end


def _each(call: Call, act: Any) -> Call:
    return Call(nodes.replaced(call.args, act), nodes.replaced(call.kwargs, act))


def _place(entry: dict[str, Any], module: str, kind: str) -> None:
    entry["class_name"], entry["module"] = kind, module
    entry["registered_name"] = "Functional" if kind == "Functional" else None
    for key in ("build_config", "compile_config"):
        entry.pop(key, None)
