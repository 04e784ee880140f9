"""A run that was stopped, or killed at any moment, goes on to the very bits of one that was not."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from models import layers
from train import checkpoint
from train.__main__ import main

assert layers  # imported for Keras to know them

ROOT = Path(__file__).resolve().parents[2]

# Augmentation is on, so that its draws must be resumed too; the cosine must know all four epochs from the start.
SETTINGS = ["--set", "epochs=4", "--set", "shift=1", "--set", "rotate=5"]

# Runs `main` on each list of arguments in turn, in one process. A list may begin with a place to stop at: "interrupt"
# is Ctrl-C after two epochs, "kill" is SIGKILL when the third epoch's checkpoint lies whole under its temporary name.
DRIVER = """
import json, os, signal, sys
from train import checkpoint
from train.__main__ import main

write, replace = checkpoint.write, os.replace
stop = None


def stopping_write(path, model, contract, state=None):
    global stop
    if stop == "kill" and state and state.epoch == 3:
        os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
    write(path, model, contract, state)
    if stop == "interrupt" and state and state.epoch == 2:
        stop = None
        raise KeyboardInterrupt


checkpoint.write = stopping_write
answers = []
for stop, *arguments in json.loads(sys.argv[1]):
    answers.append(main(["lenet5", "--tiny", "--quiet", *arguments]))
print(json.dumps(answers))
"""


def drive(*jobs: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DRIVER, json.dumps(jobs)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )


def answers(process: subprocess.Popen[str]) -> list[int]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return list(json.loads(out.splitlines()[-1]))


def weights(path: Path) -> dict[str, bytes]:
    """Every weight in the file, by its full name, as bytes."""
    found = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item.dtype.str.encode() + str(item.shape).encode() + np.asarray(item).tobytes()

    with h5py.File(path, "r") as file:
        file["model_weights"].visititems(keep)
    assert found
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `whole`, `stopped` and `resumed`, each with runs of the variants 1998 (interrupted) and relu (killed)."""
    folder = tmp_path_factory.mktemp("runs")

    def job(stop: str, where: str, variant: str, *more: str) -> list[str]:
        return [stop, "--out", str(folder / where / variant), "--set", f"variant={variant}", *SETTINGS, *more]

    # Side by side, and in another order: what ran before in the same process must make no difference.
    whole = drive(job("", "whole", "relu"), job("", "whole", "1998"))
    stopped = drive(job("interrupt", "stopped", "1998"), job("kill", "stopped", "relu"))
    assert answers(whole) == [0, 0]
    _, err = stopped.communicate()
    assert stopped.returncode == -signal.SIGKILL, err
    shutil.copytree(folder / "stopped", folder / "resumed")
    resume = [[*job("", "resumed", variant), "--resume"] for variant in ("relu", "1998")]
    assert answers(drive(*resume)) == [0, 0]
    return folder


@pytest.mark.parametrize(("variant", "epochs"), [("1998", 2), ("relu", 2)])
def test_a_stopped_run_leaves_a_checkpoint_that_keras_loads(runs: Path, variant: str, epochs: int) -> None:
    path = runs / "stopped" / variant / "lenet5.h5"
    model = keras.saving.load_model(path, compile=False)
    assert np.isfinite(np.concatenate([w.ravel() for w in model.get_weights()])).all()
    state = checkpoint.read_state(path)
    assert state is not None
    assert state.epoch == len(state.history) == epochs


@pytest.mark.parametrize("variant", ["1998", "relu"])
def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one_bit_by_bit(runs: Path, variant: str) -> None:
    whole, stopped, resumed = (
        weights(runs / where / variant / "lenet5.h5") for where in ("whole", "stopped", "resumed")
    )
    assert resumed == whole
    assert stopped.keys() == whole.keys()
    assert stopped != whole, "two epochs more must change something, or this test shows nothing"


@pytest.mark.parametrize("variant", ["1998", "relu"])
def test_a_resumed_run_tells_the_same_story(runs: Path, variant: str) -> None:
    def told(where: str) -> tuple[str, dict[str, Any], bytes]:
        folder = runs / where / variant
        facts = json.loads((folder / "run.json").read_text())
        kept = {key: facts[key] for key in ("settings", "data", "score", "parameters", "versions")}
        return (folder / "history.csv").read_text(), kept, (folder / "samples.npz").read_bytes()

    assert told("resumed") == told("whole")
    assert len((runs / "resumed" / variant / "history.csv").read_text().splitlines()) == 1 + 4
    assert checkpoint.read_state(runs / "resumed" / variant / "lenet5.h5") is None


def test_what_a_killed_run_left_half_written_is_swept(runs: Path) -> None:
    assert list((runs / "stopped" / "relu").glob(".partial-*")), "the kill must have come between write and rename"
    assert not list((runs / "resumed" / "relu").glob(".*"))


@pytest.fixture
def stopped(runs: Path, tmp_path: Path) -> Path:
    """A copy of the stopped run of variant relu."""
    shutil.copytree(runs / "stopped" / "relu", tmp_path / "stopped")
    return tmp_path / "stopped"


@pytest.mark.parametrize(
    ("more", "received"),
    [
        (["--set", "learning_rate=0.5"], "learning_rate=0.5 (was 0.002)"),
        (["--set", "variant=sigmoid", "--set", "epochs=9"], "variant=sigmoid (was relu), epochs=9 (was 4)"),
        (["--set", "seed=3"], "seed=3 (was 0)"),
    ],
)
def test_resuming_under_other_settings_is_refused(
    stopped: Path, capsys: pytest.CaptureFixture[str], more: list[str], received: str
) -> None:
    before = (stopped / "lenet5.h5").read_bytes()
    assert main(["lenet5", "--tiny", "--resume", "--out", str(stopped), *more]) == 2
    told = capsys.readouterr().err
    assert "--resume goes on with the settings and data that the checkpoint was begun with" in told
    assert f"received: {received}\n" in told
    assert (stopped / "lenet5.h5").read_bytes() == before


def test_resuming_with_other_data_is_refused(
    stopped: Path, capsys: pytest.CaptureFixture[str], mnist_folder: Callable[..., Path]
) -> None:
    before = (stopped / "lenet5.h5").read_bytes()
    data = ["--data", "mnist", "--data-dir", str(mnist_folder())]
    assert main(["lenet5", "--tiny", "--resume", "--out", str(stopped), *data]) == 2
    assert "received: other data\n" in capsys.readouterr().err
    assert (stopped / "lenet5.h5").read_bytes() == before


def test_resuming_a_finished_run_says_so(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "finished"
    shutil.copytree(runs / "whole" / "relu", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert main(["lenet5", "--tiny", "--resume", "--out", str(out)]) == 0
    assert "lenet5.h5 is finished; nothing to resume" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.all
def test_killed_again_and_again_a_run_still_ends_in_the_same_bits(tmp_path: Path) -> None:
    common = ["lenet5", "--tiny", "--set", "epochs=40", "--set", "shift=1", "--set", "rotate=5", "--out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(out: Path, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "train", *common, str(out), *more]
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )

    def finish(process: subprocess.Popen[str]) -> str:
        _, err = process.communicate()
        assert process.returncode == 0, err
        return err

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start(whole))
    done = 0
    for attempt in range(4):
        process = start(killed, *(["--resume"] if attempt else []))
        assert process.stderr is not None
        for line in process.stderr:  # until this process has finished an epoch of its own
            if re.match(r"epoch \d+/40", line):
                break
        time.sleep(random.uniform(0.0, 0.5))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the run was over before it could be killed"
        keras.saving.load_model(killed / "lenet5.h5", compile=False)
        state = checkpoint.read_state(killed / "lenet5.h5")
        assert state is not None
        assert done < state.epoch < 40
        done = state.epoch
    assert f"epoch {done + 1}/40" in finish(start(killed, "--resume"))
    assert weights(killed / "lenet5.h5") == weights(whole / "lenet5.h5")
    assert (killed / "history.csv").read_text() == (whole / "history.csv").read_text()
