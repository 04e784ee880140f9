"""Damaged artifacts before `export verify`: each is found out, in words, and none ends the command."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeproof.errors import Refused
from export import pipeline, verification
from export.checkpoint import Opening
from export.worker import Worker

from . import models, raw


@pytest.mark.parametrize("count", [12, pytest.param(150, marks=pytest.mark.all)])
def test_no_damaged_artifact_is_verified(
    small: Any, export: Callable[..., pipeline.Outcome], worker: Worker, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, count: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(verification, "Worker", lambda **_: contextlib.nullcontext(worker))
    export(small.folder, "tflite:int8", "onnx:f32", out=tmp_path)
    whole = {suffix: next(tmp_path.glob(f"*{suffix}")).read_bytes() for suffix in (".tflite", ".onnx")}
    stages: dict[str, int] = {}
    for number in range(count):
        rng = random.Random(f"verify {number}")
        suffix = rng.choice(sorted(whole))
        data = whole[suffix]
        known = rng.random() < 0.6
        make = models.tflite if suffix == ".tflite" else models.onnx
        try:
            changed = make(data, rng) if known else raw.change(data, b"", rng)
        except Exception:
            changed = raw.change(data, b"", rng)
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(changed)
        try:
            findings = verification.verify(path, Opening(small.checkpoint), None)
        except Refused:
            stages["refused"] = stages.get("refused", 0) + 1
            continue
        broken = [finding.stage for finding in findings if not finding.holds]
        stage = broken[0] if broken else "nothing"
        stages[stage] = stages.get(stage, 0) + 1
    print(stages)
    # Some changes change nothing that a file is: padding, a name that nobody reads, an entry written twice.
    assert stages.get("nothing", 0) <= 0.1 * count, stages
