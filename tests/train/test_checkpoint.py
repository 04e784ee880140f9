"""The checkpoint file: whole, readable by Keras alone, and replaced in one step or not at all."""

import errno
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from edgeproof.contract import Contract, Decode, Graph, Tensor
from edgeproof.errors import Refused, Unwritable
from train import checkpoint
from train.checkpoint import State

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    x = keras.Input((3,), name="x")
    y = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(4, name="dense")(x))
    return keras.Model(x, y, name="small")


def contract(labels: int = 4) -> Contract:
    ends = (Tensor("x", (None, 3)),), (Tensor("norm", (None, 4)),)
    names = tuple(f"class number {i}, called é{i}" for i in range(labels))
    return Contract("small", (Graph("main", *ends),), decode=Decode("classify", "norm"), labels=names)


def state(**changes: Any) -> State:
    rng = np.random.default_rng(0)
    variables = [
        rng.normal(size=(2, 3)).astype(np.float32),
        np.array(7, np.int64),
        np.array([2**63, 1], np.uint64),
        np.array([math.nan, math.inf, -0.0, 1e-45], np.float32),
        np.zeros((0, 3), np.float32),
    ]
    history = [{"loss": 0.1, "validation_score": 1 / 3}, {"loss": 1e-300, "validation_score": 1.0}]
    return State(**{**vars(State(2, history, {"epochs": 5, "variant": "relu"}, "hash", variables, 1.5)), **changes})


def stored_contract(path: Path) -> Contract:
    with h5py.File(path, "r") as file:
        return Contract.from_json(file.attrs[Contract.KEY])


def same_model(path: Path, model: keras.Model) -> bool:
    again = keras.saving.load_model(path, compile=False)
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    return bool((again(x).numpy() == model(x).numpy()).all())


def test_the_contract_lies_in_the_file_that_keras_loads(tmp_path: Path, model: keras.Model) -> None:
    path = tmp_path / "c.h5"
    checkpoint.write(path, model, contract())
    assert stored_contract(path) == contract()
    assert same_model(path, model)
    assert checkpoint.read_state(path) is None


def test_a_contract_of_many_labels_fits(tmp_path: Path, model: keras.Model) -> None:
    path, large = tmp_path / "c.h5", contract(labels=20_000)
    assert len(large.to_json()) > 8 * 65536, "HDF5's limit for an attribute within the object header is 64 KB"
    checkpoint.write(path, model, large, state())
    assert stored_contract(path) == large
    assert same_model(path, model)


def test_a_state_comes_back_bit_by_bit(tmp_path: Path, model: keras.Model) -> None:
    path, kept = tmp_path / "c.h5", state()
    checkpoint.write(path, model, contract(), kept)
    found = checkpoint.read_state(path)
    assert found is not None
    assert (found.epoch, found.history, found.settings) == (kept.epoch, kept.history, kept.settings)
    assert (found.data_sha256, found.seconds) == (kept.data_sha256, kept.seconds)
    for a, b in zip(found.variables, kept.variables, strict=True):
        assert (np.asarray(a).dtype, np.shape(a), np.asarray(a).tobytes()) == (b.dtype, b.shape, b.tobytes())


def test_a_finished_checkpoint_drops_the_state(tmp_path: Path, model: keras.Model) -> None:
    path = tmp_path / "c.h5"
    checkpoint.write(path, model, contract(), state())
    assert checkpoint.read_state(path) is not None
    checkpoint.write(path, model, contract())
    assert checkpoint.read_state(path) is None


def test_there_must_be_a_checkpoint_to_resume(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="--resume needs a checkpoint to go on from"):
        checkpoint.read_state(tmp_path / "absent.h5")


def test_a_damaged_checkpoint_is_not_resumed(tmp_path: Path, model: keras.Model) -> None:
    path = tmp_path / "c.h5"
    checkpoint.write(path, model, contract(), state())
    whole = path.read_bytes()
    for damaged in (b"", b"not HDF5" * 100, whole[:100], whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(damaged)
        with pytest.raises(Refused, match="--resume needs a whole checkpoint"):
            checkpoint.read_state(path)


@pytest.mark.parametrize("head", ["", "[]", "{}", '{"variables": 9}', '{"variables": "x"}', '{"variables": 5}'])
def test_a_state_that_lacks_something_is_not_resumed(tmp_path: Path, model: keras.Model, head: str) -> None:
    path = tmp_path / "c.h5"
    checkpoint.write(path, model, contract(), state())
    with h5py.File(path, "r+") as file:
        file[checkpoint.STATE].attrs["state"] = head
    with pytest.raises(Refused, match="--resume needs a whole checkpoint"):
        checkpoint.read_state(path)


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_write_that_fails_leaves_the_previous_checkpoint_and_nothing_else(
    tmp_path: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "c.h5"
    checkpoint.write(path, model, contract())
    before = path.read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(Unwritable, match="room on the disk"):
            checkpoint.write(path, model, contract(), state())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# --- disks that are really full ---

STARVED = """
import contextlib, io, json, os, resource, shutil, subprocess, sys
from pathlib import Path
from train.__main__ import main

finished, work, tmpfs = map(Path, sys.argv[1:4])
names = [path.name for path in finished.iterdir() if path.is_file()]


def told(out):
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        status = main(["lenet5", "--tiny", "--set", "epochs=1", "--quiet", "--out", str(out)])
    same = all((out / name).read_bytes() == (finished / name).read_bytes() for name in names)
    left = sorted({path.name for path in out.iterdir()} - set(names))
    return {"status": status, "stderr": stderr.getvalue(), "same": same, "left": left}


def fill(out):
    out.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(finished / name, out)
    return out


answers = {}
if tmpfs.is_dir():
    answers["full"] = told(fill(tmpfs))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(tmpfs)], check=True)
    answers["read-only"] = told(tmpfs)
out = fill(work / "limited")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
answers["limited"] = told(out)
print(json.dumps(answers))
"""


def namespaces() -> bool:
    """Whether this user may mount a tmpfs of its own."""
    if not shutil.which("unshare"):
        return False
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/tmp"], capture_output=True)
    return tried.returncode == 0


@pytest.fixture(scope="module")
def starved(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What training again over a finished folder came to, where the new checkpoint could not be written."""
    work, tmpfs = tmp_path_factory.mktemp("starved"), tmp_path_factory.mktemp("tmpfs")
    command = [sys.executable, "-c", STARVED, str(finished), str(work), str(tmpfs)]
    if namespaces():
        # Room for the finished folder, not for a checkpoint with the optimizer's state beside it.
        mount = 'mount -t tmpfs -o size=900k none "$0" && exec "$@"'
        command = ["unshare", "-rm", "sh", "-c", mount, str(tmpfs), *command]
    else:
        tmpfs.rmdir()
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=work, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize(
    ("case", "rule"),
    [("full", "room on the disk"), ("read-only", "a folder that this user may write in"), ("limited", "room on")],
)
def test_training_where_nothing_can_be_written_leaves_what_was_there(
    starved: dict[str, dict[str, Any]], case: str, rule: str
) -> None:
    if case not in starved:
        pytest.skip("this user may not mount a tmpfs (unshare -rm)")
    answer = starved[case]
    assert answer["status"] == 2, answer["stderr"]
    assert rule in answer["stderr"]
    assert "  received: " in answer["stderr"]
    assert "  fix: " in answer["stderr"]
    assert "Traceback" not in answer["stderr"]
    assert answer["same"]
    assert answer["left"] == []
