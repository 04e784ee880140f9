"""`--streaming`: step files in every format, held against the whole model, and what the runner makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeproof
from edgeproof.cli import main as run
from edgeproof.errors import Refused
from edgeproof.samples import Samples
from export import arrays, formats, pipeline
from export.streaming import tasks
from export.worker import Worker

LAYERS: list[Any] = [
    ["Conv1D", {"filters": 12, "kernel_size": 3, "activation": "relu", "name": "conv"}],
    ["LSTM", {"units": 24, "name": "lstm"}],
    ["Dense", {"units": 3, "name": "scores"}],
]
TIME, FEATURES = 20, 4
ASKED = ("tflite:f32", "tflite:int8", "onnx:f32", "graphdef:f32")


def sequences(n: int, seed: int) -> np.ndarray:
    """(n, time, features) float32 that change slowly."""
    drawn = np.random.default_rng(seed).normal(size=(n, TIME + 4, FEATURES))
    return np.stack([drawn[:, t : t + 4].mean(axis=1) for t in range(TIME)], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def checkpoint(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream") / "stream"
    folder.mkdir()
    worker.call("steppers:save", path=str(folder / "stream.h5"), layers=LAYERS, features=FEATURES, time=TIME)
    Samples({"frames": sequences(30, 1)}, {"frames": sequences(30, 2)}).write(folder / "samples.npz")
    return folder


@pytest.fixture(scope="module")
def streamed(checkpoint: Path, export: Callable[..., pipeline.Outcome], tmp_path_factory: Any) -> pipeline.Outcome:
    return export(checkpoint, *ASKED, out=tmp_path_factory.mktemp("streamed"), streaming=True)


def test_steps_go_as_the_whole_model(streamed: pipeline.Outcome) -> None:
    assert [(r.status, r.reason) for r in streamed.results] == [("verified", "")] * len(ASKED)


@pytest.mark.all
def test_every_format_steps_as_the_whole_model(
    checkpoint: Path, export: Callable[..., pipeline.Outcome], tmp_path: Path
) -> None:
    results = export(checkpoint, out=tmp_path, streaming=True).results
    states = {f"{r.format}:{r.asked}": (r.status, r.reason) for r in results}
    assert states == {
        f"{kind}:{p}": ("verified", "") for kind in formats.names() for p in formats.load(kind).precisions
    }


def test_files_are_named_and_labelled_as_steps(streamed: pipeline.Outcome) -> None:
    for result in streamed.results:
        assert result.file.startswith(f"stream.step.{result.asked}")
        assert result.precision == result.asked


def test_the_report_holds_the_proof(streamed: pipeline.Outcome) -> None:
    for result in streamed.results:
        checks = {check.name: check for check in result.checks}
        assert checks["stepping"].passed
        assert "1,000 steps" in checks["stepping"].said
        assert checks["drift"].passed
        runtimes = formats.load(result.format).runtimes
        assert set(result.notes["drift"]) == set(runtimes)
        assert all(len(quarters) == tasks.QUARTERS for quarters in result.notes["drift"].values())


def test_another_model_s_steps_are_far_from_the_proof(
    worker: Worker, streamed: pipeline.Outcome, tmp_path: Path
) -> None:
    """What `drift` measures must tell a wrong file from a right one."""
    other = tmp_path / "other.h5"
    worker.call("steppers:save", path=str(other), layers=LAYERS, features=FEATURES, time=TIME, seed=9)
    arrays.write(tmp_path / "evaluation.npz", {"frames": sequences(30, 1)})
    proof = str(tmp_path / "proof.npz")
    found = worker.call(
        "export.streaming.tasks:proof", checkpoint=str(other), tensors=str(tmp_path / "evaluation.npz"), out=proof
    )
    assert found["relative"] < 1e-5
    file = streamed.out / "stream.step.f32.tflite"
    drift = worker.call("export.streaming.tasks:drift", format="tflite", path=str(file), runtime="xnnpack", proof=proof)
    assert min(drift) > 0.25


@pytest.mark.parametrize("name", ["stream.step.f32.tflite", "stream.step.int8.tflite", "stream.step.f32.onnx"])
def test_a_lone_step_file_answers_as_the_checkpoint(streamed: pipeline.Outcome, name: str) -> None:
    model = edgeproof.load(streamed.out / name)
    found = model.outputs({"frames": sequences(30, 1)})["scores"]
    reference = streamed.reference["scores"]
    limit = 0.1 if "int8" in name else 1e-5
    assert np.linalg.norm(found - reference) / np.linalg.norm(reference) < limit


def test_int8_states_are_integers_that_mean_the_same_on_both_ends(streamed: pipeline.Outcome) -> None:
    session = edgeproof.load(streamed.out / "stream.step.int8.tflite").session
    ports = {port.name: port for port in (*session.inputs, *session.outputs)}
    for state in ("conv.past", "lstm.h", "lstm.c"):
        before, after = ports[state], ports[f"{state}.next"]
        assert before.dtype.kind == "i"
        assert (before.dtype, before.scale, before.zero_point) == (after.dtype, after.scale, after.zero_point)
    assert ports["lstm.c"].dtype == np.int16
    assert ports["lstm.h"].dtype == np.int8


def test_the_command_line_steps_through_a_sequence(
    streamed: pipeline.Outcome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "one.npy", sequences(30, 1)[0])
    assert run(["run", str(streamed.out / "stream.step.f32.tflite"), str(tmp_path / "one.npy"), "--json"]) == 0
    assert '"scores"' in capsys.readouterr().out
    assert run(["inspect", str(streamed.out / "stream.step.f32.tflite")]) == 0
    assert "states conv.past, lstm.h, lstm.c" in capsys.readouterr().out


def test_a_model_that_can_not_stream_is_refused_with_the_layer(
    worker: Worker, export: Callable[..., pipeline.Outcome], tmp_path: Path
) -> None:
    layers = [["Flatten", {"name": "flat"}], ["Dense", {"units": 2}]]
    worker.call("steppers:save", path=str(tmp_path / "flat.h5"), layers=layers, features=FEATURES, time=TIME)
    Samples({"frames": sequences(8, 1)}).write(tmp_path / "samples.npz")
    with pytest.raises(Refused, match='Flatten "flat"'):
        export(tmp_path, "tflite:f32", out=tmp_path / "out", streaming=True)
