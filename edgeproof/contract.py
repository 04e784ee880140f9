"""The contract: what a deployed model is, as one JSON value that travels inside every file made from it."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from edgeproof import records
from edgeproof.errors import NewerContract, Refused

VERSION = 1
_LAYOUTS = {2: "NC", 3: "NTC", 4: "NHWC"}  # by rank
_LONGEST = 400  # of what a refusal quotes: words in a damaged contract can be of any length
KEY = "edgeproof.contract"  # the name under which every format carries it

# A field younger than version 1 is written only where it says something: older readers take the rest.
_YOUNGER = {"sparse": True}
DECODES = (
    "classify", "detect", "label", "transcribe", "write", "answer", "forecast", "reconstruct", "recommend", "values"
)  # fmt: skip
SCORES = ("logits", "probabilities")
PRECISIONS = ("f32", "f16", "int8-dynamic", "int8", "int16x8")


@dataclass(frozen=True)
class Tensor:
    """An input or output: `shape` has None on axes that are free (the batch)."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    layout: str = ""
    meaning: str = ""

    @classmethod
    def of(cls, name: str, shape: Iterable[int | None], dtype: str) -> Tensor:
        """A tensor of a Keras model, with the layout that its rank has there."""
        sides = tuple(shape)
        return cls(name, sides, dtype, _LAYOUTS.get(len(sides), ""))


@dataclass(frozen=True)
class State:
    """Memory that goes into a step as one end of the graph and comes out as another.

    Attributes:
        input, output: names of the two ends.
        initial: every value before the first step, as a real number; an integer end takes the nearest that it has.
        delay: steps at the start after which it is set back to `initial`: what flows then is not yet the sequence.
    """

    input: str
    output: str
    initial: float = 0.0
    delay: int = 0


@dataclass(frozen=True)
class Emission:
    """What an output of a step is of the whole model's output of that name.

    Attributes:
        output: its name.
        frames: True: the next frames of the sequence, along axis 1; False: what the whole model gives for the
            sequence so far, so that the one after the last step counts.
        delay: steps at the start whose output counts for nothing.
    """

    output: str
    frames: bool
    delay: int = 0


@dataclass(frozen=True)
class Stream:
    """A graph that takes a sequence in steps: inputs that are no states and no constants have `hop` of them on axis 1.

    Attributes:
        constants: inputs that are the same in every step of a sequence, such as what an encoder gives a decoder.
        longest: the most steps that a sequence may have; 0: any number.
        of: the graph of the checkpoint that it is a step of; "": the whole model.
    """

    states: tuple[State, ...]
    outputs: tuple[Emission, ...]
    hop: int = 1
    constants: tuple[str, ...] = field(default=(), metadata=_YOUNGER)
    longest: int = field(default=0, metadata=_YOUNGER)
    of: str = field(default="", metadata=_YOUNGER)

    def frames(self, inputs: Iterable[str]) -> list[str]:
        """Which of a step's inputs are the sequence."""
        others = {*self.constants, *(state.input for state in self.states)}
        return [name for name in inputs if name not in others]


@dataclass(frozen=True)
class Graph:
    """One function of the model, with its named ends; `stream` says that it is a step, and of what."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    stream: Stream | None = field(default=None, metadata=_YOUNGER)


@dataclass(frozen=True)
class Frontend:
    """How a raw sample becomes one input tensor.

    Attributes:
        input: the tensor's name.
        kind: what the raw sample is: "image" (file or uint8 pixels), "sound" (.wav file or int16 samples), "text" (a
            string, or a .txt file in UTF-8), "series" (.csv file or numbers by time step and column), "score" (.mid
            file or int8 MIDI notes by time step and voice) or "array" (numbers as the graph takes them).
        steps: `{"op": name, ...arguments}` in order; the operations are in `edgeproof.frontend`.
    """

    input: str
    kind: str = "array"
    steps: tuple[dict[str, Any], ...] = ()

    def stated(self, argument: str) -> Any:
        """The value of an argument in the first step that has it; None where none has."""
        return next((step[argument] for step in self.steps if argument in step), None)


@dataclass(frozen=True)
class Decode:
    """How an output becomes an answer.

    Attributes:
        kind: "classify" (largest wins), "detect" (one number; above the threshold the second label holds, else the
            first), "label" (largest wins at each time step), "transcribe" (a string: largest at each time step, runs
            made one and blanks taken out, see `edgeproof.ctc`), "write" (at each time step, which token of
            the first input comes next), "answer" (likewise of the last input, given the others: a text in answer to
            them), "forecast" (what comes next, standardised), "reconstruct" (the first input again, as a tensor),
            "recommend" (a score for each item; those that an input of the same shape holds already, or that a text
            names word by word, are left out) or "values" (the numbers themselves).
        output: the tensor that is read.
        scores: what the numbers are: "logits" (softmax gives probabilities) or "probabilities".
        threshold: of "detect".
        blank: of "transcribe", the class that spells nothing; it has its place among the labels.
        mean, deviation: of "forecast", a number a column: outputs times `deviation` plus `mean` are in their own units.
    """

    kind: str = "values"
    output: str = ""
    scores: str = "logits"
    threshold: float = field(default=0.0, metadata=_YOUNGER)
    blank: int = field(default=-1, metadata=_YOUNGER)
    mean: tuple[float, ...] = field(default=(), metadata=_YOUNGER)
    deviation: tuple[float, ...] = field(default=(), metadata=_YOUNGER)


@dataclass(frozen=True)
class Score:
    """What the checkpoint reached: on `n` samples of `data`/`split`, with a 95% interval of `value`."""

    metric: str
    value: float
    interval: tuple[float, float]
    n: int
    data: str
    split: str


@dataclass(frozen=True)
class Tolerance:
    """When an artifact counts as the same model. What is None is measured and reported, not judged.

    Attributes:
        relative: largest allowed difference of any output value, relative to the largest magnitude among the
            checkpoint's outputs.
        relative_l2: largest allowed ‖artifact - checkpoint‖ / ‖checkpoint‖.
        drop: largest allowed loss of score, in points (0.5 = half a percentage point).
        agreement: smallest allowed share of samples with the same decision.
    """

    relative: float | None = None
    relative_l2: float | None = None
    drop: float | None = None
    agreement: float | None = None


# f32: kernels that sum in another order; over all outputs that stays under 1e-5, while a single one of many, the
# remainder of large terms that cancel, can be off by some 1e-5 of the largest. f16: 11 bits of mantissa through a
# deep graph. Quantized forms are judged by what they decide and score; without labels closeness is left to judge.
DEFAULT_TOLERANCES: Mapping[str, Tolerance] = types.MappingProxyType(
    {
        "f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.05),
        "f16": Tolerance(relative=1e-2, drop=0.2),
        "int8-dynamic": Tolerance(relative_l2=0.25, drop=0.5, agreement=0.97),
        "int8": Tolerance(relative_l2=0.25, drop=0.5, agreement=0.97),
        "int16x8": Tolerance(relative_l2=0.05, drop=0.5, agreement=0.98),
    }
)


@dataclass(frozen=True)
class Provenance:
    """Where the numbers come from. Hashes are SHA-256 in hex; sample hashes keep their first 8 digits."""

    recipe: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    data_sha256: str = ""
    checkpoint_sha256: str = ""
    calibration: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Artifact:
    """What this very file holds: which graph, in which format and precision, quantized how, and proven by what.

    Attributes:
        proof: `payload`, the SHA-256 of the file with an empty contract in it; `samples`, on which it was compared with
            its checkpoint; `machine`; `figures`, found on each set of kernels there. None: it was not compared.
    """

    format: str
    precision: str
    graph: str
    quantization: dict[str, Any] = field(default_factory=dict)
    proof: dict[str, Any] | None = field(default=None, metadata=_YOUNGER)


@dataclass(frozen=True)
class Contract:
    """What a deployed model is. See the module's docstring and `docs/contract.md`."""

    name: str
    graphs: tuple[Graph, ...]
    title: str = ""
    frontends: tuple[Frontend, ...] = ()
    decode: Decode = Decode()
    labels: tuple[str, ...] = ()
    score: Score | None = None
    tolerances: dict[str, Tolerance] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    provenance: Provenance = Provenance()
    artifact: Artifact | None = None
    version: int = VERSION

    KEY: ClassVar[str] = KEY

    def of(self, name: str) -> Contract:
        """The contract of one graph alone: that graph first, and only what is so of it.

        A graph without the output that is decoded, or without the input that is to be reconstructed, has no labels and
        no score, and its outputs are values.

        Raises:
            KeyError: there is no such graph.
        """
        graph = self.graph(name)
        graphs = (graph, *(other for other in self.graphs if other.name != name))
        ends = {tensor.name for tensor in graph.inputs}
        own = replace(self, graphs=graphs, frontends=tuple(f for f in self.frontends if f.input in ends))
        judged = self.decode.kind != "reconstruct" or self.graphs[0].inputs[0].name in ends
        if judged and self.decode.output in {tensor.name for tensor in graph.outputs}:
            return own
        return replace(own, decode=Decode(), labels=(), score=None)

    def graph(self, name: str = "") -> Graph:
        """The graph called `name`; without a name, the one this artifact holds, or the only one."""
        name = name or (self.artifact.graph if self.artifact else "") or self.graphs[0].name
        for graph in self.graphs:
            if graph.name == name:
                return graph
        raise KeyError(name)

    def frontend(self, tensor: str) -> Frontend:
        """The frontend of an input; one that the contract does not mention takes arrays as they are."""
        for frontend in self.frontends:
            if frontend.input == tensor:
                return frontend
        return Frontend(tensor)

    def tolerance(self, precision: str) -> Tolerance:
        """The tolerance that the contract states for a precision, or the default one."""
        return self.tolerances.get(precision) or DEFAULT_TOLERANCES[precision]

    def to_json(self, *, indent: int | None = None) -> str:
        """Canonical JSON: sorted keys, no white space unless `indent` asks for it."""
        separators = None if indent else (",", ":")
        return json.dumps(records.plain(self), sort_keys=True, indent=indent, separators=separators, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str = "contract") -> Contract:
        """Read a contract.

        Args:
            text: JSON, UTF-8.
            source: the file's name, for messages.

        Raises:
            NewerContract: written by a newer version of Edgeproof.
            Refused: not a contract: broken JSON, a missing or unknown field, a value of the wrong type.
        """
        try:
            value = records.parsed(text)
        except ValueError as error:
            raise _broken(source, f"text that is not JSON ({error})") from error
        if not isinstance(value, dict):
            raise _broken(source, f"a JSON {type(value).__name__}, not an object")
        version = value.get("version")
        if type(version) is int and version > VERSION:
            raise NewerContract(
                f"contract: this Edgeproof reads contracts up to version {VERSION}.",
                received=f"version {version} in {source}",
                fix="install a newer edgeproof, or export the file again with this one",
            )
        if version != VERSION:
            raise _broken(source, f"version {version!r}")
        try:
            contract = records.built(cls, value)
        except ValueError as error:
            raise _broken(source, str(error)) from error
        if not contract.graphs:
            raise _broken(source, "no graph")
        held = contract.artifact.graph if contract.artifact else contract.graphs[0].name
        if held not in {graph.name for graph in contract.graphs}:
            raise _broken(source, f"an artifact of graph {held!r}, which it does not describe")
        for graph in contract.graphs:
            if wrong := _unstreamable(graph):
                raise _broken(source, f"a graph {graph.name!r} whose stream has {wrong}")
        if contract.decode.kind not in DECODES or contract.decode.scores not in SCORES:
            raise _broken(source, f"outputs decoded as {contract.decode.kind}, {contract.decode.scores}")
        if wrong := _unscalable(contract) or _unspellable(contract):
            raise _broken(source, wrong)
        return contract


def sample_hashes(samples: np.ndarray) -> tuple[str, ...]:
    """The identity of each raw sample: the first 8 hex digits of the SHA-256 of its dtype, shape and bytes.

    A text is its UTF-8 bytes, however long the longest one of its array is.
    """
    if samples.dtype.kind == "U":
        return tuple(hashlib.sha256(str(sample).encode()).hexdigest()[:8] for sample in samples.ravel())
    head = f"{samples.dtype.str}{samples.shape[1:]}".encode()
    return tuple(hashlib.sha256(head + np.ascontiguousarray(sample).tobytes()).hexdigest()[:8] for sample in samples)


def _unstreamable(graph: Graph) -> str:
    """What is wrong with a graph's stream, or ""."""
    stream = graph.stream
    if stream is None:
        return ""
    inputs, outputs = {t.name: t for t in graph.inputs}, {t.name: t for t in graph.outputs}
    for state in stream.states:
        if state.input not in inputs or state.output not in outputs:
            return f"a state from {state.output!r} to {state.input!r}, which the graph has not"
        if inputs[state.input].shape != outputs[state.output].shape:
            return f"a state {state.input!r} of two shapes"
    ends = [state.input for state in stream.states], [state.output for state in stream.states]
    taken = [*ends[1], *(emission.output for emission in stream.outputs)]
    if len(set(ends[0])) < len(ends[0]) or sorted(taken) != sorted(outputs):
        return "ends that are not each used once"
    delays = [state.delay for state in stream.states] + [emission.delay for emission in stream.outputs]
    if stream.hop < 1 or stream.longest < 0 or min(delays, default=0) < 0:
        return "a hop, delay or length that no step has"
    given = [*ends[0], *stream.constants]
    if len(set(given)) < len(given) or not set(given) < set(inputs):
        return "constants that are no inputs of their own beside a sequence"
    return ""


def _unscalable(contract: Contract) -> str:
    """What is wrong with the units of a forecast, or ""."""
    mean, deviation = contract.decode.mean, contract.decode.deviation
    if len(mean) != len(deviation) or min(deviation, default=1.0) <= 0:
        return f"{len(mean)} means and {len(deviation)} deviations, which must be positive, of a forecast"
    shapes = {t.name: t.shape for graph in contract.graphs for t in graph.outputs}
    columns = shapes.get(contract.decode.output, (None,))[-1:]
    if mean and columns not in ((None,), (len(mean),)):
        return f"{len(mean)} means of a forecast of {columns[0]} columns"
    return ""


def _unspellable(contract: Contract) -> str:
    """What is wrong with the blank of a transcription, or ""."""
    shapes = {t.name: t.shape for graph in contract.graphs for t in graph.outputs}
    if contract.decode.kind != "transcribe" or contract.decode.output not in shapes:
        return ""
    classes = shapes[contract.decode.output][-1] if shapes[contract.decode.output] else 0
    blank = contract.decode.blank
    return f"a blank {blank}, which is no class of {classes}" if blank < 0 or blank >= (classes or blank + 1) else ""


def _broken(source: str, received: str) -> Refused:
    return Refused(
        f"contract: {source} must carry a whole contract of version {VERSION}.",
        received=received if len(received) <= _LONGEST else received[:_LONGEST] + "...",
        fix="export the file again; a contract is not meant to be edited by hand",
    )
