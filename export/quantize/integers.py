"""What every integer format shares: samples that calibrate and samples that choose, and the choosing."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from edgeproof import formats as files
from edgeproof import metrics
from edgeproof.errors import Refused, nearest
from edgeproof.runner import Model
from export.arrays import Arrays
from export.quantize import equalize
from export.quantize.plan import METHODS, Plan
from export.quantize.ranges import Values
from export.quantize.repeats import clustered

if TYPE_CHECKING:
    from export.source import Source

_FEWEST = 8  # samples: below, nothing is chosen by them and min-max is taken
_MOST_HELD = 64
_MARGIN = 0.03  # of the error: what two sets of a few dozen samples differ by

Some = TypeVar("Some", bound="Integers")


@dataclass
class Integers(ABC):
    """A checkpoint's float graph in one format, ready to be quantized as often as it takes.

    Attributes:
        source: the checkpoint, equalized or not.
    """

    source: Source
    corrects: ClassVar[bool] = True  # biases

    @property
    @abstractmethod
    def graph(self) -> bytes:
        """The float file that integers are held against."""

    @abstractmethod
    def observed(self, samples: Arrays) -> Mapping[Any, Values]:
        """What the graph's tensors hold on samples."""

    @abstractmethod
    def make(self, plan: Plan, values: Mapping[Any, Values] | None = None) -> bytes:
        """Quantize by a plan whose calibration is decided.

        Args:
            values: that ranges are taken from; None: those of all calibration samples.
        """

    @staticmethod
    @abstractmethod
    def unsquashed(data: bytes) -> bytes:
        """A file of this format that ends before a last softmax or sigmoid.

        Where those are sure, all forms of a model give the same output, and nothing can be chosen by it.
        """

    @cached_property
    def layers(self) -> dict[str, bool]:
        """Names of the Keras layers, and whether each has a kernel."""
        kernels = ("kernel", "_kernel", "depthwise_kernel")
        found = self.source.model._flatten_layers()
        return {layer.name: any(hasattr(layer, kernel) for kernel in kernels) for layer in found}

    @cached_property
    def folds(self) -> list[tuple[Arrays, Arrays]]:
        """Calibration samples in two halves: ranges are taken from one, and judged on the other; [] of too few."""
        given = self.source.calibration
        n = len(next(iter(given.values())))
        if n < _FEWEST:
            return []
        even, odd = np.arange(n) % 2 == 0, np.arange(n) % 2 == 1
        halves = [{k: v[part] for k, v in given.items()} for part in (even, odd)]
        return [(halves[0], _first(halves[1], _MOST_HELD)), (halves[1], _first(halves[0], _MOST_HELD))]

    @cached_property
    def values(self) -> Mapping[Any, Values]:
        """What the tensors held on all calibration samples."""
        return self.observed(dict(self.source.calibration))

    @cached_property
    def _observed(self) -> list[Mapping[Any, Values]]:
        return [self.observed(seen) for seen, _ in self.folds]

    @cached_property
    def _references(self) -> list[Arrays]:
        return [outputs(self.unsquashed(self.graph), held) for _, held in self.folds]

    @cached_property
    def held(self) -> Arrays:
        """Some of the calibration samples, to compare inner tensors on."""
        return self.folds[0][1] if self.folds else {}

    def error(self, plan: Plan) -> float:
        """Relative L2 distance from the float graph on samples that gave no ranges, before a last softmax or sigmoid;
        the worst output's, inf if not finite. Mean over the two halves."""
        each = [
            self._distance(plan, values, held, reference)
            for values, (_, held), reference in zip(self._observed, self.folds, self._references, strict=True)
        ]
        return float(np.mean(each))

    def _distance(self, plan: Plan, values: Mapping[Any, Values], held: Arrays, reference: Arrays) -> float:
        found = outputs(self.unsquashed(self.make(plan, values)), held)
        worst = max(metrics.closeness(reference[name], found[name]).relative_l2 for name in reference)
        return worst if np.isfinite(worst) else np.inf

    def settled(self, plan: Plan) -> Plan:
        """The plan with its calibration and bias correction decided, by the held-out halves where they are open."""
        if not plan.calibration:
            methods = METHODS if self.folds else METHODS[:1]
            plan = self.better([dataclasses.replace(plan, calibration=method) for method in methods])
        if plan.correct_bias is None:
            choices = (False, True) if self.folds and self.corrects else (False,)
            plan = self.better([dataclasses.replace(plan, correct_bias=choice) for choice in choices])
        return plan

    def better(self, plans: Sequence[Plan]) -> Plan:
        """The plan of least error; a later one only where it is better by more than chance would have it."""
        if len(plans) == 1:
            return plans[0]
        errors = [self.error(plan) for plan in plans]
        found = int(np.argmin(errors))
        return plans[found] if errors[found] < (1 - _MARGIN) * errors[0] else plans[0]


def _first(arrays: Arrays, n: int) -> Arrays:
    return {name: values[:n] for name, values in arrays.items()}


def of(source: Source, kind: type[Some]) -> Some:
    """The checkpoint's integers in one format; kept with the source."""
    key = kind.__name__
    if key not in source.learned:
        source.learned[key] = kind(source)
    found = source.learned[key]
    assert isinstance(found, kind)
    return found


def settled(source: Source, plan: Plan, kind: type[Some]) -> tuple[Some, Plan]:
    """What the plan leaves open, decided by the held-out samples: the calibration, and whether to equalize."""
    key = f"settled {kind.__name__} {plan}"
    if key not in source.learned:
        source.learned[key] = _settled(source, plan, kind)
    integers, plan = source.learned[key]
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
    # Channels of different scale would give a clustered kernel as many more values.
    kept = plan.equalize is False or (plan.equalize is None and clustered(source.model))
    balanced = None if kept else equalize.balanced(source)
    if balanced is None:
        return plain, dataclasses.replace(plain.settled(plan), equalize=False)
    other = of(balanced.source, kind)
    best = dataclasses.replace(other.settled(plan), equalize=True)
    if plan.equalize is None and plain.folds:
        without = dataclasses.replace(plain.settled(plan), equalize=False)
        if plain.error(without) < other.error(best):
            return plain, without
    return other, best


def facts(integers: Integers, plan: Plan) -> dict[str, Any]:
    """What the contract says of how an integer file was made."""
    n = len(next(iter(integers.source.calibration.values())))
    found: dict[str, Any] = {
        "weights": f"int{plan.weight_bits} per {'channel' if plan.per_channel else 'tensor'}",
        "activations": f"int{plan.width} per tensor",
        "calibration": plan.calibration,
        "samples": n,
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
