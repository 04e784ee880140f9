"""What a model file is, as its own bytes say it: tensors, operators, ends, metadata, and from them its precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeproof.contract import Contract

Metadata = dict[str, bytes]
Signatures = dict[str, dict[str, dict[str, int]]]


@dataclass(frozen=True)
class TensorInfo:
    """One tensor.

    Attributes:
        shape: None on axes that are free; () also where the file does not give a rank.
        dtype: numpy's name where numpy has one, else the format's own ("bfloat16", "int4", "string").
        bytes: what is stored of a constant; else what one sample takes, free axes counted as 1.
        scale: empty when not quantized, one value per tensor, or one per channel of `axis`.
        zero_point: as many as `scale`.
        buffer: constants with the same number share their stored bytes; -1 for what is not constant.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    constant: bool
    bytes: int
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int | None = None
    buffer: int = -1


@dataclass(frozen=True)
class Operator:
    """One operator; `inputs` and `outputs` are indices into the tensors, -1 for an optional one that is left out."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    custom: bool
    version: int


@dataclass(frozen=True)
class Body:
    """A graph other than the main one: a branch or loop body, or the graph of another signature."""

    tensors: tuple[TensorInfo, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True)
class Summary:
    """One model file.

    Attributes:
        format: "tflite" or "onnx".
        bytes: the file's size.
        producer: who wrote it, by its own account.
        schema: the format's version, in words.
        tensors: those of the main graph, as `operators`, `inputs` and `outputs` are.
        signatures: TFLite's named ends of the main graph: key -> "inputs" or "outputs" -> name -> tensor.
        subgraphs: how many graphs there are, the main one and all that nest in it or lie beside it.
        aligned: whether every non-empty buffer of a TFLite file starts on a multiple of 16 bytes, so that a device can
            use it in place.
        bodies: the graphs other than the main one.
        source: the file's name, for messages.
    """

    format: str
    bytes: int
    producer: str
    schema: str
    tensors: tuple[TensorInfo, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    metadata: Metadata = field(default_factory=dict)
    signatures: Signatures = field(default_factory=dict)
    subgraphs: int = 1
    aligned: bool = True
    bodies: tuple[Body, ...] = ()
    source: str = field(default="", compare=False)

    @property
    def contract(self) -> Contract | None:
        """The contract that the file carries.

        Raises:
            Refused: it carries one that is broken, or newer than this Edgeproof.
        """
        from edgeproof import contract  # here, for it imports numpy and most callers ask only what the file is

        text = self.metadata.get(contract.KEY)
        return None if text is None else contract.Contract.from_json(text, source=self.source or "the file")

    @property
    def graphs(self) -> Iterator[tuple[tuple[TensorInfo, ...], tuple[Operator, ...]]]:
        """Tensors and operators of every graph, the main one first."""
        yield self.tensors, self.operators
        for body in self.bodies:
            yield body.tensors, body.operators

    @property
    def weight_bytes(self) -> int:
        """Bytes of constants in all graphs; what several tensors share is counted once."""
        stored = {t.buffer: t.bytes for tensors, _ in self.graphs for t in tensors if t.constant}
        return sum(stored.values())

    @property
    def operator_counts(self) -> dict[str, int]:
        """How often the main graph uses each operator, by name."""
        return dict(sorted(Counter(operator.name for operator in self.operators).items()))
