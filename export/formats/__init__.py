"""Formats: one module each, found by listing the folder; the module's name is the format's."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.contract import Contract
from edgeproof.errors import Refused, nearest

if TYPE_CHECKING:
    from export.quantize.integers import Integers
    from export.source import Source


@dataclass(frozen=True)
class Made:
    """What a conversion tells besides its file: how it quantized, and what is worth reporting."""

    quantization: dict[str, Any]
    notes: dict[str, Any]


@dataclass(frozen=True)
class Look:
    """What a file says when it is read back: its precision, operators of another one, operators, contract.

    `bytes` is what it takes on the device, where that is not the size of the file.
    """

    precision: str
    floats: tuple[str, ...]
    operators: Mapping[str, int]
    contract: Contract | None
    bytes: int | None = None


@dataclass(frozen=True)
class Format:
    """One format. The functions run in a child process.

    Attributes:
        title: for people.
        precisions: those it can have, cheapest to make first.
        suffix: of the artifact's name after the precision, as in `lenet5.int8` + `.tflite`.
        runtimes: kernels that an artifact is verified on; all must agree with the checkpoint.
        needs_tensorflow: its runtime is TensorFlow itself.
        convert: (source, precision, destination) -> Made; writes the bare file or folder.
        embed: (path, contract) puts the contract into it.
        look: (path) reads it back.
        session: (path, runtime) -> function from one batch of named tensors to named outputs, and its batch
            size (0: any).
        integers: what makes its files of integers, where it has such.
        flash: what the bytes of a bare model take on the device, where that is not the finished file's size.
    """

    title: str
    precisions: tuple[str, ...]
    suffix: str
    runtimes: tuple[str, ...]
    convert: Callable[[Source, str, Path], Made]
    embed: Callable[[Path, Contract], None]
    look: Callable[[Path], Look]
    session: Callable[[Path, str], Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]]
    needs_tensorflow: bool = False
    integers: type[Integers] | None = None
    flash: Callable[[bytes], int] | None = None


def names() -> list[str]:
    """All formats."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem != "__init__")


def load(name: str) -> Format:
    """The format called `name`."""
    found = importlib.import_module(f"export.formats.{name}").FORMAT
    assert isinstance(found, Format)
    return found


def parse(texts: list[str]) -> list[tuple[str, str]]:
    """`["tflite:int8", "onnx"]` as (format, precision) pairs; a format alone means all its precisions, none means all.

    Raises:
        Refused: an unknown format or precision.
    """
    pairs: list[tuple[str, str]] = []
    for text in texts or names():
        name, colon, precision = text.partition(":")
        if name not in names():
            raise Refused(
                "export: --to takes formats that Edgeproof writes.", received=text, fix=nearest(name, names())
            )
        known = load(name).precisions
        if colon and precision not in known:
            raise Refused(f"export: {name} has no such precision.", received=text, fix=nearest(precision, known))
        pairs += [(name, p) for p in ((precision,) if colon else known)]
    return list(dict.fromkeys(pairs))
