"""Converters and interpreters that take their process down: told, named, and alone in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export import pipeline
from export.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
SABOTAGE = Path(__file__).resolve().parent / "sabotage"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "export", *map(str, arguments)]


def faults(wishes: str, **more: object) -> dict[str, str]:
    """The environment in which children have these faults."""
    changes = {"PYTHONPATH": SABOTAGE, "EDGEPROOF_SABOTAGE": wishes, **more}
    return os.environ | {name: str(value) for name, value in changes.items()}


@pytest.fixture(scope="module")
def crashed(small: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """An export in which one converter aborts and one artifact dies in its interpreter, over an older file."""
    out = tmp_path_factory.mktemp("crashed")
    (out / "small.int8.tflite").write_bytes(b"an older artifact")
    done = subprocess.run(
        command(small.folder, "--out", out, "--to", "tflite", "tflm"), cwd=ROOT, capture_output=True, text=True,
        env=faults("tflite:int8:abort,tflite:f16:die running"),
    )  # fmt: skip
    return done, out


def test_the_crash_is_told_by_name_and_the_status_is_1(
    crashed: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, out = crashed
    assert done.returncode == 1, done.stderr
    lines = {line.split()[0]: line for line in done.stderr.splitlines() if line.startswith("  tfl")}
    assert "CRASHED" in lines["tflite:int8"]
    assert "SIGABRT" in lines["tflite:int8"]
    assert "CRASHED" in lines["tflite:f16"]
    assert "on xnnpack kernels: the converter's process died of SIGSEGV" in lines["tflite:f16"]
    assert "Traceback" not in done.stderr
    rows = [line for line in done.stdout.splitlines() if line.endswith("CRASHED")]
    assert [row.split()[0] for row in rows] == ["tflite:f16", "tflite:int8"]
    assert f"report: {out / 'report.html'}" in done.stdout


def test_everything_else_is_made_and_verified(crashed: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, out = crashed
    told = json.loads((out / "report.json").read_text())
    states = {(a["format"], a["asked"]): a["status"] for a in told["artifacts"]}
    assert states == {
        ("tflite", "f32"): "verified",
        ("tflite", "f16"): "crashed",
        ("tflite", "int8-dynamic"): "verified",
        ("tflite", "int8"): "crashed",
        ("tflite", "int16x8"): "verified",
        ("tflm", "int8"): "verified",
    }
    assert told["passed"] is False
    assert (out / "small.int8.tflm").is_dir()


def test_nothing_half_written_has_a_name_and_nothing_older_is_lost(
    crashed: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, out = crashed
    assert sorted(file.name for file in out.iterdir()) == [
        "report.html", "report.json", "small.f16.tflite", "small.f32.tflite", "small.int16x8.tflite",
        "small.int8-dynamic.tflite", "small.int8.tflite", "small.int8.tflm",
    ]  # fmt: skip
    assert (out / "small.int8.tflite").read_bytes() == b"an older artifact"
    assert (out / "small.f16.tflite").read_bytes()[4:8] == b"TFL3", "whole, though nothing could run it"


def test_the_report_quotes_what_the_process_said_last(
    crashed: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, out = crashed
    told = json.loads((out / "report.json").read_text())
    (aborted,) = [a for a in told["artifacts"] if a["asked"] == "int8" and a["format"] == "tflite"]
    assert "the converter met something unheard of" in aborted["log"]
    assert (aborted["file"], aborted["verdicts"]) == ("", [])
    page = (out / "report.html").read_text()
    assert "the converter met something unheard of" in page
    assert "small.int8.tflite" in page, "an older file of that name lies there, and the page must say so"


def test_a_killed_export_leaves_no_half_file_under_a_final_name(
    small: Any, worker: Worker, export: Callable[..., pipeline.Outcome], tmp_path: Path
) -> None:
    out, note = tmp_path / "out", tmp_path / "note"
    running = subprocess.Popen(
        command(small.folder, "--out", out, "--to", "tflite:f32", "onnx:f32", "tflm:int8"), cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=faults("onnx:f32:hang", EDGEPROOF_SABOTAGE_NOTE=note),
    )  # fmt: skip
    try:
        while not (note.is_file() and note.read_text()):
            assert running.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
    finally:
        running.kill()
        running.wait()
    with contextlib.suppress(ProcessLookupError):  # where a child does not end with its parent, it goes on for minutes
        os.kill(int(note.read_text()), signal.SIGKILL)
    left = sorted(path.name for path in out.iterdir())
    assert [name for name in left if not name.startswith(".")] == ["small.f32.tflite"]
    assert [name for name in left if name.startswith(".partial-")], "it was not killed in the middle of anything"
    told = worker.call("export.tasks:look", format="tflite", path=str(out / "small.f32.tflite"))
    assert told["contract"]

    again = export(small.folder, "onnx:f32", out=out)
    assert again.passed
    assert sorted(path.name for path in out.iterdir()) == ["small.f32.onnx", "small.f32.tflite"]


def test_a_child_whose_parent_is_gone_ends_by_itself(tmp_path: Path) -> None:
    script = (
        "import os, signal\nfrom export.worker import Worker\nworker = Worker()\nworker.call('export.formats:names')\n"
        "print(worker._child.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    child = int(done.stdout)
    for _ in range(500):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if "Z" in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[:1]:
            return  # ended; whoever adopted it has not looked yet
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child went on without its parent")
