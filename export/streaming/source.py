"""The step model as something to convert: with states to calibrate on, and a contract that says how to step."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from edgeproof import answering, metrics
from edgeproof.backends import Port
from edgeproof.contract import Contract, Graph, Tensor
from edgeproof.decode.answers import wanted
from edgeproof.stream import Stream
from export.arrays import Arrays
from export.source import Source, compiled
from export.streaming.layers.running import LOWEST
from export.streaming.walk import Step, step_model

GRAPH, WHOLE = "step", "main"
LONG = 1000  # steps without a reset that calibration also sees
_MOST = 1200  # samples of a step; each is one frame, and neighbours are alike


def step_source(whole: Source, contract: Contract | None = None) -> Source:
    """The step model of a checkpoint, calibrated by stepping through its calibration sequences.

    Args:
        contract: of the checkpoint or of its step, where something is known of it.

    Raises:
        Refused: a layer that can't be stepped.
    """
    if "step" not in whole.cache:
        step = step_model(whole.model, constants_of(contract) if contract else ())
        whole.cache["step"] = found = whole.with_model(step.model)
        found.states = {state.input: state.output for state in step.stream.states}
        found.cache["step"] = step
    found = whole.cache["step"]
    if found.cache.get("calibrated on") is not whole.calibration:
        given = whole.calibration
        counted = _counted(contract, given) if contract and given else None
        found.calibrate(samples(found.cache["step"], given, counted) if given else {})
        found.cache["calibrated on"] = whole.calibration
    return found


def constants_of(contract: Contract) -> tuple[str, ...]:
    """Inputs of a contract's graph that stay the same from step to step: for what writes an answer, all it answers."""
    written, stream = answering.writes(contract), contract.graph().stream
    if stream:
        return stream.constants
    return tuple(t.name for t in contract.graph().inputs if t.name != written) if written else ()


def _counted(contract: Contract, sequences: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Which steps of sequences count for anything, (n, steps): of an answer those up to its end. None: all."""
    written = answering.writes(contract)
    return ~metrics.behind_end(wanted(sequences[written])) if written else None


def graph(step: Step, of: str = WHOLE) -> Graph:
    """What the contract says of the step.

    Args:
        of: the graph that it is a step of.
    """
    model = step.model
    inputs = tuple(Tensor.of(t.name, t.shape, str(t.dtype)) for t in model.inputs)
    ends = zip(model.output_names, model.outputs, strict=True)
    outputs = tuple(Tensor.of(name, t.shape, str(t.dtype)) for name, t in ends)
    if of == WHOLE:
        return Graph(GRAPH, inputs, outputs, step.stream)
    return Graph(f"{of}.{GRAPH}", inputs, outputs, dataclasses.replace(step.stream, of=of))


def streaming(contract: Contract, step: Graph) -> Contract:
    """The contract of a checkpoint's step files; the whole model's graph is left out, for a device's flash is small."""
    return dataclasses.replace(contract, graphs=(step,))


def samples(step: Step, sequences: Mapping[str, np.ndarray], counted: np.ndarray | None = None) -> Arrays:
    """Samples of a step, (n, ...) by input: frames with the states that stepping through sequences brings to them.

    The sequences (n, time, ...) are taken once each from the start, and once one after another for `LONG` steps, as a
    stream that is never reset takes them; where they can't be joined, the first is all.

    Args:
        counted: of sequences that can't be joined the steps that are taken, (n, steps); None: all. Others would make
            ranges wider, or seem more important than they are.
    """
    each = trace(step, sequences)
    if not endless(step):
        taken = np.arange(len(next(iter(each.values())))) if counted is None else np.flatnonzero(counted.T)
        some = np.random.default_rng(0).permutation(taken)[:_MOST]
        return {name: values[some] for name, values in each.items()}
    long = trace(step, joined(step, sequences, rows=4))
    parts = [(each, 3 * _MOST // 4), (long, _MOST // 4)]
    picks = [np.random.default_rng(0).permutation(len(next(iter(part.values()))))[:most] for part, most in parts]
    return {name: np.concatenate([p[name][at] for (p, _), at in zip(parts, picks, strict=True)]) for name in each}


def endless(step: Step) -> bool:
    """One sequence may follow another without a reset."""
    return not step.stream.constants and not step.stream.longest


def proving(step: Step, sequences: Mapping[str, np.ndarray]) -> Arrays:
    """What steps are proven on: sequences joined to one, or, where they can't be, so many as have `LONG` steps."""
    if endless(step):
        return joined(step, sequences)
    steps = time_of(step, sequences) // step.stream.hop
    return {name: values[: -(-LONG // steps)] for name, values in sequences.items()}


def time_of(step: Step, sequences: Mapping[str, np.ndarray]) -> int:
    """Time steps of sequences (n, time, ...)."""
    return int(sequences[step.stream.frames([t.name for t in step.model.inputs])[0]].shape[1])


def joined(step: Step, sequences: Mapping[str, np.ndarray], rows: int = 1) -> Arrays:
    """Sequences (n, time, ...) end to end: at most `rows` of at least `LONG` steps each, repeated if they must be."""
    n, time = (next(iter(sequences.values())).shape[i] for i in (0, 1))
    a_row = -(-LONG * step.stream.hop // time)
    rows = max(1, min(rows, n // a_row))
    picked = np.arange(rows * a_row) % n
    length = a_row * time // step.stream.hop * step.stream.hop
    return {
        name: values[picked].reshape(rows, a_row * time, *values.shape[2:])[:, :length]
        for name, values in sequences.items()
    }


def stepped(step: Step, sequences: Mapping[str, np.ndarray]) -> tuple[Arrays, Arrays]:
    """Each step's outputs (n, steps, ...) for sequences (n, time, ...) by the float step model; and the whole."""
    end = Stream(_Keras(step), step.stream)
    end.reset(sequences)
    outputs = list(end.over(sequences))
    each = {e.output: np.stack([o[e.output] for o in outputs if e.output in o], axis=1) for e in step.stream.outputs}
    whole = {
        e.output: np.concatenate(np.moveaxis(each[e.output], 1, 0), axis=1) if e.frames else each[e.output][:, -1]
        for e in step.stream.outputs
    }
    return each, whole


def whole(model: keras.Model, step: Step, sequence: Mapping[str, np.ndarray]) -> Arrays:
    """The whole model's outputs for sequences (n, time, ...), of any length where they may follow each other."""
    free = model
    if endless(step):
        free = keras.models.clone_model(
            model,
            input_tensors=keras.tree.map_structure(
                lambda t: keras.Input((None, *t.shape[2:]), dtype=t.dtype, name=t.name), model.input
            ),
        )
        free.set_weights(model.get_weights())
    feeds = keras.tree.map_structure(lambda t: np.asarray(sequence[t.name]), model.input)
    results = keras.tree.flatten(free(feeds, training=False))
    return {name: np.asarray(value) for name, value in zip(model.output_names, results, strict=True)}


class _Keras:
    """The float step model as a session."""

    def __init__(self, step: Step) -> None:

        found = graph(step)
        self.inputs, self.outputs = (
            tuple(Port(end.name, end.shape, np.dtype(end.dtype)) for end in ends)
            for ends in (found.inputs, found.outputs)
        )
        self._call = compiled(step.model)

    def __call__(self, feeds: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [value.numpy() for value in self._call([np.asarray(feed) for feed in feeds])]

    def reset(self) -> None:
        """It keeps nothing: its states are ends."""


def trace(step: Step, sequences: Mapping[str, np.ndarray]) -> Arrays:
    """Every input of every step over sequences (n, time, ...), flattened to (n * steps, ...)."""
    stream = Stream(_Keras(step), step.stream)
    names = [tensor.name for tensor in step.model.inputs]
    seen: dict[str, list[np.ndarray]] = {name: [] for name in names}
    time, hop = time_of(step, sequences), step.stream.hop
    moving, same = step.stream.frames(names), {name: sequences[name] for name in step.stream.constants}
    stream.reset(sequences)
    for start in range(0, time - hop + 1, hop):
        frames = {name: sequences[name][:, start : start + hop] for name in moving}
        stream.begin(len(next(iter(frames.values()))))
        for name, value in (frames | same | stream.states).items():
            seen[name].append(value)
        stream.step(frames)
    found = {name: np.concatenate(values) for name, values in seen.items()}
    for state in step.stream.states:
        values = found[state.input]
        # A maximum before its first step is no value that a range should reach to.
        if state.initial <= LOWEST and (values > LOWEST).any():
            values[values <= LOWEST] = values[values > LOWEST].min()
    return found
