"""A loaded artifact: raw sample in, answer out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import answering, formats, frontend
from edgeproof.backends import Port, Session, check_feed
from edgeproof.contract import Contract, Decode, Frontend
from edgeproof.decode import Answer, answer
from edgeproof.decode.search import Manner, Tokens, rows_of
from edgeproof.decode.write import Taste
from edgeproof.errors import Refused
from edgeproof.frontend import text
from edgeproof.stream import Following, Stream, plan_of, required

# Operators of TensorFlow Lite that keep something from one run for the next.
_KEEPING = frozenset(
    {
        "BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN", "LSTM", "RNN", "SVDF",
        "UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN",
    }
)  # fmt: skip
_DEFAULT_KERNELS = {"tflite": "xnnpack", "onnx": "onnxruntime"}


@dataclass(frozen=True)
class Prediction:
    """An answer.

    Attributes:
        label: the winning class, or what was detected; "" when the outputs are values.
        probability: of that class; NaN where the outputs are no probabilities.
        ranking: (label, probability), largest first; empty where the outputs are no probabilities.
        outputs: the graph's outputs as real numbers, by name, without the batch axis; a forecast in its own units.
        steps: the label of each time step, where each has one.
        items: what is recommended, the first of it first.
    """

    label: str
    probability: float
    ranking: tuple[tuple[str, float], ...]
    outputs: Mapping[str, np.ndarray]
    steps: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


class Model:
    """A file that `load` has opened.

    Attributes:
        summary: what its bytes say.
        contract: what it says of itself, or None for a foreign file.
        session: the interpreter.
        inputs: what a sample is made of: the session's inputs, but for the states of a step file.
        kernels: the kernels it runs on.
    """

    def __init__(self, data: bytes, summary: formats.Summary, *, kernels: str = "", threads: int = 1) -> None:
        self.summary = summary
        self.contract: Contract | None = summary.contract
        self.kernels = kernels or _DEFAULT_KERNELS[summary.format]
        self.session = _session(data, summary, self.kernels, threads)
        self._decode = self.contract.decode if self.contract else Decode()
        self._keeps = not _KEEPING.isdisjoint(summary.operator_counts)
        self._stream = self.stream() if plan_of(self.contract) else None
        self.inputs = self._stream.inputs if self._stream else self.session.inputs

    def frontend(self, name: str) -> Frontend:
        """How raw samples become input `name`."""
        return self.contract.frontend(name) if self.contract else Frontend(name)

    def predict(self, sample: Any, manner: Manner | None = None) -> Prediction:
        """Answer for one raw sample.

        Args:
            sample: a path (picture, .wav, .txt or .npy), a text, an array (pixels as uint8, samples of sound as int16,
                or numbers as the graph takes them), a Pillow image, or a mapping from input names to these when there
                are several inputs.
            manner: of a model that answers, how its text is searched for; None: the likeliest token always. Of one that
                transcribes its beam counts alone; None: the best path.

        Raises:
            Refused: a sample that the contract's rules forbid.
        """
        written = answering.writes(self.contract)
        # A converter puts inputs in an order of its own.
        first = next(port.name for port in self.inputs if port.name != written)
        raw = sample if isinstance(sample, Mapping) else {first: sample}
        if not written or written in raw:
            feeds = self.feeds(raw, self.inputs)
            outputs, seen = ({name: v[0] for name, v in values.items()} for values in (self.infer(feeds), feeds))
            return self._answer(outputs, seen, manner.beam if manner else 1)
        assert self.contract is not None
        given = self.feeds(raw, [port for port in self.inputs if port.name != written])
        return answered(self.contract, self.following(given), manner)

    def following(self, given: Mapping[str, np.ndarray]) -> Callable[[list[Tokens]], np.ndarray]:
        """The logits (n, tokens) of the token after each of n answers begun, all of one length, for one sample.

        A step file is stepped; any other is run on all that is written so far.

        Args:
            given: the sample's tensors but what is written, (1, ...) by name.
        """
        assert self.contract is not None, "asked of models that answer"
        if self._stream:
            stepped = Following(self.stream(given), self.decoded)
            return lambda told: stepped([(text.PADDING, *tokens) for tokens in told])
        written, length = answering.writes(self.contract), answering.length(self.contract)

        def following(told: list[Tokens]) -> np.ndarray:
            rows = {name: np.repeat(value, len(told), axis=0) for name, value in given.items()}
            outputs = self.outputs({**rows, written: rows_of(told, length)})
            return np.asarray(self.decoded(outputs)[:, len(told[0])])

        return following

    def feeds(self, raw: Mapping[str, Any], ports: Sequence[Port]) -> dict[str, np.ndarray]:
        """Input tensors of these ports, each of a batch of one, from a raw sample.

        Raises:
            Refused: a sample that the contract's rules forbid, or none for a port.
        """
        missing = [port.name for port in ports if port.name not in raw]
        if missing:
            raise Refused(
                "input: every input of the graph must be given.",
                received=f"nothing for {', '.join(missing)}",
                fix="pass a mapping with an entry for each input",
            )
        feeds: dict[str, np.ndarray] = {}
        for port in ports:
            how = self.frontend(port.name)
            value = self.raw(raw[port.name], how)
            # An array in the graph's own quantized type is taken as it is.
            same = how.kind == "array" and value.dtype == port.dtype
            ready = frontend.apply(how, _batch(value, len(port.shape), how))
            # Whole numbers that mean themselves (tokens) would lose digits as float32.
            whole = port.dtype.kind in "iu" and not port.scale
            feeds[port.name] = ready if same or whole else np.asarray(ready, np.float32)
        return feeds

    def write(self, prompt: str, taste: Taste | None = None, *, seed: int = 0) -> Iterator[str]:
        """What comes after a text, piece by piece, without end: take as much as is wanted.

        A step file is stepped; any other is run on the last tokens that it can see.

        Args:
            prompt: the beginning, which is not given back.
            taste: how the next token is drawn.
            seed: of the draws; the same one writes the same.

        Raises:
            Refused: a file of a model that does not write, or an empty prompt.
        """
        from edgeproof import writing  # seldom needed

        return writing.texts(self, prompt, taste, seed)

    def compose(self, beginning: Any, taste: Taste | None = None, *, seed: int = 0) -> Iterator[np.ndarray]:
        """What comes after the beginning of a score, time step by time step, without end: the note of each voice as
        MIDI numbers them, -1 for a rest, (voices,) int8.

        Args:
            beginning: a .mid file's path, or notes (time, voices) int8, which are not given back.
            taste, seed: as of `write`.

        Raises:
            Refused: a file of a model that does not write scores, or a beginning that is none.
        """
        from edgeproof import writing  # seldom needed

        return writing.scores(self, beginning, taste, seed)

    @property
    def steps(self) -> bool:
        """Whether the file holds a step, which takes a sequence piece by piece."""
        return self._stream is not None

    def stream(self, constants: Mapping[str, np.ndarray] | None = None) -> Stream:
        """A new sequence on its way through a step file.

        Args:
            constants: what is the same in all its steps, (batch, ...) by input name, where the file asks for such.

        Raises:
            Refused: the file holds no step.
        """
        found = Stream(self.session, required(self.contract))
        found.reset(constants)
        return found

    def infer(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs as real numbers for input tensors as real numbers (or in the graph's own type): one run.

        A step file takes whole sequences here, (batch, time, ...), and steps through them from the start.
        """
        if self._stream:
            return self._stream(feeds)
        ready = []
        for port in self.session.inputs:
            value = feeds[port.name]
            check_feed(port, value)
            own = value.dtype == port.dtype
            ready.append(np.ascontiguousarray(value) if own else port.encode(value))
        if self._keeps:  # one sample must not be answered by what came before it
            self.session.reset()
        results = self.session(ready)
        return {p.name: p.decode(r) for p, r in zip(self.session.outputs, results, strict=True)}

    def outputs(self, tensors: Mapping[str, np.ndarray], *, batch: int = 256) -> dict[str, np.ndarray]:
        """Outputs for many samples, (n, ...) each: in batches where the graph's batch axis is free, else singly."""
        free = all(port.shape and port.shape[0] is None for port in self.inputs)
        size = batch if free else 1
        return batched(self.infer, tensors, size)

    def decoded(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Of a graph's outputs the one that the contract decodes.

        Raises:
            Refused: the graph has no such output.
        """
        name = self._decode.output
        if name not in outputs:
            raise Refused(
                "decode: the contract must decode an output that the graph has.",
                received=f'"{name}"; the graph has {", ".join(outputs)}',
                fix="export the file again; a contract is not meant to be edited by hand",
            )
        return outputs[name]

    def raw(self, value: Any, how: Frontend) -> np.ndarray:
        """One raw sample of an input, as `predict` takes it, read.

        Raises:
            Refused: as `edgeproof.frontend.files.read`.
        """
        if isinstance(value, (str, os.PathLike)):
            from edgeproof.frontend import files

            if how.kind == "text" and isinstance(value, str):
                return files.typed_text(value, how)
            return files.read(Path(value), how)
        if type(value).__module__.startswith("PIL."):  # as an array it could be indices into a palette
            from edgeproof.frontend import files

            return files.pixels(value, "the picture")
        return np.asarray(value)

    def _answer(self, outputs: dict[str, np.ndarray], inputs: Mapping[str, np.ndarray], beam: int) -> Prediction:
        labels: Sequence[str] = self.contract.labels if self.contract else ()
        named = self._decode.output
        found = answer(self.decoded(outputs), self._decode, labels, inputs, beam=beam) if named else Answer()
        if found.values is not None:
            outputs = {**outputs, self._decode.output: found.values}
        return Prediction(found.label, found.probability, found.ranking, outputs, found.steps, found.items)


def answered(contract: Contract, following: Callable[[list[Tokens]], np.ndarray], manner: Manner | None) -> Prediction:
    """A text in answer, with the beam's others as runners-up (`edgeproof.answering.answers`)."""
    found = answering.answers(contract, following, manner or Manner())
    return Prediction(*found[0], tuple(found), {})


def batched(
    run: Callable[[dict[str, np.ndarray]], Mapping[str, np.ndarray]], tensors: Mapping[str, np.ndarray], size: int
) -> dict[str, np.ndarray]:
    """The outputs of `run` for (n, ...) tensors, given to it `size` samples at a time."""
    n = len(next(iter(tensors.values())))
    parts = [run({k: v[i : i + size] for k, v in tensors.items()}) for i in range(0, n, size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def load(path: str | os.PathLike[str], *, kernels: str = "", threads: int = 1) -> Model:
    """Open a .tflite or .onnx file; for a folder of parts see `edgeproof.system.load`.

    Args:
        path: the file.
        kernels: for TFLite "xnnpack" (default), "builtin" or "reference"; for ONNX "onnxruntime".
        threads: threads of one invocation.

    Raises:
        Refused: not such a file, or one that the interpreter does not take.
    """
    data = formats.read_file(path)
    return Model(data, formats.read_bytes(data, str(path)), kernels=kernels, threads=threads)


def _session(data: bytes, summary: formats.Summary, kernels: str, threads: int) -> Session:
    if summary.format == "tflite":
        from edgeproof.backends.tflite import TFLiteSession

        return TFLiteSession(data, summary, kernels=kernels, threads=threads)
    from edgeproof.backends.onnx import ONNXSession

    return ONNXSession(data, summary, kernels=kernels, threads=threads)


def _batch(value: np.ndarray, rank: int, how: Frontend) -> np.ndarray:
    """Add the batch axis to a single sample; an array that has it already keeps it."""
    if how.kind != "array" or value.ndim == rank - 1:
        return value[None]
    return value
