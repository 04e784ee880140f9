"""From a checkpoint to verified files: read, calibrate, convert in a child, compare, judge, report."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import edgeproof
from edgeproof import atomic, frontend, metrics, samples
from edgeproof.contract import Contract, Decode, Frontend, Graph, Provenance, Score, Tensor, Tolerance, sample_hashes
from edgeproof.errors import Refused, Unwritable
from export import checkpoint, formats, targets
from export.verdict import Check, Result, Verdict, compare
from export.worker import Crashed, Worker

_LAYOUTS = {2: "NC", 3: "NTC", 4: "NHWC"}
_PACKAGES = {
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "tflite": ("ai-edge-litert",),
    "tflm": ("ai-edge-litert",),
}


@dataclass(frozen=True)
class Request:
    """What a person asked for."""

    checkpoint: Path
    pairs: list[tuple[str, str]]
    explicit: bool = False
    samples: Path | None = None
    out: Path | None = None
    max_drop: float | None = None
    target: str = ""
    command: str = ""


@dataclass(frozen=True)
class Outcome:
    """Everything that the report tells.

    Attributes:
        contract: of the checkpoint, its score as measured here.
        checkpoint: path, sha256, bytes, parameters, keras_version.
        evaluation: raw evaluation samples.
        labels: of them, or None.
        reference: the checkpoint's outputs.
        outputs: by (file, runtime), of the artifacts.
    """

    contract: Contract
    checkpoint: Mapping[str, Any]
    samples: samples.Samples
    labels: np.ndarray | None
    reference: Mapping[str, np.ndarray]
    results: list[Result]
    out: Path
    command: str
    outputs: Mapping[tuple[str, str], Mapping[str, np.ndarray]] = field(default_factory=dict)

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
    if request.target:
        targets.load(request.target)
    with Worker() as converter, Worker() as runner, tempfile.TemporaryDirectory() as scratch:
        facts = runner.call("export.checkpoint:read", path=str(path))
        described = _in_child(lambda: converter.call("export.tasks:describe", checkpoint=str(path)), path)
        contract = _contract(path, facts, described)
        given = samples.load(_samples_path(request, path), [t.name for t in contract.graph().inputs])
        evaluation, calibration = _tensors(contract, given), _tensors(contract, given, calibration=True)
        out = request.out or (path.parent if request.checkpoint.is_dir() else Path("saved") / path.stem) / "export"
        with atomic.refusing(out / "report.json"):
            out.mkdir(parents=True, exist_ok=True)
            atomic.sweep(out)
        atomic.write_bytes(out / ".writable", b"")
        (out / ".writable").unlink()

        stage = _Stage(request, path, contract, Path(scratch), converter, runner, out)
        stage.keep("evaluation", evaluation)
        stage.keep("calibration", calibration)
        reference = _in_child(stage.reference, path)
        labels = _labels(given, reference, contract)
        contract = _scored(contract, given, calibration, reference, labels)
        stage = dataclasses.replace(stage, contract=contract)
        results, outputs = [], {}
        for kind, precision in request.pairs:
            result, found = stage.make(kind, precision, reference, labels)
            results.append(result)
            outputs |= {(result.file, runtime): values for runtime, values in found.items()}
            tell(result)
    return Outcome(contract, {**facts, "path": str(path), "bytes": path.stat().st_size}, given, labels, reference,
                   results, out, request.command, outputs)


@dataclass(frozen=True)
class _Stage:
    """What every artifact of one request shares."""

    request: Request
    path: Path
    contract: Contract
    scratch: Path
    converter: Worker
    runner: Worker
    out: Path

    def keep(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        if tensors:
            np.savez(self.scratch / f"{name}.npz", **tensors)

    def file(self, name: str) -> str:
        path = self.scratch / f"{name}.npz"
        return str(path) if path.exists() else ""

    def reference(self) -> dict[str, np.ndarray]:
        out = self.scratch / "reference.npz"
        self.converter.call("export.tasks:reference", checkpoint=str(self.path), tensors=self.file("evaluation"), out=str(out))
        return _read(out)

    def make(
        self, kind: str, precision: str, reference: Mapping[str, np.ndarray], labels: np.ndarray | None
    ) -> tuple[Result, dict[str, dict[str, np.ndarray]]]:
        """One artifact: its result, and its outputs by runtime."""
        refused = self.contract.refused.get(f"{kind}:{precision}") or self.contract.refused.get(kind)
        if refused:
            return Result(kind, precision, "not made", refused), {}
        form = formats.load(kind)
        if precision in form.integer_calibrated and not self.file("calibration") and not self.request.explicit:
            return Result(kind, precision, "not made", "it needs calibration samples, and the samples file has none"), {}
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=self.out) as partial:
            bare = Path(partial) / f"artifact{form.suffix}"
            try:
                made = self.converter.call(
                    "export.tasks:convert", checkpoint=str(self.path), calibration=self.file("calibration"), format=kind,
                    precision=precision, path=str(bare), contract=self._stated(kind).to_json(),
                )  # fmt: skip
            except Unwritable:
                raise
            except Refused as refusal:
                if self.request.explicit:
                    raise
                return Result(kind, precision, "not made", f"{refusal.rule} received: {refusal.received}"), {}
            except Crashed as crash:
                return Result(kind, precision, "crashed", crash.reason, log=crash.log), {}
            final = self.out / f"{self.contract.name}.{made['precision']}{form.suffix}"
            atomic.move(bare, final)
        result = Result(
            kind, precision, "verified", precision=made["precision"], file=final.name, bytes=made["bytes"] or _size(final),
            sha256=_sha256(final), seconds=made["seconds"], operators=made["operators"], notes=made["notes"],
            checks=tuple(self._checks(kind, precision, made)),
        )  # fmt: skip
        return self._judged(result, form, final, reference, labels)

    def _judged(
        self, result: Result, form: formats.Format, final: Path, reference: Mapping[str, np.ndarray],
        labels: np.ndarray | None,
    ) -> tuple[Result, dict[str, dict[str, np.ndarray]]]:  # fmt: skip
        tolerance = self._tolerance(result.asked)
        verdicts: list[Verdict] = []
        outputs = {}
        worker = self.converter if form.needs_tensorflow else self.runner
        for runtime in form.runtimes:
            out = self.scratch / "outputs.npz"
            try:
                cost = worker.call("export.tasks:measure", format=result.format, path=str(final), runtime=runtime,
                                   tensors=self.file("evaluation"), out=str(out))
            except (Refused, Crashed) as error:
                reason = error.reason if isinstance(error, Crashed) else error.received
                log = error.log if isinstance(error, Crashed) else ""
                return dataclasses.replace(result, status="crashed", reason=f"on {runtime} kernels: {reason}", log=log,
                                           verdicts=tuple(verdicts)), outputs
            outputs[runtime] = _read(out)
            verdicts.append(compare(reference, outputs[runtime], labels, self.contract, tolerance, runtime, cost))
        wanting = [check.said for check in result.checks if not check.passed]
        wanting += [f"on {v.runtime}: {c.said}" for v in verdicts for c in v.checks if not c.passed]
        wanting += [f"on {v.runtime}: nothing to judge it by" for v in verdicts if not v.checks]
        status = "wanting" if wanting else "verified"
        return dataclasses.replace(result, status=status, reason="; ".join(wanting), verdicts=tuple(verdicts)), outputs

    def _checks(self, kind: str, precision: str, made: Mapping[str, Any]) -> list[Check]:
        floats = f" (float operators: {', '.join(made['floats'])})" if made["floats"] else ""
        checks = [Check("precision", made["precision"] == precision, f"its bytes are {made['precision']}{floats}")]
        checks.append(Check("contract", made["contract"] is not None, "the contract reads back from the file"))
        if self.request.target:
            target = targets.load(self.request.target)
            if target.format == kind and (not target.precisions or precision in target.precisions):
                missing = target.missing(list(made["operators"]))
                said = f"{target.title} has no {', '.join(missing)}" if missing else f"{target.title} has all operators"
                checks.append(Check("target", not missing, said))
        return checks

    def _stated(self, kind: str) -> Contract:
        versions = {**self.contract.provenance.versions, "tensorflow": version("tensorflow"), "keras": version("keras")}
        versions |= {package: version(package) for package in _PACKAGES.get(kind, ())}
        provenance = dataclasses.replace(self.contract.provenance, versions=versions)
        return dataclasses.replace(self.contract, provenance=provenance)

    def _tolerance(self, precision: str) -> Tolerance:
        tolerance = self.contract.tolerance(precision)
        if self.request.max_drop is not None and tolerance.drop is not None:
            tolerance = dataclasses.replace(tolerance, drop=self.request.max_drop)
        return tolerance


def _in_child(act: Callable[[], Any], path: Path) -> Any:
    """The checkpoint itself must load and run; if its process dies on it there is nothing to export."""
    try:
        return act()
    except Crashed as crash:
        raise Refused(
            "checkpoint: the model must load and run in Keras 3.",
            received=f"{path}: {crash.reason}",
            fix="save it again with Keras 3; the last lines were:\n" + crash.log,
        ) from crash


def _contract(path: Path, facts: Mapping[str, Any], described: Mapping[str, Any]) -> Contract:
    """The checkpoint's own contract, or for a foreign one what can be told from its architecture."""
    if facts["contract"]:
        contract = Contract.from_json(facts["contract"])
        provenance = dataclasses.replace(contract.provenance, checkpoint_sha256=facts["sha256"])
        return dataclasses.replace(contract, provenance=provenance)
    inputs = tuple(Tensor(n, tuple(s), d, _LAYOUTS.get(len(s), "")) for n, s, d in described["inputs"])
    outputs = tuple(Tensor(n, tuple(s), d, _LAYOUTS.get(len(s), "")) for n, s, d in described["outputs"])
    classify = described["probabilities"] and len(outputs) == 1 and len(outputs[0].shape) == 2
    return Contract(
        name=path.stem,
        title=facts["name"],
        graphs=(Graph("main", inputs, outputs),),
        frontends=tuple(Frontend(tensor.name) for tensor in inputs),
        decode=Decode("classify", outputs[0].name, "probabilities") if classify else Decode(),
        provenance=Provenance(
            checkpoint_sha256=facts["sha256"],
            versions={"edgeproof": edgeproof.__version__, "written by keras": facts["keras_version"] or "unknown"},
        ),
    )


def _samples_path(request: Request, path: Path) -> Path:
    if request.samples:
        return request.samples
    beside = path.parent / "samples.npz"
    if beside.is_file():
        return beside
    raise Refused(
        "export: every artifact is compared with its checkpoint on samples.",
        received=f"no --samples, and no samples.npz beside {path}",
        fix='pass --samples FILE, an .npz with "evaluation_x" (and "calibration_x" for integer precisions)',
    )


def _tensors(contract: Contract, given: samples.Samples, *, calibration: bool = False) -> dict[str, np.ndarray]:
    """Samples as input tensors, their shapes checked against the graph."""
    raw = given.calibration if calibration else given.evaluation
    tensors = {}
    for name, values in raw.items():
        ready = frontend.apply(contract.frontend(name), values)
        want = next(t for t in contract.graph().inputs if t.name == name)
        shape = want.shape[1:]
        if ready.ndim != len(want.shape) or any(a not in (None, b) for a, b in zip(shape, ready.shape[1:], strict=True)):
            raise Refused(
                f'samples: input "{name}" takes samples of shape {shape}.',
                received=f"{given.source}: samples of shape {ready.shape[1:]}",
                fix="write the samples as the frontend or the model takes them, one row a sample",
            )
        tensors[name] = ready.astype(want.dtype)
        if not np.isfinite(tensors[name]).all():
            raise Refused(f'samples: input "{name}" must be finite numbers.', received=f"{given.source}: NaN or infinity",
                          fix="remove those samples")
    return tensors


def _labels(given: samples.Samples, reference: Mapping[str, np.ndarray], contract: Contract) -> np.ndarray | None:
    if given.labels is None or contract.decode.kind != "classify":
        return None
    outputs = reference[contract.decode.output]
    return metrics.check_labels(given.labels, len(outputs), outputs.reshape(len(outputs), -1).shape[1], source=given.source)


def _scored(
    contract: Contract, given: samples.Samples, calibration: Mapping[str, np.ndarray],
    reference: Mapping[str, np.ndarray], labels: np.ndarray | None,
) -> Contract:  # fmt: skip
    """The contract with the checkpoint's score on these samples, and with their calibration hashes."""
    raw = [given.calibration[name] for name in calibration]
    hashes = tuple(digest for array in raw for digest in sample_hashes(array))
    provenance = dataclasses.replace(contract.provenance, calibration=hashes)
    score = contract.score
    if labels is not None:
        name = score.metric if score else "accuracy"
        values = metrics.METRICS[name](reference[contract.decode.output], labels)
        interval = metrics.wilson(float(values.sum()), len(values))
        data = str(given.manifest.get("data", Path(given.source).name))
        score = Score(name, float(values.mean()), interval, len(values), data, "test" if given.manifest else "evaluation")
    return dataclasses.replace(contract, provenance=provenance, score=score)


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _files(path: Path) -> list[Path]:
    return sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def _sha256(path: Path) -> str:
    """Of a file; of a folder, over the names and contents of its files in order."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for file in _files(path):
        digest.update(str(file.relative_to(path)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
