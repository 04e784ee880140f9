"""Which layer a converter or an interpreter fails on, where it does not say: found by halving the graph.

The layers of a functional model stand in the order of computation. The first k of them are a model of their own, which
is converted by itself in a process; if it fails as the whole did, the culprit is among them. The layer found is then
tried alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeproof.errors import Refused
from export.checkpoint import Opening
from export.worker import Crashed, Worker

_SECONDS = {"time": 180.0}  # in all; a child that hangs is told from a slow one by waiting only
_SECONDS_ELSE = 60.0
_LEAST_SECONDS = 4.0  # for one attempt of a conversion that took too long
_GRACE = 5.0  # by which a fork outlives its time before its parent does
_LONGEST_CONFIG = 160
_DEEPEST = 4  # models within models


@dataclass(frozen=True)
class Attempt:
    """What failed, to be tried again on parts of the model.

    Attributes:
        calibration: file of input tensors, or "".
        plan: of integer precisions, as a dict.
        runtime: kernels on which it failed, "" where the conversion did.
    """

    opening: Opening
    format: str
    precision: str
    calibration: str
    plan: Mapping[str, Any]
    runtime: str = ""


class _RanOut(Exception):
    """The time is over."""


class _Search:
    """One search with its child and its clock."""

    def __init__(self, attempt: Attempt, crash: Crashed, worker: Worker, seconds: float) -> None:
        self._attempt, self._crash, self._worker = attempt, crash, worker
        self._end = time.monotonic() + seconds
        self.among = ""

    def run(self) -> str:
        """The diagnosis in words."""
        within: list[str] = []
        if not self._fails(within, 0, len(self._steps(within))):
            return f"no layer could be named: {self._verb()} again, it did not fail"
        while True:
            steps = self._steps(within)
            index = self._first(within, steps)
            name, _, _, model = steps[index]
            if not within and index == 0 and self._fails_without_layers():
                return f"no layer is to blame: {self._verb(gerund=True)} a model of one ReLU fails too"
            alone = index == 0 or self._fails(within, index, index + 1)
            if not model or not alone or len(within) == _DEEPEST:
                break
            self.among = f'in "{name}"'
            if not self._fails([*within, name], 0, len(self._steps([*within, name]))):
                break
            within.append(name)
        return self._told(within, steps[index], alone)

    def _first(self, within: list[str], steps: list[Any]) -> int:
        """Index of the layer that ends the shortest failing beginning of the model, which fails as a whole."""
        passes, fails = 0, len(steps)
        while fails - passes > 1:
            middle = (passes + fails) // 2
            self.among = f'among the layers "{steps[passes][0]}" to "{steps[fails - 1][0]}"'
            if self._fails(within, 0, middle):
                fails = middle
            else:
                passes = middle
        return fails - 1

    def _steps(self, within: list[str]) -> list[Any]:
        found = self._asked("steps", within=within)
        if "value" not in found:
            raise Crashed(found["reason"], "", found["kind"])
        return list(found["value"])

    def _fails(self, within: list[str], first: int, last: int) -> bool:
        return self._failed("attempt", within=within, first=first, last=last, **self._what())

    def _fails_without_layers(self) -> bool:
        return self._failed("attempt_without_layers", **self._what())

    def _what(self) -> dict[str, Any]:
        a = self._attempt
        return {
            "format": a.format, "precision": a.precision, "calibration": a.calibration, "plan": dict(a.plan),
            "runtime": a.runtime,
        }  # fmt: skip

    def _failed(self, function: str, **arguments: Any) -> bool:
        """Whether it fails as the whole model did; another failure is the cut's, not the layer's."""
        patience = self._left()
        if self._crash.kind == "time":
            patience = max(_LEAST_SECONDS, patience / 8)
        try:
            kind = str(self._asked(function, patience, **arguments).get("kind", ""))
        except Crashed as crash:  # over its memory, as a rule
            kind = crash.kind
        if kind == "time" and self._left() <= 0:
            raise _RanOut
        return kind == self._crash.kind

    def _asked(self, function: str, seconds: float = 0, **arguments: Any) -> dict[str, Any]:
        """What a fork of the child answers, which has imported TensorFlow before the clock of the call runs."""
        self._ready()
        if self._left() <= 0:
            raise _RanOut
        seconds = min(seconds, self._left()) if seconds else self._left()
        self._worker.within(seconds + _GRACE)
        found = self._worker.call(
            "export.diagnosis.forks:call", function=f"export.diagnosis.cut:{function}", seconds=seconds,
            arguments={"checkpoint": str(self._attempt.opening), **arguments},
        )  # fmt: skip
        return dict(found)

    def _ready(self) -> None:
        left = self._left()
        if left <= 0:
            raise _RanOut
        self._worker.within(left)
        try:
            self._worker.call("export.diagnosis.forks:ready", format=self._attempt.format)
        except Crashed as crash:
            raise (_RanOut if crash.kind == "time" else crash) from None

    def _left(self) -> float:
        return self._end - time.monotonic()

    def _verb(self, *, gerund: bool = False) -> str:
        if gerund:
            return "running" if self._attempt.runtime else "converting"
        return "run" if self._attempt.runtime else "converted"

    def _told(self, within: list[str], step: Any, alone: bool) -> str:
        name, kind, config, _ = step
        path = "/".join([*within, name])
        shown = json.dumps(config)
        if len(shown) > _LONGEST_CONFIG:
            shown = shown[:_LONGEST_CONFIG] + "..."
        how = "by itself too" if alone else "only behind the layers before it"
        advice = _rewrite(kind, self._attempt, self._crash)
        return f'the first layer with which it fails is {kind} "{path}" {shown}, {how}' + (
            f"; {advice}" if advice else ""
        )


def diagnose(attempt: Attempt, crash: Crashed, worker: Worker) -> str:
    """Name the layer, or say why none could be named.

    Args:
        crash: of the whole model.
        worker: whose kind of child to try parts of the model in; its own child is left alone.
    """
    seconds = _SECONDS.get(crash.kind, _SECONDS_ELSE)
    with worker.another() as fresh:
        search = _Search(attempt, crash, fresh, seconds)
        try:
            return search.run()
        except _RanOut:
            return f"no layer was named within {seconds:.0f} s" + (f": it is {search.among}" if search.among else "")
        except (Refused, Crashed) as error:
            said = error.reason if isinstance(error, Crashed) else error.received
            return f"no layer could be named: the model can't be taken apart ({said[:200]})"


def _rewrite(kind: str, attempt: Attempt, crash: Crashed) -> str:
    """What to write instead, where the conformance matrix knows."""
    from export.conformance import limits
    from export.verdict import Result

    on = f"on {attempt.runtime} kernels: " if attempt.runtime else ""
    known = limits.explain(kind, Result(attempt.format, attempt.precision, "crashed", on + crash.reason, log=crash.log))
    return " ".join(known) if known else ""
