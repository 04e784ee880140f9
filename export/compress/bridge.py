"""Keras 3 <-> tf-keras: the same graph rebuilt over there, weights copied, and the weights brought back.

A layer that both Keras have is rebuilt from its configuration; any other one (ours, operations of `keras.ops`, newer
arguments) is carried over whole: a tf-keras layer holds its weights and calls Keras 3's own function with them. Inner
models are laid out flat. Before anything is trained, both sides must answer alike.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras

from edgeproof.errors import Refused

LIMIT = 1e-5  # relative to the largest output: the two sides run the same kernels, and seldom differ at all
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
_WRAPPERS = {"TimeDistributed": ("layer",), "Bidirectional": ("forward_layer", "backward_layer")}
# Rebuilt by their classes' own names; those with state outside their weights, or built from other layers, are carried.
_CARRIED = ("RNN", "StackedRNNCells", "Wrapper", "Lambda", "InputLayer", "Normalization", "Discretization", "Hashing")
_OBJECTS = ("_initializer", "_regularizer", "_constraint")


@dataclass
class Bridged:
    """A model over there.

    Attributes:
        ours: the Keras 3 model.
        theirs: the tf-keras model.
        pairs: variables of both, that are the same.
        layers: of tf-keras, by their names, with the Keras 3 layer that each was made from.
    """

    ours: keras.Model
    theirs: Any = None
    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    layers: dict[str, Any] = field(default_factory=dict)

    def back(self) -> None:
        """Give the Keras 3 model the weights that its copy has now, bit for bit."""
        for ours, theirs in self.pairs:
            ours.assign(theirs.numpy())


@tf_keras.utils.register_keras_serializable(package="edgeproof")
class Carried(tf_keras.layers.Layer):
    """A Keras 3 layer or operation inside tf-keras: its weights are this layer's, its function is its own."""

    def __init__(self, ours: Any, name: str) -> None:
        super().__init__(name=name, trainable=getattr(ours, "trainable", True))
        self.ours = ours
        self._weighted = isinstance(ours, keras.layers.Layer)
        self._timed = self._weighted and "training" in inspect.signature(ours.call).parameters
        self._theirs: dict[bool, list[Any]] = {True: [], False: []}
        for trained, variables in ((True, _trainable(ours)), (False, _other(ours))):
            for index, variable in enumerate(variables):
                weight = self.add_weight(
                    name=f"{'trained' if trained else 'state'}_{index}_{variable.name}",
                    shape=variable.shape,
                    dtype=str(variable.dtype),
                    trainable=trained,
                )
                weight.assign(variable.numpy())
                self._theirs[trained].append(weight)

    def pairs(self) -> list[tuple[Any, Any]]:
        """The same variables on both sides."""
        both = ((_trainable(self.ours), self._theirs[True]), (_other(self.ours), self._theirs[False]))
        return [pair for ours, theirs in both for pair in zip(ours, theirs, strict=True)]

    def call(self, inputs: Any, *args: Any, training: Any = None, **kwargs: Any) -> Any:
        if not self._weighted:
            return self.ours.call(inputs, *args, **kwargs)
        if self._timed:
            kwargs["training"] = bool(training) if not tf.is_tensor(training) else False
        trained, state = ([tf.convert_to_tensor(w) for w in self._theirs[kind]] for kind in (True, False))
        outputs, after = self.ours.stateless_call(trained, state, inputs, *args, **kwargs)
        for weight, value in zip(self._theirs[False], after, strict=True):
            weight.assign(value)
        return outputs

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("a carried layer is never written")


def _trainable(ours: Any) -> list[Any]:
    return list(getattr(ours, "trainable_variables", ()))


def _other(ours: Any) -> list[Any]:
    return list(getattr(ours, "non_trainable_variables", ()))


def over(model: keras.Model, probe: Mapping[str, np.ndarray] | None = None) -> Bridged:
    """Rebuild a functional Keras 3 model in tf-keras.

    Args:
        model: functional; its weights are copied.
        probe: input tensors (n, ...) by name on which both sides must answer alike; None: noise.

    Raises:
        Refused: tf-keras can't hold a layer, which is named.
    """
    if not getattr(model, "inputs", None) or not hasattr(model, "_run_through_graph"):
        raise _refused(f"{type(model).__name__} without a graph", "build it with the functional API")
    found = Bridged(model)
    inputs = [_input(tensor) for tensor in model.inputs]
    made: dict[int, Any] = {}
    outputs = _laid(model, inputs, "", made, found)
    found.theirs = tf_keras.Model(
        inputs, [tf_keras.layers.Activation("linear", name=f"end_{i}")(t) for i, t in enumerate(outputs)]
    )
    _alike(found, probe or noise(model))
    return found


def noise(model: keras.Model, n: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    """Input tensors (n, ...) by name; whole numbers are 0 or 1, which every vocabulary has, free axes are 8 long."""
    rng = np.random.default_rng(seed)
    found = {}
    for tensor in model.inputs:
        shape = [tensor.shape[0] or n, *(side or 8 for side in tensor.shape[1:])]
        whole = not str(tensor.dtype).startswith(("float", "bfloat"))
        values = rng.integers(0, 2, shape) if whole else rng.standard_normal(shape)
        found[tensor.name] = values.astype(tensor.dtype)
    return found


def _input(tensor: Any) -> Any:
    return tf_keras.Input(batch_shape=tuple(tensor.shape), dtype=str(tensor.dtype), name=tensor.name)


def _laid(model: Any, inputs: Sequence[Any], prefix: str, made: dict[int, Any], found: Bridged) -> list[Any]:
    """Run the graph of a model, or of one inside it, on tf-keras tensors."""
    graph = getattr(model, "_functional", None) or model

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        label = f"{prefix}{operation.name}"
        if isinstance(operation, keras.Model):
            if not hasattr(getattr(operation, "_functional", None) or operation, "_run_through_graph"):
                raise _refused(f'{type(operation).__name__} "{label}"', "a functional model in its place")
            outputs = _laid(operation, tf.nest.flatten(args[0]), f"{label}.", made, found)
            return outputs if len(outputs) > 1 else outputs[0]
        try:
            if id(operation) not in made:
                made[id(operation)] = _layer(operation, label)
            layer = made[id(operation)]
            outputs = layer(*args, **{k: v for k, v in kwargs.items() if v is not None})
            if layer.name not in found.layers:
                found.layers[layer.name] = operation
                found.pairs += _copied(operation, layer)
        except Refused:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise _refused(f'{type(operation).__name__} "{label}": {said}', "another layer in its place") from error
        return outputs

    return tf.nest.flatten(graph._run_through_graph(list(inputs), operation_fn=lambda op: op, call_fn=call))


def _layer(ours: Any, name: str) -> Any:
    policy = getattr(ours, "dtype_policy", None)
    if policy is not None and policy.name not in ("float32", "int32", "int64", "uint8", "bool", "string"):
        raise _refused(f'{type(ours).__name__} "{name}" in {policy.name}', "a float32 checkpoint")
    return _rebuilt(ours, name) or Carried(ours, name)


def _rebuilt(ours: Any, name: str) -> Any:
    """The tf-keras layer of the same class and arguments, or None where there is none."""
    kind = type(ours).__name__
    known = getattr(tf_keras.layers, kind, None)
    if known is None or getattr(keras.layers, kind, None) is not type(ours) or kind in _CARRIED:
        return None
    if kind in _WRAPPERS:
        return _wrapper(ours, known, kind, name)
    config, defaults = ours.get_config(), _arguments(type(ours))
    taken = _arguments(known)
    arguments: dict[str, Any] = {"name": name, "trainable": ours.trainable}
    for key, value in config.items():
        if key in ("name", "trainable", "dtype", "build_config") or key.endswith(_OBJECTS):
            continue  # what weights begin as and are punished for is the training's that was; this one has its own
        word = _RENAMED.get(kind, {}).get(key, key)
        if key.endswith("activation") and value is not None:
            value = getattr(ours, key)  # Keras 3's own function: names do not mean the same everywhere
        if word in taken:
            arguments[word] = value
        elif value is not None and value != defaults.get(key, value):
            return None
    return known(**arguments)


def _wrapper(ours: Any, known: Any, kind: str, name: str) -> Any:
    parts = [_rebuilt(getattr(ours, part), getattr(ours, part).name) for part in _WRAPPERS[kind]]
    if None in parts:
        return None
    if kind == "Bidirectional":
        return known(parts[0], merge_mode=ours.merge_mode, backward_layer=parts[1], name=name)
    return known(parts[0], name=name)


def _arguments(kind: type) -> dict[str, Any]:
    """Arguments of a class and of those that it hands the rest to, with their defaults."""
    found: dict[str, Any] = {}
    for one in kind.__mro__:
        if one.__name__ in ("Layer", "Operation", "object", "Module") or "__init__" not in vars(one):
            continue
        parameters = inspect.signature(vars(one)["__init__"]).parameters.values()
        for parameter in parameters:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                found.setdefault(parameter.name, parameter.default)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    found.pop("self", None)
    return found


def _copied(ours: Any, theirs: Any) -> list[tuple[Any, Any]]:
    if isinstance(theirs, Carried):
        return theirs.pairs()
    mine, other = list(getattr(ours, "weights", ())), list(theirs.weights)
    if [tuple(w.shape) for w in mine] != [tuple(w.shape) for w in other]:
        raise ValueError(f"its weights are {[tuple(w.shape) for w in mine]}, not {[tuple(w.shape) for w in other]}")
    for one, two in zip(mine, other, strict=True):
        two.assign(one.numpy())
    return list(zip(mine, other, strict=True))


def _alike(found: Bridged, probe: Mapping[str, np.ndarray]) -> None:
    """Hold both sides to the same answers; where they differ, name the first layer that does.

    Raises:
        Refused: they differ.
    """
    feeds = [tf.constant(probe[tensor.name][:4]) for tensor in found.ours.inputs]
    run: Callable[[Any], list[np.ndarray]] = lambda model: [  # noqa: E731
        np.asarray(t) for t in tf.nest.flatten(model(feeds if len(feeds) > 1 else feeds[0], training=False))
    ]
    if all(difference(a, b) <= LIMIT for a, b in zip(run(found.ours), run(found.theirs), strict=True)):
        return
    for name, ours in found.layers.items():
        if not isinstance(ours, keras.layers.Layer) or len(ours._inbound_nodes) != 1 or "." in name:
            continue
        a = run(keras.Model(found.ours.inputs, ours.output))
        b = run(tf_keras.Model(found.theirs.inputs, found.theirs.get_layer(name).output))
        if any(difference(x, y) > LIMIT for x, y in zip(a, b, strict=True)):
            raise _refused(f'{type(ours).__name__} "{name}", which gives other numbers there', "report this")
    raise _refused("a model that gives other numbers there", "report this")


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference relative to the largest value; infinite where shapes differ."""
    if one.shape != other.shape:
        return float("inf")
    largest = float(np.abs(one.astype(np.float64)).max(initial=0))
    return float(np.abs(one.astype(np.float64) - other).max(initial=0)) / (largest or 1.0)


def _refused(received: str, fix: str) -> Refused:
    return Refused("compress: tf-keras must be able to hold every layer of the model.", received=received, fix=fix)
