"""`python -m export verify`: what a file says of itself holds, and whatever is changed in it is named by its stage."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.contract import Contract
from export import flatbuffer, formats, pipeline
from export.quantize.flat import Flat
from export.worker import Worker

KINDS = [("tflite", "int8"), ("tflite", "f32"), ("onnx", "int8"), ("graphdef", "f32"), ("tflm", "int8")]


@pytest.fixture
def held(cli: Any, small: Any) -> Callable[[Path], Any]:
    """`held(path)`: verify an artifact of the small model."""

    def act(path: Path, against: Path | None = None) -> Any:
        given = ("--samples", small.folder / "samples.npz")
        return cli("verify", path, "--against", against or small.checkpoint, *given)

    return act


def artifact(made: pipeline.Outcome, kind: str, precision: str, to: Path) -> Path:
    """A copy of one artifact."""
    result = next(r for r in made.results if (r.format, r.asked) == (kind, precision))
    source, target = made.out / result.file, to / result.file
    shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    return target


def failing(said: Any) -> list[str]:
    return [line[7:].split("  ")[0] for line in said.out.splitlines() if line.startswith("FAILS")]


@pytest.mark.parametrize(("kind", "precision"), KINDS)
def test_what_was_exported_holds(made: pipeline.Outcome, held: Any, tmp_path: Path, kind: str, precision: str) -> None:
    said = held(artifact(made, kind, precision, tmp_path))
    assert (said.status, failing(said)) == (0, [])
    stages = {line[7:].split("  ")[0] for line in said.out.splitlines()[:-1]}
    outputs = {f"outputs on {runtime}" for runtime in formats.load(kind).runtimes}
    assert stages == {"file", "checkpoint", "contract", "samples", "score", "precision", "payload"} | outputs


def rewritten(path: Path, change: Callable[[Flat], None], worker: Worker, *, claim: bool = False) -> None:
    """Change a .tflite and pack it with its contract; `claim` also forges the digest that the contract states."""
    contract = Contract.from_json(worker.call("export.tasks:look", format="tflite", path=str(path))["contract"])
    flat = Flat(path.read_bytes())
    change(flat)
    path.write_bytes(flatbuffer.pack(flat.model))
    if claim:
        assert contract.artifact
        proof = {**(contract.artifact.proof or {})}
        worker.call("export.tasks:attest", format="tflite", path=str(path), proof=proof)


def constant(flat: Flat, kind: Any) -> int:
    """The largest constant of a type."""
    found = [t for t in range(len(flat.graph.tensors)) if (v := flat.constant(t)) is not None and v.dtype == kind]
    return max(found, key=lambda t: flat.constant(t).size)  # type: ignore[union-attr]


def weight(flat: Flat) -> None:
    """One weight, by one step."""
    buffer = flat.model.buffers[flat.graph.tensors[constant(flat, np.int8)].buffer]
    data = np.frombuffer(bytes(buffer.data), np.int8).copy()
    data[7] += 1 if data[7] < 0 else -1
    buffer.data = data.tobytes()


def scale(flat: Flat) -> None:
    """The scales of a weight and of its bias, by a tenth: an activation's scales what is read and written alike."""
    last = list(flat.operators())[-1]
    for tensor in map(int, last.inputs[1:]):
        quantization = flat.graph.tensors[tensor].quantization
        quantization.scale = np.asarray(quantization.scale) * np.float32(1.1)


def swapped(flat: Flat) -> None:
    """Rows of the last layer, so that classes change places."""
    last = list(flat.operators())[-1]
    for tensor in map(int, last.inputs[1:]):
        entry = flat.graph.tensors[tensor]
        value = flat.constant(tensor)
        assert value is not None
        flat.model.buffers[entry.buffer].data = np.ascontiguousarray(value[::-1]).tobytes()
        if entry.quantization is not None and len(entry.quantization.scale) > 1:
            entry.quantization.scale = np.asarray(entry.quantization.scale)[::-1].copy()


@pytest.mark.parametrize("change", [weight, scale, swapped])
def test_a_changed_file_is_found_by_its_digest(
    made: pipeline.Outcome, held: Any, worker: Worker, tmp_path: Path, change: Callable[[Flat], None]
) -> None:
    path = artifact(made, "tflite", "int8", tmp_path)
    rewritten(path, change, worker)
    said = held(path)
    assert said.status == 1
    assert "payload" in failing(said)
    assert f"{path} is not what it says: " in said.out


@pytest.mark.parametrize("change", [scale, swapped])
def test_a_forged_digest_does_not_hide_other_outputs(
    made: pipeline.Outcome, held: Any, worker: Worker, tmp_path: Path, change: Callable[[Flat], None]
) -> None:
    path = artifact(made, "tflite", "int8", tmp_path)
    rewritten(path, change, worker, claim=True)
    said = held(path)
    assert said.status == 1
    assert failing(said) == ["outputs on xnnpack", "outputs on reference"]


def restated(path: Path, worker: Worker, change: Callable[[Contract], Contract]) -> None:
    """Another contract in a GraphDef, which is nothing but a serialized attribute there."""
    contract = Contract.from_json(worker.call("export.tasks:look", format="graphdef", path=str(path))["contract"])
    worker.call("verification_children:embed", path=str(path), contract=change(contract).to_json())


def with_proof(contract: Contract, **figures: Any) -> Contract:
    assert contract.artifact
    assert contract.artifact.proof
    told = contract.artifact.proof["figures"]["tensorflow"]
    proof = {**contract.artifact.proof, "figures": {"tensorflow": {**told, **figures}}}
    return dataclasses.replace(contract, artifact=dataclasses.replace(contract.artifact, proof=proof))


CLAIMS: dict[str, tuple[str, Callable[[Contract], Contract]]] = {
    "another checkpoint": (
        "checkpoint",
        lambda c: dataclasses.replace(c, provenance=dataclasses.replace(c.provenance, checkpoint_sha256="0" * 64)),
    ),
    "a better score": (
        "score",
        lambda c: dataclasses.replace(c, score=c.score and dataclasses.replace(c.score, value=0.5)),
    ),
    "other labels": ("contract", lambda c: dataclasses.replace(c, labels=("one", "two", "three"))),
    "other frontends": ("contract", lambda c: dataclasses.replace(c, frontends=())),
    "fewer calibration samples": (
        "samples",
        lambda c: dataclasses.replace(c, provenance=dataclasses.replace(c.provenance, calibration=("00000000",))),
    ),
    "a smaller distance": ("outputs on tensorflow", lambda c: with_proof(c, relative_l2=0.01)),
    "another precision": (
        "precision",
        lambda c: dataclasses.replace(c, artifact=c.artifact and dataclasses.replace(c.artifact, precision="int8")),
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_contract_that_says_what_is_not_so_is_found_by_its_stage(
    made: pipeline.Outcome, held: Any, worker: Worker, tmp_path: Path, claim: str
) -> None:
    stage, change = CLAIMS[claim]
    path = artifact(made, "graphdef", "f32", tmp_path)
    restated(path, worker, change)
    said = held(path)
    assert (said.status, failing(said)) == (1, [stage])


def test_a_file_of_another_checkpoint_is_stale(made: pipeline.Outcome, held: Any, small: Any, tmp_path: Path) -> None:
    path = artifact(made, "onnx", "f32", tmp_path)
    copy = small.copy(tmp_path / "later")
    import h5py

    with h5py.File(copy.checkpoint, "r+") as file:
        kernel = file["model_weights/logits"]
        names: list[str] = []
        kernel.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        kernel[names[0]][...] = kernel[names[0]][...] * 1.5
    said = held(path, copy.checkpoint)
    assert said.status == 1
    assert {"checkpoint", "outputs on onnxruntime"} <= set(failing(said))


def test_what_is_no_artifact_is_refused(cli: Any, small: Any, tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "none.tflite", "must exist"),
        (small.checkpoint, "one that export writes"),
    ):
        said = cli("verify", path, "--against", small.checkpoint)
        assert said.status == 2
        assert words in said.err


def test_a_damaged_file_fails_and_a_foreign_one_says_nothing(
    made: pipeline.Outcome, held: Any, worker: Worker, tmp_path: Path
) -> None:
    path = artifact(made, "tflite", "f32", tmp_path)
    path.write_bytes(path.read_bytes()[:-3000])
    said = held(path)
    assert (said.status, failing(said)) == (1, ["file"])
    path = artifact(made, "tflite", "int8", tmp_path)
    flat = Flat(path.read_bytes())
    flat.model.metadata = []
    path.write_bytes(flatbuffer.pack(flat.model))
    said = held(path)
    assert (said.status, failing(said)) == (1, ["contract"])


def test_the_proof_in_a_file_is_what_the_report_says(made: pipeline.Outcome, worker: Worker) -> None:
    for result in made.results:
        told = worker.call("export.tasks:look", format=result.format, path=str(made.out / result.file))
        contract = json.loads(told["contract"])
        figures = contract["artifact"]["proof"]["figures"]
        assert set(figures) == {v.runtime for v in result.verdicts}
        for verdict in result.verdicts:
            assert figures[verdict.runtime]["score"] == pytest.approx(verdict.score, rel=1e-5)
            assert figures[verdict.runtime]["n"] == 120
            assert figures[verdict.runtime]["passed"] is verdict.passed
