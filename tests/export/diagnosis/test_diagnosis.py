"""A crash that says nothing is followed to the layer that it is due to, at any depth, in bounded time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import arrays, diagnosis
from export.checkpoint import Opening
from export.limits import Limits
from export.quantize.plan import DEFAULT
from export.worker import Crashed, Worker

pytestmark = pytest.mark.timeout(900)

HERE = Path(__file__).resolve().parent
PLACES = os.pathsep.join(map(str, (HERE.parents[2], HERE)))


@pytest.fixture(scope="module")
def helper() -> Iterator[Worker]:
    with Worker(environment={"PYTHONPATH": PLACES}) as worker:
        yield worker


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is named must not depend on what else the machine does; that the time is bounded has a test of its own."""
    monkeypatch.setattr(diagnosis, "_SECONDS", {"time": 600.0})
    monkeypatch.setattr(diagnosis, "_SECONDS_ELSE", 600.0)


def attempt(helper: Worker, folder: Path, how: str, depth: Any, precision: str = "f32") -> diagnosis.Attempt:
    path = folder / f"{how}-{depth}.keras"
    helper.call("traps:save", path=str(path), how=how, depth=depth)
    rng = np.random.default_rng(0)
    calibration = folder / "calibration.npz"
    arrays.write(calibration, {n: rng.normal(size=(20, w)).astype(np.float32) for n, w in (("a", 6), ("b", 4))})
    opening = Opening(path, custom_objects=HERE / "traps.py")
    return diagnosis.Attempt(opening, "tflite", precision, str(calibration), DEFAULT.to_dict())


def crash_of(worker: Worker, tried: diagnosis.Attempt) -> Crashed:
    """As the whole model fails when it is exported."""
    arguments = {"format": tried.format, "precision": tried.precision, "plan": dict(tried.plan)}
    with pytest.raises(Crashed) as crash:
        worker.call(
            "export.diagnosis.cut:attempt", checkpoint=str(tried.opening), within=[], first=0, last=99,
            calibration=tried.calibration, runtime="", **arguments,
        )  # fmt: skip
    return crash.value


def named(helper: Worker, folder: Path, how: str, depth: Any, limits: Limits, precision: str = "f32") -> str:
    tried = attempt(helper, folder, how, depth, precision)
    with Worker(environment={"PYTHONPATH": PLACES}, limits=limits) as worker:
        crash = crash_of(worker, tried)
        return diagnosis.diagnose(tried, crash, worker)


USUAL = Limits(bytes=4 << 30)


@pytest.mark.all
@pytest.mark.parametrize("depth", [0, 4, "end", "inner"])
def test_a_layer_that_raises_is_named_at_any_depth(helper: Worker, tmp_path: Path, depth: Any) -> None:
    tried = attempt(helper, tmp_path, "raise", depth, "int8" if depth == 4 else "f32")
    crash = crash_of(helper, tried)
    assert "something was not found" in crash.reason
    said = diagnosis.diagnose(tried, crash, helper)
    path = "inner/trap" if depth == "inner" else "trap"
    assert f'Trap "{path}" {{"how": "raise", "units": 7}}, by itself too' in said


@pytest.mark.all
def test_a_layer_that_dies_is_named(helper: Worker, tmp_path: Path) -> None:
    assert 'Trap "trap"' in named(helper, tmp_path, "abort", 3, USUAL)


@pytest.mark.all
@pytest.mark.parametrize("depth", [0, 2, 6, "end", "inner"])
@pytest.mark.parametrize("how", ["segv", "abort"])
def test_deaths_at_every_depth(helper: Worker, tmp_path: Path, how: str, depth: Any) -> None:
    assert "trap" in named(helper, tmp_path, how, depth, USUAL)


@pytest.mark.all
def test_a_layer_that_hangs_is_named(helper: Worker, tmp_path: Path) -> None:
    assert 'Trap "trap"' in named(helper, tmp_path, "hang", 5, Limits(seconds=20))


@pytest.mark.all
def test_a_layer_that_takes_all_memory_is_named(helper: Worker, tmp_path: Path) -> None:
    assert 'Trap "trap"' in named(helper, tmp_path, "allocate", 5, Limits(bytes=3 << 30))


@pytest.mark.all
def test_what_does_not_fail_again_is_said_to(helper: Worker, tmp_path: Path) -> None:
    tried = attempt(helper, tmp_path, "none", 3)
    assert "did not fail" in diagnosis.diagnose(tried, Crashed("died", "", "died"), helper)


@pytest.mark.all
def test_a_converter_that_always_fails_blames_no_layer(helper: Worker, tmp_path: Path) -> None:
    tried = attempt(helper, tmp_path, "none", 3)
    sabotage = {
        "PYTHONPATH": f"{HERE.parent / 'sabotage'}{os.pathsep}{PLACES}",
        "EDGEPROOF_SABOTAGE": "tflite:f32:abort",
    }
    with Worker(environment=sabotage) as worker:
        assert "no layer is to blame" in diagnosis.diagnose(tried, Crashed("died", "", "died"), worker)


def test_the_time_is_bounded_and_it_says_so(helper: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_SECONDS_ELSE", 0.5)
    tried = attempt(helper, tmp_path, "abort", 3)
    begun = time.monotonic()
    assert "no layer was named within" in diagnosis.diagnose(tried, Crashed("died", "", "died"), helper)
    assert time.monotonic() - begun < 10
