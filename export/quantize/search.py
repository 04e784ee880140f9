"""The smallest integer file within a budget: plans tried from the cheapest on, each judged by the task's own score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof import metrics, timing
from export.arrays import Arrays
from export.quantize import blame
from export.quantize.integers import Integers, outputs, runner
from export.quantize.plan import METHODS, Budget, Plan
from export.quantize.tflite import TfliteIntegers

_MOST_SAMPLES = 2000  # of the evaluation's: the file that is chosen is judged on all of them afterwards
_LATENCY_RUNS = 100


@dataclass(frozen=True)
class Trial:
    """One plan that was tried.

    Attributes:
        bytes: of the finished file.
        drop: points of score lost on the kernels where it loses most, `interval` of it.
        latency_ratio: to the float file.
        error: relative L2 distance from the checkpoint, on the same kernels.
        within: it keeps the budget.
    """

    plan: Plan
    said: str
    bytes: int
    drop: float
    interval: tuple[float, float]
    latency_ratio: float
    error: float
    within: bool

    def to_dict(self, chosen: Plan, budget: Budget) -> dict[str, Any]:
        """As JSON's own types, with whether it was taken and the limit of points."""
        more = {"plan": self.plan.to_dict(), "chosen": self.plan == chosen, "limit": budget.drop}
        return {**dataclasses.asdict(self), **more}


@dataclass(frozen=True)
class Judge:
    """How plans are measured.

    Attributes:
        evaluation: input tensors (n, ...) by name.
        reference: the checkpoint's decisive output for them, (n, ...).
        output: its name.
        truth: what it is scored against, (n, ...).
        metric: name in `edgeproof.metrics`.
        kernels: all of which a plan must keep the budget on.
        size: of the finished file, from its bare bytes.
        budget: what may be spent.
    """

    evaluation: Arrays
    reference: np.ndarray
    output: str
    truth: np.ndarray
    metric: str
    kernels: Sequence[str]
    size: Callable[[bytes], int]
    budget: Budget

    def trial(self, integers: Integers, plan: Plan) -> Trial:
        """Make and measure a file by a settled plan."""
        data = integers.make(plan)
        samples = {name: values[:_MOST_SAMPLES] for name, values in self.evaluation.items()}
        truth, reference = self.truth[:_MOST_SAMPLES], self.reference[:_MOST_SAMPLES]
        measure = metrics.METRICS[self.metric]
        before = measure(reference, truth)
        worst: tuple[float, tuple[float, float], float] | None = None
        for kernels in self.kernels:
            found = outputs(data, samples, kernels)[self.output]
            after = measure(found, truth)
            low, high = metrics.paired_bootstrap(before, after)
            drop = 100 * float(before.mean() - after.mean())
            error = metrics.closeness(reference, found).relative_l2
            if worst is None or high * 100 > worst[1][1]:
                worst = drop, (100 * low, 100 * high), error
        assert worst
        drop, interval, error = worst
        size = self.size(data)
        ratio = self._latency(data) / self._latency(integers.graph)
        kept = (
            (self.budget.drop is None or interval[1] <= self.budget.drop + 1e-9)
            and (self.budget.bytes is None or size <= self.budget.bytes)
            and (self.budget.latency_ratio is None or ratio <= self.budget.latency_ratio)
        )
        return Trial(plan, plan.said(), size, drop, interval, ratio, error, kept)

    def _latency(self, data: bytes) -> float:
        one = {name: values[:1] for name, values in self.evaluation.items()}
        run = runner(data)
        return timing.quantiles(lambda: run(one), _LATENCY_RUNS)[0]


def search(integers: Integers, plan: Plan, judge: Judge) -> tuple[list[Trial], Plan]:
    """Try plans, cheapest first, until a round holds one within the budget.

    Args:
        integers: by the settled `plan`, with which the search begins.

    Returns:
        Everything tried, and the plan of the smallest file within the budget; where there is none, of the file that
        loses least.
    """
    trials: list[Trial] = []
    for candidates in _rounds(integers, plan, trials):
        for candidate in candidates:
            if all(candidate != trial.plan for trial in trials):
                trials.append(judge.trial(integers, candidate))
        within = [trial for trial in trials if trial.within]
        if within:
            return trials, min(within, key=lambda trial: (trial.bytes, trial.interval[1])).plan
    return trials, min(trials, key=lambda trial: (trial.interval[1], trial.bytes)).plan


def _rounds(integers: Integers, plan: Plan, trials: list[Trial]) -> Iterator[list[Plan]]:
    """Rounds of plans; each is drawn up when those before it have been measured."""
    yield [plan]
    yield [dataclasses.replace(plan, calibration=method) for method in METHODS]
    best = min(trials, key=lambda trial: (trial.drop, trial.error)).plan
    yield [dataclasses.replace(best, correct_bias=not best.correct_bias)]
    best = min(trials, key=lambda trial: (trial.drop, trial.error)).plan
    if not isinstance(integers, TfliteIntegers):
        return
    blamed = [entry.layer for entry in blame.rank(integers, best) if entry.regained and entry.regained > 0]
    # Twice as many layers each time: the ranking is of single layers, and errors are not a sum of them.
    counts = [1 << i for i in range(len(blamed).bit_length()) if 1 << i <= len(blamed)]
    for count in counts:
        yield [dataclasses.replace(best, wide=tuple(blamed[:count]))]
    for count in counts:
        yield [dataclasses.replace(best, floats=tuple(blamed[:count]))]


def front(trials: Sequence[Mapping[str, Any]]) -> list[int]:
    """Indices of the trials that no other beats in both bytes and points lost, smallest first."""
    order = sorted(range(len(trials)), key=lambda i: (trials[i]["bytes"], trials[i]["drop"]))
    found: list[int] = []
    for i in order:
        if not found or trials[i]["drop"] < trials[found[-1]]["drop"]:
            found.append(i)
    return found
