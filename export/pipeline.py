"""From a checkpoint to verified files: read it, take its samples, make and judge every artifact."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic, samples
from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export import arrays, checkpoint, formats, subject, targets
from export.arrays import Arrays
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
        max_drop: points, instead of the contract's.
        target: also require that it has every operator.
        opening: what was added to the checkpoint to open it; None: nothing.
        streaming: artifacts of the step model instead of the whole one's.
    """

    checkpoint: Path
    pairs: list[tuple[str, str]]
    explicit: bool = False
    samples: Path | None = None
    out: Path | None = None
    max_drop: float | None = None
    target: str = ""
    command: str = ""
    opening: checkpoint.Opening | None = None
    streaming: bool = False


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
    opening = dataclasses.replace(request.opening or checkpoint.Opening(path), path=path)
    _check_target(request)
    with Worker(timeout=_READING_SECONDS) as reader:
        facts = _in_child(lambda: reader.call("export.checkpoint:read", path=str(opening)), path, "be whole HDF5")
    with Worker() as converter, Worker() as runner, tempfile.TemporaryDirectory() as folder:
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
        if request.max_drop is not None and truth.labels is None:
            raise Refused(
                "export: --max-drop judges a score, which takes labels and a model that classifies.",
                received="no evaluation_label in " + given.source if given.labels is None else "a model of values",
                fix="leave --max-drop out, or add the labels",
            )
        contract = subject.scored(contract, given, reference, truth.labels)
        proof = Proof.of(converter, opening, contract, evaluation, scratch) if request.streaming else None
        contract = proof.contract if proof else contract
        stage = Stage(
            opening, contract, evaluation, calibration, scratch, converter, runner, out,
            request.max_drop, request.target, request.explicit, proof=proof,
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
    return Outcome(contract, checked, given, truth.labels, reference, results, out, older, request.command, outputs)


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


def _reference(converter: Worker, opening: checkpoint.Opening, evaluation: str, scratch: Path) -> Arrays:
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
