"""From a checkpoint to verified files: read it, take its samples, make and judge every artifact."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic, metrics, samples
from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export import arrays, checkpoint, formats, subject, targets
from export.arrays import Arrays
from export.checkpoint import Opening
from export.compress import training
from export.compress.rung import Rung
from export.limits import DEFAULT as PATIENT
from export.limits import Limits
from export.quantize import linter
from export.quantize.plan import DEFAULT, UNLIMITED, WIDTHS, Budget, Plan
from export.stage import Stage, Truth
from export.streaming.proof import Proof
from export.verdict import Result
from export.worker import Crashed, Worker

_READING_SECONDS = 120.0  # damaged HDF5 can send its library in circles


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Attributes:
        pairs: (format, precision) of each artifact.
        explicit: they were named one by one, so that one that can't be made is an error.
        samples: None: `samples.npz` beside the checkpoint.
        out: None: `export/` beside the checkpoint, or `saved/NAME/export` for a file.
        budget: what integer files may cost.
        plan: how integer files are made, where the budget leaves it open.
        as_is: take calibration samples in which the linter sees faults.
        target: also require that it has every operator.
        opening: what was added to the checkpoint to open it; None: nothing.
        streaming: artifacts of the step model instead of the whole one's.
        limits: of each call to a child process.
        fine_tune: training samples, to fine-tune with where nothing else keeps the budget.
    """

    checkpoint: Path
    pairs: list[tuple[str, str]]
    explicit: bool = False
    samples: Path | None = None
    out: Path | None = None
    budget: Budget = UNLIMITED
    target: str = ""
    command: str = ""
    opening: Opening | None = None
    streaming: bool = False
    plan: Plan = DEFAULT
    as_is: bool = False
    limits: Limits = PATIENT
    fine_tune: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """Everything that the report tells.

    Attributes:
        contract: of the checkpoint, its score as measured here.
        checkpoint: path, sha256, bytes, parameters, keras_version, and what was translated from an older one.
        samples: raw, as given.
        labels: of the evaluation samples, or None.
        reference: the checkpoint's outputs for them.
        results: an artifact each, in the order asked for.
        out: their folder.
        older: artifacts that lay there before and were not made now.
        outputs: by (file, runtime).
        faults: of the calibration samples, which were taken all the same.
    """

    contract: Contract
    checkpoint: Mapping[str, Any]
    samples: samples.Samples
    labels: np.ndarray | None
    reference: Arrays
    results: list[Result]
    out: Path
    older: tuple[str, ...] = ()
    command: str = ""
    outputs: Mapping[tuple[str, str], Arrays] = field(default_factory=dict)
    faults: tuple[linter.Fault, ...] = ()

    @property
    def passed(self) -> bool:
        """Nothing crashed, nothing was found wanting, and something was verified."""
        states = {result.status for result in self.results}
        return "verified" in states and not states & {"crashed", "wanting"}


def run(request: Request, tell: Callable[[Result], None] = lambda result: None) -> Outcome:
    """Export and verify.

    Args:
        tell: called with each result as it comes.

    Raises:
        Refused: a checkpoint, samples or folder that can't serve; or an explicitly named artifact that can't be made.
    """
    path = checkpoint.find(request.checkpoint)
    opening = dataclasses.replace(request.opening or Opening(path), path=path)
    _check_target(request)
    with Worker(limits=request.limits.within(_READING_SECONDS)) as reader:
        facts = _in_child(lambda: reader.call("export.checkpoint:read", path=str(opening)), path, "be whole HDF5")
    ours = request.limits
    with Worker(limits=ours) as converter, Worker(limits=ours) as runner, tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        described = _in_child(lambda: converter.call("export.tasks:describe", checkpoint=str(opening)), path)
        contract = subject.contract_of(path, facts, described)
        inputs = [tensor.name for tensor in contract.graph().inputs]
        given = samples.load(subject.samples_path(request.samples, path), inputs)
        evaluation = _keep(scratch / "evaluation.npz", subject.tensors(contract, given.evaluation, given.source))
        calibration = _keep(scratch / "calibration.npz", subject.tensors(contract, given.calibration, given.source))
        out = request.out or (path.parent if request.checkpoint.is_dir() else Path("saved") / path.stem) / "export"
        atomic.prepare(out)

        reference = _in_child(lambda: _reference(converter, opening, evaluation, scratch), path)
        truth = Truth(reference, subject.labels_of(given, reference, contract))
        if request.budget and truth.labels is None:
            raise Refused(
                "export: a budget is kept by a score, which takes labels and a model that classifies.",
                received="no evaluation_label in " + given.source if given.labels is None else "a model of values",
                fix="leave --max-drop, --max-bytes and --max-latency-ratio out, or add the labels",
            )
        faults = _faults(request, converter, opening, contract, evaluation, calibration, reference, scratch)
        contract = subject.scored(contract, given, reference, truth.labels)
        rung = None
        if request.fine_tune:
            ready = training.ready(request.fine_tune, contract, given.evaluation, scratch)
            rung = Rung(opening, contract, ready, scratch, ours)
        proof = Proof.of(converter, opening, contract, evaluation, scratch) if request.streaming else None
        contract = proof.contract if proof else contract
        stage = Stage(
            opening, contract, evaluation, calibration, scratch, converter, runner, out,
            request.budget, request.target, request.explicit, request.plan, proof, subject.described(given), rung=rung,
        )  # fmt: skip
        results: list[Result] = []
        outputs: dict[tuple[str, str], Arrays] = {}
        for kind, precision in request.pairs:
            result, found = stage.make(kind, precision, truth)
            results.append(result)
            outputs |= {(result.file, runtime): values for runtime, values in found.items()}
            tell(result)
    checked = {**facts, "path": str(path), "bytes": path.stat().st_size, "translated": described["translated"]}
    older = _older(out, contract.name, {result.file for result in results})
    return Outcome(
        contract, checked, given, truth.labels, reference, results, out, older, request.command, outputs, tuple(faults)
    )


def _faults(
    request: Request, converter: Worker, opening: checkpoint.Opening, contract: Contract,
    evaluation: str, calibration: str, reference: Arrays, scratch: Path,
) -> list[linter.Fault]:  # fmt: skip
    """What is wrong with the calibration samples, where a precision needs them.

    Raises:
        Refused: something is, and they were not to be taken as they are.
    """
    needed = [(k, p) for k, p in request.pairs if p in WIDTHS]
    if not needed or not calibration:
        return []
    decisions = None
    if contract.decode.kind == "classify":
        ours = _in_child(lambda: _reference(converter, opening, calibration, scratch), opening.path)
        output = contract.decode.output
        decisions = metrics.decisions(ours[output]), metrics.decisions(reference[output])
    faults = linter.lint(linter.Given(arrays.read(calibration), arrays.read(evaluation), decisions))
    if faults and not request.as_is:
        raise Refused(
            "export: integer precisions take their ranges from calibration samples, which must be like those to come.",
            received="; ".join(fault.found for fault in faults),
            fix="; ".join(fault.fix for fault in faults) + "; or --calibration-as-is if they are meant so",
        )
    return faults


def _check_target(request: Request) -> None:
    """A target that no artifact is made for would be judged kept without having been looked at."""
    if not request.target:
        return
    target = targets.load(request.target)
    if not any(target.takes(kind, precision) for kind, precision in request.pairs):
        raise Refused(
            "export: --target judges artifacts in a format and precision that the target takes.",
            received=", ".join(f"{kind}:{precision}" for kind, precision in request.pairs),
            fix=f"--to {target.format}",
        )


def _reference(converter: Worker, opening: Opening, evaluation: str, scratch: Path) -> Arrays:
    out = scratch / "reference.npz"
    converter.call("export.tasks:reference", checkpoint=str(opening), tensors=evaluation, out=str(out))
    return arrays.read(out)


def _keep(path: Path, tensors: Arrays) -> str:
    """Write tensors for the children; "" when there are none."""
    if not tensors:
        return ""
    arrays.write(path, tensors)
    return str(path)


def _in_child(act: Callable[[], Any], path: Path, rule: str = "load and run in Keras 3") -> Any:
    """The checkpoint itself must load and run; if its process dies on it there is nothing to export."""
    try:
        return act()
    except Crashed as crash:
        raise Refused(
            f"checkpoint: the model must {rule}.",
            received=f"{path}: {crash.reason}",
            fix="save it again with Keras 3; the last lines were:\n" + crash.log,
        ) from crash


def _older(out: Path, name: str, made: set[str]) -> tuple[str, ...]:
    """Artifacts of this model in the folder that this export did not make: they may be of another checkpoint."""
    suffixes = tuple({formats.load(kind).suffix for kind in formats.names()})
    found = {f.name for f in out.iterdir() if f.name.startswith(f"{name}.") and f.name.endswith(suffixes)}
    return tuple(sorted(found - made))
