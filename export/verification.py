"""Hold an artifact to what it says of itself: everything in its contract is derived again from its checkpoint.

Nothing in the file is believed. What follows from the checkpoint and the samples is computed anew and compared, stage
by stage; the first stage that does not hold is the one that names what was changed.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof import samples
from edgeproof.contract import Contract, Score
from edgeproof.errors import Refused
from export import arrays, checkpoint, files, formats, subject
from export.limits import DEFAULT, Limits
from export.streaming.proof import Proof
from export.verdict import claims, compare, machine
from export.worker import Crashed, Worker

_READING_SECONDS = 120.0
_DIGITS = 1e-3  # by which a figure may differ here: kernels split their sums by the number of threads
_NEAR_ZERO = 1e-6


@dataclass(frozen=True)
class Finding:
    """One stage: whether what the file says holds, and what was compared."""

    stage: str
    holds: bool
    said: str


def format_of(path: Path) -> str:
    """The format of an artifact by its ending.

    Raises:
        Refused: there is no such file, or it has none of the endings that export writes.
    """
    if not path.exists():
        raise Refused("verify: the artifact must exist.", received=str(path), fix="check the path, or export first")
    endings = {formats.load(name).suffix: name for name in formats.names()}
    if path.suffix not in endings:
        raise Refused(
            "verify: the artifact must be one that export writes.",
            received=str(path),
            fix="a file or folder ending in " + ", ".join(sorted(endings)),
        )
    return endings[path.suffix]


def verify(path: Path, against: checkpoint.Opening, given: Path | None, limits: Limits = DEFAULT) -> list[Finding]:
    """Every stage, in order.

    Args:
        path: the artifact.
        against: the checkpoint that it says it was made from.
        given: samples; None: those beside the checkpoint.
        limits: of each call to a child process.

    Raises:
        Refused: a checkpoint or samples that can't serve, or a file that is no artifact at all.
    """
    return list(_stages(path, against, given, limits))


def _stages(path: Path, against: checkpoint.Opening, given: Path | None, limits: Limits) -> Iterator[Finding]:
    kind = format_of(path)
    with (
        Worker(limits=limits.within(_READING_SECONDS)) as reader,
        Worker(limits=limits) as converter,
        Worker(limits=limits) as runner,
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            seen = converter.call("export.tasks:look", format=kind, path=str(path))
        except (Refused, Crashed) as error:
            reason = error.received if isinstance(error, Refused) else error.reason
            yield Finding("file", False, f"it can't be read: {reason}")
            return
        held = Contract.from_json(seen["contract"], source=str(path)) if seen["contract"] else None
        if held is None or held.artifact is None or held.artifact.proof is None:
            yield Finding("contract", False, "the file says nothing of itself that could be held against it")
            return
        proof = held.artifact.proof
        yield Finding("file", True, f"{kind}, {files.size(path):,} bytes, its contract reads back")

        facts = reader.call("export.checkpoint:read", path=str(against))
        yield _same("checkpoint", held.provenance.checkpoint_sha256[:16], facts["sha256"][:16], "SHA-256")
        described = converter.call("export.tasks:describe", checkpoint=str(against))
        stated = subject.contract_of(against.path, facts, described)
        found = samples.load(
            subject.samples_path(given, against.path), [tensor.name for tensor in stated.graph().inputs]
        )
        ours = {graph.name for graph in stated.graphs}
        stream = held.graph().stream
        name = stream.of if stream else held.graph().name
        opening, contract = subject.part_of(against, stated, name if name in ours else "")
        scratch = Path(folder)
        evaluation = scratch / "evaluation.npz"
        tensors = subject.tensors(stated, found.evaluation, found.source)
        names = [tensor.name for tensor in contract.graph().inputs]
        arrays.write(evaluation, subject.within(converter, against, stated, names, tensors, scratch))
        out = scratch / "reference.npz"
        converter.call("export.tasks:reference", checkpoint=str(opening), tensors=str(evaluation), out=str(out))
        reference = arrays.read(out)
        truth = subject.truth_of(found, arrays.read(evaluation), reference, contract)
        contract = subject.scored(contract, found, reference, truth)
        if stream:
            contract = Proof.of(converter, opening, contract, str(evaluation), scratch).contract

        yield from _claimed(held, contract, subject.described(found))
        yield _same("precision", held.artifact.precision, seen["precision"], "of the bytes")
        yield _same(
            "payload",
            str(proof["payload"])[:16],
            _digest(converter, kind, path)[:16],
            "SHA-256 of all but the contract",
        )
        asked = str(held.artifact.quantization.get("asked", held.artifact.precision))
        tolerance = held.tolerance(asked)
        for runtime in formats.load(kind).runtimes:
            stage = f"outputs on {runtime}"
            told = proof["figures"].get(runtime)
            if not isinstance(told, dict):
                yield Finding(stage, False, "the file says nothing of these kernels")
                continue
            child = converter if formats.load(kind).needs_tensorflow else runner
            try:
                cost = child.call(
                    "export.tasks:measure", format=kind, path=str(path), runtime=runtime,
                    tensors=str(evaluation), out=str(out),
                )  # fmt: skip
            except (Refused, Crashed) as error:
                reason = error.received if isinstance(error, Refused) else error.reason
                yield Finding(stage, False, f"it does not run: {reason}")
                continue
            verdict = compare(reference, arrays.read(out), truth, contract, tolerance, runtime, cost)
            yield _figures(stage, told, claims(verdict), str(proof.get("machine")) == machine())


def _digest(converter: Worker, kind: str, path: Path) -> str:
    try:
        return str(converter.call("export.tasks:digest", format=kind, path=str(path)))
    except (Refused, Crashed):
        return "nothing: it can't be taken apart"


def _same(stage: str, told: str, found: str, what: str) -> Finding:
    said = f"{what} {found}" if told == found else f"{what} is {found}, the file says {told}"
    return Finding(stage, told == found, said)


def _claimed(held: Contract, derived: Contract, described: Mapping[str, Any]) -> Iterator[Finding]:
    """What the contract says of the model, its samples and its score."""
    assert held.artifact
    assert held.artifact.proof
    wrong = [
        field.name
        for field in dataclasses.fields(Contract)
        if field.name not in ("artifact", "provenance", "score")
        and getattr(held, field.name) != getattr(derived, field.name)
    ]
    said = f"the checkpoint gives another {', '.join(wrong)}" if wrong else "ends, frontends, labels and decoding"
    yield Finding("contract", not wrong, said)
    told, found = held.artifact.proof.get("samples"), dict(described)
    yield Finding(
        "samples",
        told == found and held.provenance.calibration == derived.provenance.calibration,
        f"{found['n']:,} for evaluation, {len(derived.provenance.calibration):,} for calibration"
        if told == found
        else f"these are {found['data']}, {found['n']:,}, {found['sha256']}; the file speaks of {told}",
    )
    if derived.score:
        yield Finding("score", held.score == derived.score, _scores(held.score, derived.score))


def _scores(told: Score | None, found: Score) -> str:
    said = f"{found.metric} of the checkpoint {found.value:.4f} on {found.n:,} samples"
    return said if told == found else f"{said}; the file says {told.value if told else None}"


def _figures(stage: str, told: Mapping[str, Any], found: Mapping[str, Any], here: bool) -> Finding:
    wrong = [
        f"{name} is {value}, the file says {told.get(name)}"
        for name, value in found.items()
        if not _near(told.get(name), value, exact=here or name in ("n", "passed"))
    ]
    if wrong:
        return Finding(stage, False, "; ".join(wrong))
    figures = ", ".join(f"{name} {value:.6g}" for name, value in found.items() if isinstance(value, float))
    elsewhere = "" if here else "; measured on another processor, so only the verdict is compared"
    return Finding(stage, True, f"{figures} on {found['n']:,} samples{elsewhere}")


def _near(told: Any, found: Any, *, exact: bool) -> bool:
    if isinstance(told, bool) or isinstance(found, bool) or not isinstance(found, float):
        return type(told) is type(found) and told == found
    if not exact:
        return isinstance(told, (int, float))
    return isinstance(told, (int, float)) and abs(told - found) <= _DIGITS * abs(found) + _NEAR_ZERO
