"""From a checkpoint to verified files: read it, take its samples, make and judge every artifact."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic, metrics, samples
from edgeproof.contract import Contract, Graph
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
        graph: of the checkpoint's contract; "": its first, the whole model.
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
    graph: str = ""


@dataclass(frozen=True)
class Outcome:
    """Everything that the report tells.

    Attributes:
        contract: of the checkpoint, its score as measured here.
        checkpoint: path, sha256, bytes, parameters, keras_version, and what was translated from an older one.
        samples: raw, as given.
        truth: what the decoded output is scored against, or None.
        reference: the checkpoint's outputs for them.
        results: an artifact each, in the order asked for.
        out: their folder.
        older: artifacts that lay there before and were not made now.
        outputs: by (file, runtime).
        faults: of the calibration samples, which were taken all the same.
        graphs: all that the checkpoint has, the whole model first.
    """

    contract: Contract
    checkpoint: Mapping[str, Any]
    samples: samples.Samples
    truth: np.ndarray | None
    reference: Arrays
    results: list[Result]
    out: Path
    older: tuple[str, ...] = ()
    command: str = ""
    outputs: Mapping[tuple[str, str], Arrays] = field(default_factory=dict)
    faults: tuple[linter.Fault, ...] = ()
    graphs: tuple[Graph, ...] = ()

    @property
    def part(self) -> str:
        """The graph's name where it is not the whole model, else ""."""
        name = self.contract.graph().name
        return "" if not self.graphs or name == self.graphs[0].name else name

    @property
    def passed(self) -> bool:
        """Nothing crashed, nothing was found wanting, and something was verified."""
        states = {result.status for result in self.results}
        return "verified" in states and not states & {"crashed", "wanting"}


Tell = Callable[[Result], None]


def run(request: Request, tell: Tell = lambda result: None) -> Outcome:
    """Export and verify one graph.

    Args:
        tell: called with each result as it comes.

    Raises:
        Refused: a checkpoint, samples or folder that can't serve; or an explicitly named artifact that can't be made.
    """
    (outcome,) = _run(request, tell, every=False)
    return outcome


def run_all(request: Request, tell: Tell = lambda result: None) -> list[Outcome]:
    """Export and verify every graph of the checkpoint's contract, as `run` does one."""
    return _run(request, tell, every=True)


def _run(request: Request, tell: Tell, *, every: bool) -> list[Outcome]:
    opening, facts = _read(request)
    with (
        Worker(limits=request.limits) as converter,
        Worker(limits=request.limits) as runner,
        tempfile.TemporaryDirectory() as folder,
    ):
        whole = _prepared(request, opening, facts, converter, Path(folder), every=every)
        return [_judged(request, whole, part, converter, runner, tell) for part in whole.parts]


@dataclass(frozen=True)
class _Part:
    """A graph to be exported: how it is opened, its contract, files of its input tensors, a folder for what comes."""

    opening: Opening
    contract: Contract
    evaluation: str
    calibration: str
    scratch: Path


@dataclass(frozen=True)
class _Whole:
    """A checkpoint with its samples, read once for all its graphs.

    Attributes:
        facts: what it says of itself.
        contract: its own, or what can be told from the architecture.
        given: raw samples; `samplings`: those of evaluation and of calibration as tensors of the whole model.
        parts: the graphs asked for.
        out: folder of the artifacts.
    """

    opening: Opening
    facts: Mapping[str, Any]
    contract: Contract
    given: samples.Samples
    samplings: Mapping[str, Arrays]
    parts: list[_Part]
    out: Path


def _read(request: Request) -> tuple[Opening, dict[str, Any]]:
    """The checkpoint, and what it says of itself, before anything loads it."""
    path = checkpoint.find(request.checkpoint)
    opening = dataclasses.replace(request.opening or Opening(path), path=path)
    _check_target(request)
    with Worker(limits=request.limits.within(_READING_SECONDS)) as reader:
        facts = _in_child(lambda: reader.call("export.checkpoint:read", path=str(opening)), path, "be whole HDF5")
    return opening, facts


def _prepared(
    request: Request, opening: Opening, facts: Mapping[str, Any], converter: Worker, scratch: Path, *, every: bool
) -> _Whole:
    path = opening.path
    described = _in_child(lambda: converter.call("export.tasks:describe", checkpoint=str(opening)), path)
    contract = subject.contract_of(path, facts, described)
    given = samples.load(
        subject.samples_path(request.samples, path), [tensor.name for tensor in contract.graph().inputs]
    )
    one = request.graph or (subject.stepping(contract) if request.streaming else "")
    names = [graph.name for graph in contract.graphs] if every else [one]
    graphs = [subject.part_of(opening, contract, name) for name in names]
    samplings = {
        name: subject.tensors(contract, raw, given.source)
        for name, raw in (("evaluation", given.evaluation), ("calibration", given.calibration))
    }
    # What goes into every part is worked out at once: a child holds one model at a time, and the whole is here now.
    wanted = [tensor.name for _, part in graphs for tensor in part.graph().inputs]

    def fed(tensors: Arrays) -> Arrays:
        if not tensors:
            return {}
        return _in_child(lambda: subject.within(converter, opening, contract, wanted, tensors, scratch), path)

    feeds = {name: fed(tensors) for name, tensors in samplings.items()}
    parts = []
    for index, (cut, part) in enumerate(graphs):
        own = scratch / str(index)
        own.mkdir()
        inputs = [tensor.name for tensor in part.graph().inputs]
        evaluation, calibration = (
            _keep(own / f"{name}.npz", {key: feeds[name][key] for key in inputs if feeds[name]})
            for name in ("evaluation", "calibration")
        )
        parts.append(_Part(cut, part, evaluation, calibration, own))
    out = request.out or (path.parent if request.checkpoint.is_dir() else Path("saved") / path.stem) / "export"
    atomic.prepare(out)
    checked = {**facts, "path": str(path), "bytes": path.stat().st_size, "translated": described["translated"]}
    return _Whole(opening, checked, contract, given, samplings, parts, out)


def _judged(request: Request, whole: _Whole, part: _Part, converter: Worker, runner: Worker, tell: Tell) -> Outcome:
    """One graph, its artifacts made and held against it."""
    opening, contract, scratch, given = part.opening, part.contract, part.scratch, whole.given
    reference = _in_child(lambda: _reference(converter, opening, part.evaluation, scratch), opening.path)
    truth = Truth(reference, subject.truth_of(given, arrays.read(part.evaluation), reference, contract))
    if request.budget and truth.known is None:
        raise Refused(
            "export: a budget is kept by a score, which takes labels and a model that decides.",
            received="no evaluation_label in " + given.source if given.labels is None else "a model of values",
            fix="leave --max-drop, --max-bytes and --max-latency-ratio out, or add the labels",
        )
    faults = _faults(request, converter, part, whole.samplings, reference)
    contract = subject.scored(contract, given, reference, truth.known)
    rung = None
    if request.fine_tune:
        ready = training.ready(request.fine_tune, contract, given.evaluation, scratch)
        rung = Rung(opening, contract, ready, scratch, request.limits)
    proof = Proof.of(converter, opening, contract, part.evaluation, scratch) if request.streaming else None
    contract = proof.contract if proof else contract
    stage = Stage(
        opening, contract, part.evaluation, part.calibration, scratch, converter, runner, whole.out,
        request.budget, request.target, request.explicit, request.plan, proof,
        opening != whole.opening or bool(proof), subject.described(given), rung=rung,
    )  # fmt: skip
    results: list[Result] = []
    outputs: dict[tuple[str, str], Arrays] = {}
    for kind, precision in request.pairs:
        result, found = stage.make(kind, precision, truth)
        results.append(result)
        outputs |= {(result.file, runtime): values for runtime, values in found.items()}
        tell(result)
    graphs = whole.contract.graphs
    older = _older(whole.out, stage.stem, {result.file for result in results}, [g.name for g in graphs[1:]])
    return Outcome(
        contract, whole.facts, given, truth.known, reference, results, whole.out, older, request.command, outputs,
        tuple(faults), graphs if not proof or opening != whole.opening else (),
    )  # fmt: skip


def _faults(
    request: Request, converter: Worker, part: _Part, samplings: Mapping[str, Arrays], reference: Arrays
) -> list[linter.Fault]:
    """What is wrong with the calibration samples, where a precision needs them.

    Raises:
        Refused: something is, and they were not to be taken as they are.
    """
    needed = [(k, p) for k, p in request.pairs if p in WIDTHS]
    if not needed or not part.calibration:
        return []
    decisions = None
    if part.contract.decode.kind == "classify":
        ours = _in_child(lambda: _reference(converter, part.opening, part.calibration, part.scratch), part.opening.path)
        output = part.contract.decode.output
        decisions = metrics.decisions(ours[output]), metrics.decisions(reference[output])
    # What goes into a part is made by the model, which may well make the same of two samples: not that is linted.
    faults = linter.lint(linter.Given(samplings["calibration"], samplings["evaluation"], decisions))
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


def _older(out: Path, stem: str, made: set[str], others: Sequence[str]) -> tuple[str, ...]:
    """Artifacts of this graph in the folder that this export did not make: they may be of another checkpoint."""
    suffixes = tuple({formats.load(kind).suffix for kind in formats.names()})
    apart = tuple(f"{stem}.{name}." for name in others)
    found = {
        f.name
        for f in out.iterdir()
        if f.name.startswith(f"{stem}.") and f.name.endswith(suffixes) and not f.name.startswith(apart)
    }
    return tuple(sorted(found - made))
