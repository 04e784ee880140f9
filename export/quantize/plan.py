"""What can be chosen when a model is quantized: data, as JSON can carry it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("min-max", "percentile", "mse", "entropy")
WIDTHS = {"int8": 8, "int16x8": 16}  # bits of activations, by the precisions that need calibration samples


@dataclass(frozen=True)
class Plan:
    """How to quantize.

    Attributes:
        width: bits of activations, 8 or 16; weights have 8 either way.
        calibration: how ranges of activations come from samples, one of METHODS; "" lets held-out samples choose.
        weight_bits: 8, or 7 for kernels that add two products in 16 bits and saturate (ONNX on CPUs without VNNI).
        per_channel: a scale for each output channel of a weight, instead of one for all.
        equalize: move scale between neighbouring layers first, so that the channels of a tensor are of a size; None:
            where they are not, and held-out samples like it better.
        correct_bias: take the mean error that quantized weights cause out of the bias; None: where held-out samples
            like it better.
        wide: Keras layers with 16-bit activations.
        floats: Keras layers left in float.
    """

    width: int = 8
    calibration: str = ""
    weight_bits: int = 8
    per_channel: bool = True
    equalize: bool | None = None
    correct_bias: bool | None = None
    wide: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON's own types."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Plan:
        """Back from `to_dict`."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
        return cls(**fields)

    def said(self) -> str:
        """In words, short enough for a table's cell."""
        words = [self.calibration or "chosen ranges", "" if self.per_channel else "per tensor"]
        words += [
            "7-bit weights" if self.weight_bits == 7 else "",
            "equalized" if self.equalize else "",
            "bias corrected" if self.correct_bias else "",
        ]
        for layers, kind in ((self.wide, "int16"), (self.floats, "float")):
            words += [f"{len(layers)} layer{'s' * (len(layers) > 1)} in {kind}" if layers else ""]
        return ", ".join(filter(None, words))


@dataclass(frozen=True)
class Budget:
    """What may be spent.

    Attributes:
        drop: points of the score, held to the unfavourable end of the 95% paired bootstrap interval; None: any.
        bytes: of the finished file; None: any.
        latency_ratio: of the median latency to the float file's on the same kernels; None: any.
    """

    drop: float | None = None
    bytes: int | None = None
    latency_ratio: float | None = None

    def __bool__(self) -> bool:
        """Something is limited."""
        return any(value is not None for value in dataclasses.astuple(self))

    def to_dict(self) -> dict[str, Any]:
        """As JSON's own types."""
        return dataclasses.asdict(self)


DEFAULT = Plan()
UNLIMITED = Budget()
