"""From a Keras model over time to its step model: the graph is walked once, each layer by its own rule."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import keras

from edgeproof.contract import Emission, State, Stream
from edgeproof.errors import Refused

MOST_FRAMES = 256  # of one step; strides whose product is larger make a model that answers too seldom to be a stream


@dataclass(frozen=True)
class Frames:
    """A tensor of the step model.

    Attributes:
        value: (batch, frames, ...) while there is time, (batch, ...) where it is gone.
        frames: how many of the whole sequence's frames a step brings; 0: time is gone, and the value is the one that
            the whole model gives for the sequence so far.
        delay: how many steps pass before the first frame (or value) of the whole model's.
        time: frames of the whole model's tensor, None where its input may be of any length.
        constant: it is the same in every step, made of inputs that are: `frames` is 0.
    """

    value: Any
    frames: int
    delay: int = 0
    time: int | None = None
    constant: bool = False

    def but(self, value: Any) -> Frames:
        """Another tensor in the same time."""
        return Frames(value, self.frames, self.delay)


@dataclass(frozen=True)
class Step:
    """A step model.

    Attributes:
        model: inputs: the step's frames, then the states; outputs: those of the whole model, then the new states.
        stream: how they belong together.
    """

    model: keras.Model
    stream: Stream


class _Uneven(Exception):
    """A stride meets fewer frames than it is long; the step must bring `factor` times as many."""

    def __init__(self, factor: int) -> None:
        self.factor = factor


@dataclass
class Walk:
    """What grows while the graph is walked.

    Attributes:
        hop: frames of the model's inputs that one step takes.
        time: of the model's inputs, None where it is free.
        states: so far, in the order of the graph.
        inputs, outputs: their tensors.
        copies, cells: layers of the step model and steps of recurrent ones, by the layer they were made from: one
            that is called twice keeps its weights once.
        keywords: of the call that a rule is asked to step.
        longest: the most steps that what the layers remember has room for; 0: any number.
        places: by the most steps, which of them are behind (`export.streaming.places`).
    """

    hop: int
    time: int | None = None
    states: list[State] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    copies: dict[int, Any] = field(default_factory=dict)
    cells: dict[int, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    longest: int = 0
    places: dict[int, Any] = field(default_factory=dict)

    def state(
        self, name: str, like: Any, initial: float = 0.0, delay: int = 0, shape: Any = None, dtype: str = ""
    ) -> tuple[Any, str]:
        """A new state shaped and typed `like` a tensor, or of another `shape` without the batch; its unique name."""
        taken = {state.input for state in self.states}
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        tensor = keras.Input(tuple(shape or like.shape[1:]), dtype=dtype or like.dtype, name=unique)
        self.states.append(State(unique, f"{unique}.next", initial, delay))
        self.inputs.append(tensor)
        self.outputs.append(None)
        return tensor, unique

    def keep(self, name: str, value: Any) -> None:
        """The new value of a state."""
        index = next(i for i, state in enumerate(self.states) if state.input == name)
        self.outputs[index] = keras.layers.Identity(name=f"{name}.next")(value)

    def complete(self, layer: Any, entry: Frames) -> None:
        """Refuse to end a sequence whose last frames a stream would still hold back when its input ends."""
        if entry.time is None or self.time is None or not entry.frames:
            return
        sent = entry.frames * (self.time // self.hop - entry.delay)
        if sent != entry.time:
            raise refuse(
                layer,
                f"of {entry.time} frames a stream in steps of {self.hop} has sent {sent} when {self.time} time steps "
                "are over",
                "padding='causal' before strides, and a number of time steps that the strides divide",
            )

    def copy(self, layer: Any, **changes: Any) -> Any:
        """The layer of the step model that is this one, with its weights; `changes` are to its configuration."""
        if id(layer) not in self.copies:
            self.copies[id(layer)] = type(layer).from_config({**layer.get_config(), **changes})
        return self.copies[id(layer)]

    def call(self, layer: Any, *tensors: Any, **changes: Any) -> Any:
        """Call the copy of a layer, and give it the weights."""
        copied = self.copy(layer, **changes)
        result = copied(*tensors)
        copied.set_weights(layer.get_weights())
        return result


Rule = Callable[[Walk, Any, Sequence[Frames]], Frames]


def step_model(model: keras.Model, constants: Collection[str] = ()) -> Step:
    """The step model of a functional or Sequential model whose inputs are (batch, time, ...).

    The copy has its own layers with the same weights; `model` is left as it is.

    Args:
        constants: inputs that are no sequences, but the same in all steps.

    Raises:
        Refused: a layer needs more than the past, or the model is a subclass without a graph.
    """
    hop = 1
    while True:
        try:
            return _walked(model, hop, constants)
        except _Uneven as uneven:
            hop *= uneven.factor
            if hop > MOST_FRAMES:
                raise Refused(
                    f"streaming: the strides over time may multiply to {MOST_FRAMES} at most.",
                    received=f"a step of {hop} frames",
                    fix="use smaller strides over time",
                ) from None


def _walked(model: keras.Model, hop: int, constants: Collection[str]) -> Step:
    if not getattr(model, "inputs", None):  # only a graph, or a Sequential model that knows its input, has them
        raise Refused(
            "streaming: the model must be functional or Sequential, so that its graph can be walked.",
            received=f"{type(model).__name__}, a subclass",
            fix="write it with keras.Input and keras.Model(inputs, outputs)",
        )
    moving = [tensor for tensor in model.inputs if tensor.name not in constants]
    times = {tensor.shape[1] for tensor in moving if len(tensor.shape) > 1}
    walk = Walk(hop, times.pop() if len(times) == 1 else None)
    found = {}
    for tensor in model.inputs:
        if tensor.name not in constants:
            found[id(tensor)] = Frames(_input(tensor, hop), hop, time=tensor.shape[1])
        else:
            same = keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
            found[id(tensor)] = Frames(same, 0, constant=True)
    inputs = [found[id(tensor)].value for tensor in model.inputs]
    ends = [_value(walk, tensor, found) for tensor in model.outputs]
    if not any(entry.frames for entry in found.values()):
        raise _no_time(model.inputs[0].name, model.inputs[0].shape)
    for end, operation in zip(ends, (t._keras_history[0] for t in model.outputs), strict=True):
        walk.complete(operation, end)
    outputs = [_named(end.value, name) for end, name in zip(ends, model.output_names, strict=True)]
    emissions = tuple(
        Emission(name, end.frames > 0, end.delay) for end, name in zip(ends, model.output_names, strict=True)
    )
    step = keras.Model([*inputs, *walk.inputs], [*outputs, *walk.outputs], name=f"{model.name}_step")
    same = tuple(tensor.name for tensor in model.inputs if tensor.name in constants)
    return Step(step, Stream(tuple(walk.states), emissions, hop, same, walk.longest))


def _input(tensor: Any, hop: int) -> Any:
    whole = str(tensor.dtype).startswith(("int", "uint"))
    if len(tensor.shape) < (2 if whole else 3):
        raise _no_time(tensor.name, tensor.shape)
    return keras.Input((hop, *tensor.shape[2:]), dtype=tensor.dtype, name=tensor.name)


def _no_time(name: str, shape: Any) -> Refused:
    return Refused(
        "streaming: every input must be a sequence, (batch, time, features) or whole numbers (batch, time).",
        received=f'"{name}" of shape {tuple(shape)}',
        fix="add an axis of features with keras.layers.Reshape outside the model, or export the whole model",
    )


def _value(walk: Walk, tensor: Any, found: dict[int, Frames]) -> Frames:
    """What a tensor of the whole model is in the step model."""
    stack = [tensor]
    while stack:  # not recursion: deep networks are deeper than Python's stack
        last = stack[-1]
        if id(last) in found:
            stack.pop()
            continue
        operation, index, _ = last._keras_history
        node = operation._inbound_nodes[index]
        missing = [t for t in node.input_tensors if id(t) not in found]
        if missing:
            stack += missing
            continue
        given = [found[id(t)] for t in node.input_tensors]
        result = _applied(walk, operation, node, given)
        outputs = node.output_tensors
        results = result if isinstance(result, list) else [result]
        found.update({id(t): _timed(r, t) for t, r in zip(outputs, results, strict=False)})
        if id(last) not in found:
            raise refuse(operation, "its states are used as tensors", "use its output, or export the whole model")
        stack.pop()
    return found[id(tensor)]


def _timed(entry: Frames, tensor: Any) -> Frames:
    return dataclasses.replace(entry, time=tensor.shape[1] if entry.frames and len(tensor.shape) > 1 else None)


def _applied(walk: Walk, operation: Any, node: Any, given: list[Frames]) -> Any:
    if isinstance(operation, keras.Model):
        found = {id(t): entry for t, entry in zip(operation.inputs, given, strict=True)}
        return [_value(walk, tensor, found) for tensor in operation.outputs]
    if not any(entry.frames for entry in given):
        late, same = max((entry.delay for entry in given), default=0), all(entry.constant for entry in given)
        return Frames(_plain(walk, operation, node, given), 0, late, constant=same)
    rule = rules().get(type(operation).__name__)
    if rule is None:
        raise refuse(operation, "it is not known to act on each time step by itself", "export the whole model")
    walk.keywords = node.arguments.kwargs
    return rule(walk, operation, given)


def _plain(walk: Walk, operation: Any, node: Any, given: list[Frames]) -> Any:
    """A layer behind the end of time, as it stands in the whole model."""
    tensors = {id(t): entry.value for t, entry in zip(node.input_tensors, given, strict=True)}
    arguments, keywords = keras.tree.map_structure(
        lambda value: tensors.get(id(value), value), (node.arguments.args, node.arguments.kwargs)
    )
    if not isinstance(operation, keras.layers.Layer):
        return operation(*arguments, **keywords)
    result = walk.copy(operation)(*arguments, **keywords)
    walk.copy(operation).set_weights(operation.get_weights())
    return result


def _named(value: Any, name: str) -> Any:
    operation = value._keras_history[0]
    return value if operation.name == name else keras.layers.Identity(name=name)(value)


def refuse(layer: Any, why: str, fix: str) -> Refused:
    """A layer that can't be stepped."""
    return Refused(
        "streaming: every layer must give each output from the time steps up to it.",
        received=f'{type(layer).__name__} "{layer.name}": {why}',
        fix=fix,
    )


def even(frames: int, stride: int) -> int:
    """Frames a step after a stride; asks for a longer step where they do not come out even."""
    if frames % stride:
        raise _Uneven(stride // math.gcd(frames, stride))
    return frames // stride


@cache
def rules() -> dict[str, Rule]:
    """Class name -> rule, from every module in `layers/`."""
    found: dict[str, Rule] = {}
    for file in sorted((Path(__file__).parent / "layers").glob("*.py")):
        if file.stem != "__init__":
            found |= importlib.import_module(f"export.streaming.layers.{file.stem}").RULES
    return found
