"""One artifact after another: convert in a child, give it its name, run it, judge it."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic
from edgeproof.contract import Contract, Tolerance
from edgeproof.errors import Refused, Unwritable
from export import arrays, diagnosis, files, formats, targets
from export.arrays import Arrays
from export.checkpoint import Opening
from export.compress.rung import Rung, joined
from export.quantize.plan import DEFAULT, UNLIMITED, WIDTHS, Budget, Plan
from export.streaming.proof import Proof
from export.verdict import Check, Result, Verdict, claims, compare, machine
from export.worker import Crashed, Worker

# Whose versions stand in an artifact's contract, besides TensorFlow's and Keras's.
_PACKAGES = {
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "tflite": ("ai-edge-litert",),
    "tflm": ("ai-edge-litert",),
}


@dataclass(frozen=True)
class Truth:
    """What artifacts are held against: the checkpoint's outputs, and the truth of the same samples for its score."""

    reference: Arrays
    known: np.ndarray | None


@dataclass(frozen=True)
class _Choice:
    """By what a file is made: a checkpoint, the contract that goes in, a plan; what was tried to find it; and why
    fine-tuning was not, where it should have been."""

    checkpoint: Opening
    contract: Contract
    plan: dict[str, Any]
    trials: list[Any]
    untuned: str = ""


@dataclass(frozen=True)
class Stage:
    """What every artifact of one request shares.

    Attributes:
        checkpoint: the file, with what it takes to open it.
        contract: of the checkpoint.
        evaluation, calibration: files of input tensors; calibration is "" when there are none.
        scratch: folder for arrays on their way.
        converter: the child with TensorFlow; `runner`: the one without.
        out: folder of the artifacts.
        budget: its drop, in points, holds instead of the contract's; integer files are searched for within it.
        target: name, or "".
        explicit: artifacts were named one by one, so that one that can't be made is an error.
        plan: how integer precisions are made.
        proof: of a step model, that stepping is what the whole model does; None: artifacts are of the whole model.
        part: the graph is not the whole model, so that files are called after it too.
        samples: what the evaluation samples are, as a file may tell it.
        timed: latency is measured, and not that of a first run.
        rung: fine-tuning, where no plan keeps the budget; None: there is nothing to train with.
    """

    checkpoint: Opening
    contract: Contract
    evaluation: str
    calibration: str
    scratch: Path
    converter: Worker
    runner: Worker
    out: Path
    budget: Budget = UNLIMITED
    target: str = ""
    explicit: bool = False
    plan: Plan = DEFAULT
    proof: Proof | None = None
    part: bool = False
    samples: Mapping[str, Any] = field(default_factory=dict)
    timed: bool = True
    rung: Rung | None = None

    @property
    def stem(self) -> str:
        """What its files are called, before precision and format."""
        return f"{self.contract.name}.{self.contract.graph().name}" if self.part else self.contract.name

    def make(self, kind: str, precision: str, truth: Truth) -> tuple[Result, dict[str, Arrays]]:
        """Convert and judge one artifact: its result, and its outputs by runtime.

        Raises:
            Refused: it was named explicitly and can't be made, or nothing can be written.
        """
        result = self._convert(kind, precision, truth)
        if self.part:
            result = dataclasses.replace(result, graph=self.contract.graph().name)
        if result.status in ("crashed", "not made"):
            return result, {}
        result, outputs = self._judge(result, truth)
        return (self._attested(result) if result.status != "crashed" else result), outputs

    def _convert(self, kind: str, precision: str, truth: Truth) -> Result:
        form = formats.load(kind)
        refused = self._impossible(form, kind, precision)
        if refused and self.explicit:
            raise Refused(
                "export: what is named by its precision must be possible.",
                received=f"{kind}:{precision}: {refused}",
                fix="leave it out, or name the format alone",
            )
        if refused:
            return Result(kind, precision, "not made", refused)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=self.out) as partial:
            bare = Path(partial) / f"artifact{form.suffix}"
            try:
                choice = self._searched(kind, precision, truth, bare)
                plan, trials = choice.plan, choice.trials
                made = self.converter.call(
                    "export.tasks:convert",
                    checkpoint=str(choice.checkpoint),
                    calibration=self.calibration,
                    format=kind,
                    precision=precision,
                    path=str(bare),
                    contract=choice.contract.to_json(),
                    plan=plan,
                )
            except Unwritable:
                raise
            except Refused as refusal:
                if self.explicit:
                    raise
                return Result(kind, precision, "not made", f"{refusal.rule} Received: {refusal.received}")
            except Crashed as crash:
                return Result(kind, precision, "crashed", self._diagnosed(crash, kind, precision), log=crash.log)
            # A file that is not what was asked for must not look as if it were.
            label = precision if made["precision"] == precision else f"{made['precision']}-{precision}"
            final = self.out / f"{self.stem}.{label}{form.suffix}"
            atomic.move(bare, final)
        return Result(
            kind,
            precision,
            "verified",
            precision=made["precision"],
            file=final.name,
            bytes=made["bytes"] or files.size(final),
            sha256=files.sha256(final),
            seconds=made["seconds"],
            operators=made["operators"],
            notes=made["notes"],
            checks=(*self._checks(kind, precision, made, plan), *self._kept(choice)),
            trials=tuple(trials),
        )

    def _searched(self, kind: str, precision: str, truth: Truth, path: Path) -> _Choice:
        """The plan to make a file by, and what was tried to find it; without a budget, the stage's own."""
        plan, stated = self.plan.to_dict(), self._stated(kind)
        if not self.budget or truth.known is None or precision not in WIDTHS:
            return _Choice(self.checkpoint, stated, plan, [])
        found = self._search(self.checkpoint, kind, precision, truth, path)
        first = _Choice(self.checkpoint, stated, found["plan"], found["trials"])
        if self.rung is None or any(trial["within"] for trial in found["trials"]):
            return first
        tuned = self.rung.tuned(self.plan)
        if tuned.opening is None:
            return dataclasses.replace(first, untuned=tuned.why)
        again = self._search(tuned.opening, kind, precision, truth, path)
        trials, taken = joined(found, again)
        if not taken:
            return dataclasses.replace(first, trials=trials)
        return _Choice(tuned.opening, self.rung.stated(stated, tuned.recipe), again["plan"], trials)

    def _search(self, opening: Opening, kind: str, precision: str, truth: Truth, path: Path) -> dict[str, Any]:
        known = self.scratch / "truth.npz"
        assert truth.known is not None
        arrays.write(known, {"reference": truth.reference[self.contract.decode.output], "truth": truth.known})
        found: dict[str, Any] = self.converter.call(
            "export.tasks:search",
            checkpoint=str(opening),
            calibration=self.calibration,
            evaluation=self.evaluation,
            truth=str(known),
            format=kind,
            precision=precision,
            path=str(path),
            contract=self._stated(kind).to_json(),
            plan=self.plan.to_dict(),
            budget=self.budget.to_dict(),
        )
        return found

    def _kept(self, choice: _Choice) -> list[Check]:
        if not choice.trials:
            return []
        within = sum(trial["within"] for trial in choice.trials)
        said = f"{within} of {len(choice.trials)} plans tried keep the budget"
        said += f"; it could not be fine-tuned: {choice.untuned}" if choice.untuned else ""
        return [Check("budget", within > 0, said)]

    def _judge(self, result: Result, truth: Truth) -> tuple[Result, dict[str, Arrays]]:
        verdicts: list[Verdict] = []
        outputs: dict[str, Arrays] = {}
        tolerance = self._tolerance(result.asked)
        for runtime in formats.load(result.format).runtimes:
            try:
                cost, outputs[runtime] = self._measure(result, runtime)
                if self.proof:
                    path, child = self.out / result.file, self._child(result)
                    result = self.proof.drifted(result, runtime, path, child, tolerance)
            except Unwritable:
                raise
            except (Refused, Crashed) as error:
                if isinstance(error, Crashed):
                    reason, log = self._diagnosed(error, result.format, result.asked, runtime), error.log
                else:
                    reason, log = error.received, ""
                reason = f"on {runtime} kernels: {reason}"
                crashed = dataclasses.replace(
                    result, status="crashed", reason=reason, log=log, verdicts=tuple(verdicts)
                )
                return crashed, outputs
            found = outputs[runtime]
            certain = self.budget.drop is not None
            verdicts.append(
                compare(truth.reference, found, truth.known, self.contract, tolerance, runtime, cost, certain)
            )
        wanting = [check.said for check in result.checks if not check.passed]
        wanting += [f"on {v.runtime}: {c.said}" for v in verdicts for c in v.checks if not c.passed]
        wanting += [f"on {v.runtime}: nothing to judge it by" for v in verdicts if not v.checks]
        status = "wanting" if wanting else "verified"
        return dataclasses.replace(result, status=status, reason="; ".join(wanting), verdicts=tuple(verdicts)), outputs

    def _attested(self, result: Result) -> Result:
        """The same with what was found of the file put into it, so that it can be held to it later."""
        final = self.out / result.file
        proof = {
            "samples": self.samples,
            "machine": machine(),
            "figures": {verdict.runtime: claims(verdict) for verdict in result.verdicts},
        }
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=self.out) as partial:
            copy = Path(partial) / final.name
            shutil.copytree(final, copy) if final.is_dir() else shutil.copyfile(final, copy)
            told = self.converter.call("export.tasks:attest", format=result.format, path=str(copy), proof=proof)
            atomic.move(copy, final)
        return dataclasses.replace(result, bytes=told["bytes"] or files.size(final), sha256=files.sha256(final))

    def _measure(self, result: Result, runtime: str) -> tuple[Mapping[str, float], Arrays]:
        out = self.scratch / "outputs.npz"
        cost = self._child(result).call(
            "export.tasks:measure",
            format=result.format,
            path=str(self.out / result.file),
            runtime=runtime,
            tensors=self.evaluation,
            out=str(out),
            timed=self.timed,
        )
        return cost, arrays.read(out)

    def _child(self, result: Result) -> Worker:
        return self.converter if formats.load(result.format).needs_tensorflow else self.runner

    def _diagnosed(self, crash: Crashed, kind: str, precision: str, runtime: str = "") -> str:
        """A crash's reason with the layer that it is due to."""
        if self.proof:
            return crash.reason
        child = self.converter if not runtime or formats.load(kind).needs_tensorflow else self.runner
        attempt = diagnosis.Attempt(self.checkpoint, kind, precision, self.calibration, self.plan.to_dict(), runtime)
        return f"{crash.reason}; {diagnosis.diagnose(attempt, crash, child)}"

    def _impossible(self, form: formats.Format, kind: str, precision: str) -> str:
        """Why there is no need to try, or ""."""
        stated = self.contract.refused.get(f"{kind}:{precision}") or self.contract.refused.get(kind)
        if stated:
            return stated
        if precision in WIDTHS and not self.calibration and not self.explicit:
            return "it needs calibration samples, and the samples file has none"
        return ""

    def _checks(self, kind: str, precision: str, made: Mapping[str, Any], plan: Mapping[str, Any]) -> list[Check]:
        floats = f" (of another precision: {', '.join(made['floats'])})" if made["floats"] else ""
        # Floats that were asked for, layer by layer, are named in the file and in its precision, and are no fault.
        meant = made["precision"] == precision or (bool(plan["floats"]) and made["precision"] == "mixed")
        checks = [
            Check("precision", meant, f"its bytes are {made['precision']}{floats}"),
            Check("contract", made["contract"] is not None, "the contract reads back from the file"),
        ]
        if self.target:
            target = targets.load(self.target)
            if target.takes(kind, precision):
                missing = target.missing(list(made["operators"]))
                said = f"{target.title} has no {', '.join(missing)}" if missing else f"{target.title} has all operators"
                checks.append(Check("target", not missing, said))
        return checks

    def _stated(self, kind: str) -> Contract:
        packages = ("tensorflow", "keras", *_PACKAGES.get(kind, ()))
        versions = {**self.contract.provenance.versions, **{package: version(package) for package in packages}}
        provenance = dataclasses.replace(self.contract.provenance, versions=versions)
        return dataclasses.replace(self.contract, provenance=provenance)

    def _tolerance(self, precision: str) -> Tolerance:
        tolerance = self.contract.tolerance(precision)
        if self.budget.drop is not None:
            tolerance = dataclasses.replace(tolerance, drop=self.budget.drop)
        return tolerance
