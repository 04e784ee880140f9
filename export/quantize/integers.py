"""What every integer format shares: samples that calibrate and samples that choose, and the choosing."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from edgeproof import formats as files
from edgeproof import metrics
from edgeproof.errors import Refused, nearest
from edgeproof.runner import Model
from export.arrays import Arrays
from export.quantize import equalize
from export.quantize.plan import METHODS, Plan
from export.quantize.ranges import Values

if TYPE_CHECKING:
    from export.source import Source

_FEWEST = 8  # samples: below, none are held out and min-max is taken
_HELD = 4  # one in so many samples chooses
_MOST_HELD = 64

Some = TypeVar("Some", bound="Integers")


@dataclass
class Integers(ABC):
    """A checkpoint's float graph in one format, ready to be quantized as often as it takes.

    Attributes:
        source: the checkpoint, equalized or not.
    """

    source: Source

    @property
    @abstractmethod
    def graph(self) -> bytes:
        """The float file that integers are held against."""

    @abstractmethod
    def observed(self, samples: Arrays) -> Mapping[Any, Values]:
        """What the graph's tensors hold on samples."""

    @abstractmethod
    def make(self, plan: Plan) -> bytes:
        """Quantize by a plan whose calibration is decided."""

    @cached_property
    def layers(self) -> dict[str, bool]:
        """Names of the Keras layers, and whether each has a kernel."""
        kernels = ("kernel", "_kernel", "depthwise_kernel")
        found = self.source.model._flatten_layers()
        return {layer.name: any(hasattr(layer, kernel) for kernel in kernels) for layer in found}

    @cached_property
    def split(self) -> tuple[Arrays, Arrays]:
        """Calibration samples to observe, and those held out to choose by (none when there are too few)."""
        given = self.source.calibration
        n = len(next(iter(given.values())))
        if n < _FEWEST:
            return dict(given), {}
        held = np.arange(n) % _HELD == _HELD - 1
        return {k: v[~held] for k, v in given.items()}, {k: v[held][:_MOST_HELD] for k, v in given.items()}

    @cached_property
    def values(self) -> Mapping[Any, Values]:
        """What the tensors held on the samples to observe."""
        return self.observed(self.split[0])

    @cached_property
    def reference(self) -> Arrays:
        """What the float graph answers on the held-out samples."""
        return outputs(self.graph, self.split[1])

    def error(self, plan: Plan) -> float:
        """Relative L2 distance from the float graph on the held-out samples, the worst output's; inf if not finite."""
        found = outputs(self.make(plan), self.split[1])
        worst = max(metrics.closeness(self.reference[name], found[name]).relative_l2 for name in self.reference)
        return worst if np.isfinite(worst) else np.inf

    def settled(self, plan: Plan) -> Plan:
        """The plan with its calibration decided: by the held-out samples where it leaves that open."""
        if plan.calibration:
            return plan
        if not self.split[1]:
            return dataclasses.replace(plan, calibration="min-max")
        plans = [dataclasses.replace(plan, calibration=method) for method in METHODS]
        return min(plans, key=self.error)  # the first of equals: the simplest


def of(source: Source, kind: type[Some]) -> Some:
    """The checkpoint's integers in one format; kept with the source."""
    key = kind.__name__
    if key not in source.cache:
        source.cache[key] = kind(source)
    found = source.cache[key]
    assert isinstance(found, kind)
    return found


def settled(source: Source, plan: Plan, kind: type[Some]) -> tuple[Some, Plan]:
    """What the plan leaves open, decided by the held-out samples: the calibration, and whether to equalize."""
    key = f"settled {kind.__name__} {plan}"
    if key not in source.cache:
        source.cache[key] = _settled(source, plan, kind)
    integers, plan = source.cache[key]
    assert isinstance(integers, kind)
    return integers, plan


def _settled(source: Source, plan: Plan, kind: type[Some]) -> tuple[Some, Plan]:
    plain = of(source, kind)
    unknown = sorted({*plan.wide, *plan.floats} - set(plain.layers))
    if unknown:
        raise Refused(
            "export: precision is chosen for layers that the model has.",
            received=", ".join(unknown),
            fix=nearest(unknown[0], list(plain.layers)),
        )
    balanced = None if plan.equalize is False else equalize.balanced(source)
    if balanced is None:
        return plain, dataclasses.replace(plain.settled(plan), equalize=False)
    other = of(balanced.source, kind)
    best = dataclasses.replace(other.settled(plan), equalize=True)
    if plan.equalize is None and plain.split[1]:
        without = dataclasses.replace(plain.settled(plan), equalize=False)
        if plain.error(without) < other.error(best):
            return plain, without
    return other, best


def facts(integers: Integers, plan: Plan) -> dict[str, Any]:
    """What the contract says of how an integer file was made."""
    seen, held = integers.split
    found: dict[str, Any] = {
        "weights": f"int{plan.weight_bits} per {'channel' if plan.per_channel else 'tensor'}",
        "activations": f"int{plan.width} per tensor",
        "calibration": plan.calibration,
        "samples": len(next(iter(seen.values()))),
        "held_out": len(next(iter(held.values()))) if held else 0,
    }
    flags = {"equalized": plan.equalize, "bias_correction": plan.correct_bias}
    found |= {key: True for key, value in flags.items() if value}
    lists = {"int16_layers": plan.wide, "float_layers": plan.floats}
    return found | {key: list(value) for key, value in lists.items() if value}


def outputs(data: bytes, samples: Mapping[str, np.ndarray], kernels: str = "") -> Arrays:
    """What a file answers on samples, one at a time; on the kernels that ship when none are named."""
    run = runner(data, kernels)
    n = len(next(iter(samples.values())))
    each = [run({name: values[i : i + 1] for name, values in samples.items()}) for i in range(n)]
    return {name: np.concatenate([one[name] for one in each]) for name in each[0]}


def runner(data: bytes, kernels: str = "") -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """A file's function from one sample to its outputs."""
    summary = files.read_bytes(data, "candidate")
    return Model(data, summary, kernels=kernels or {"tflite": "xnnpack", "onnx": "onnxruntime"}[summary.format]).infer
