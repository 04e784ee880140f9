"""`python -m export doctor`: what it tells, what it writes, and its exit status."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tf_keras as k

from export import commands
from export.__main__ import main
from export.commands import doctor
from export.worker import Worker

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(worker: Worker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`run(FILE, ...)`: status, standard output and error, with one child for all tests."""
    monkeypatch.setattr(doctor, "Worker", lambda **_: contextlib.nullcontext(worker))

    def act(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main(["doctor", *map(str, arguments)])
        return status, *capfd.readouterr()

    return act


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, randomize: Any) -> tuple[Any, Path]:
    path = tmp_path_factory.mktemp("old") / "old.h5"
    model = randomize(k.Sequential([k.Input((7, 4), name="x"), k.layers.LSTM(3, recurrent_activation="hard_sigmoid")]))
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 7, 4)), np.zeros((2, 3)), verbose=0)
    model.save(path)
    return model, path


@pytest.fixture
def old(trained: tuple[Any, Path], tmp_path: Path) -> tuple[Any, Path]:
    """A model of tf.keras, trained for a step, and its file."""
    return trained[0], Path(shutil.copy(trained[1], tmp_path / "old.h5"))


def test_a_file_of_tf_keras_is_told_in_full(run: Run, old: Any) -> None:
    status, out, _ = run(old[1])
    assert status == 0
    lines = {line[:14].strip(): line[14:] for line in out.splitlines()[1:]}
    assert "HDF5 (.h5), a whole model" in out.splitlines()[0]
    assert lines["written by"].startswith("Keras 2.")
    assert lines["written by"].endswith("on TensorFlow")
    assert lines["weights"].startswith("96 numbers")
    assert "not read" in lines["optimizer"]
    assert lines["input"] == "x  ?x7x4 float32"
    assert lines["output"].endswith("?x3 float32")
    assert "LSTM" in lines["layers"]
    assert lines["parameters"] == "96"
    assert lines["missing"] == "nothing"
    assert 'LSTM "lstm' in out
    assert "hard_sigmoid is 0.2x + 0.5" in out
    assert lines["verdict"].startswith("loads in Keras 3")


def test_what_is_written_is_a_clean_file_of_the_same_model(
    run: Run, old: Any, agree: Any, opened: Any, tmp_path: Path
) -> None:
    model, path = old
    before = path.read_bytes()
    status, out, _ = run(path, "--write", tmp_path / "new" / "clean.h5")
    clean = tmp_path / "new" / "clean.h5"
    assert status == 0
    assert "the same bit for bit" in out
    with h5py.File(clean) as file:
        assert str(file.attrs["keras_version"]).startswith("3.")
        assert "optimizer_weights" not in file
    loaded = opened(clean)
    assert loaded.changes == []
    agree(model, loaded.model)
    x = np.random.default_rng(1).normal(size=(3, 7, 4)).astype(np.float32)
    np.testing.assert_array_equal(loaded.model(x), opened(path).model(x))
    assert path.read_bytes() == before
    assert sorted(p.name for p in clean.parent.iterdir()) == ["clean.h5"]


def test_the_contract_goes_along(run: Run, small: Any, tmp_path: Path) -> None:
    assert run(small.checkpoint, "--write", tmp_path / "clean.h5")[0] == 0
    with h5py.File(small.checkpoint) as a, h5py.File(tmp_path / "clean.h5") as b:
        assert a.attrs["edgeproof.contract"] == b.attrs["edgeproof.contract"]


def test_a_model_that_hdf5_can_not_hold_is_not_written(run: Run, tmp_path: Path) -> None:
    import keras

    x = keras.Input((3,))
    keras.Model(x, keras.ops.square(keras.layers.Dense(2)(x))).save(tmp_path / "m.keras")
    assert run(tmp_path / "m.keras")[0] == 0
    status, out, _ = run(tmp_path / "m.keras", "--write", tmp_path / "clean.h5")
    assert status == 1
    assert "--write clean.keras" in out
    assert not (tmp_path / "clean.h5").exists()


def test_operations_that_keras_itself_does_not_read_are_written_so_that_it_does(
    run: Run, agree: Any, tmp_path: Path
) -> None:
    import keras

    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.square(keras.layers.Dense(2)(x)) + 1.0)
    model.save(tmp_path / "m.h5")
    status, out, _ = run(tmp_path / "m.h5", "--write", tmp_path / "clean.keras")
    assert status == 0
    assert "Add, Square" in out
    agree(model, keras.models.load_model(tmp_path / "clean.keras"))


def test_a_contract_is_not_lost_on_the_way(run: Run, small: Any, tmp_path: Path) -> None:
    status, _, err = run(small.checkpoint, "--write", tmp_path / "clean.keras")
    assert status == 2
    assert "a contract is written as .h5" in err
    assert not (tmp_path / "clean.keras").exists()


@pytest.mark.parametrize("how", ["itself", "a link to it", "another ending"])
def test_the_file_itself_is_never_written_over(how: str, run: Run, old: Any, tmp_path: Path) -> None:
    path = old[1]
    before = path.read_bytes()
    target = {"itself": path, "a link to it": tmp_path / "link.h5", "another ending": tmp_path / "clean.npz"}[how]
    if how == "a link to it":
        target.symlink_to(path)
    status, _, err = run(path, "--write", target)
    assert status == 2
    assert "doctor: --write" in err
    assert path.read_bytes() == before


def test_weights_alone_do_not_load_and_say_what_to_pass(run: Run, old: Any, tmp_path: Path) -> None:
    model, _ = old
    model.save_weights(tmp_path / "w.h5")
    status, out, _ = run(tmp_path / "w.h5")
    assert status == 1
    assert "weights alone" in out
    assert "--architecture model.json" in out
    assert "does not load" in out
    (tmp_path / "m.json").write_text(model.to_json())
    assert run(tmp_path / "w.h5", "--architecture", tmp_path / "m.json")[0] == 0
    status, _, err = run(tmp_path / "w.h5", "--architecture", tmp_path / "none.json")
    assert status == 2
    assert "no such file" in err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--replace", "lambda_1"], "LAYER=WHAT"),
        (["--backend", "thaeno"], 'did you mean "theano"'),
        (["--architecture", "a.json", "--builder", "a:b"], "one of"),
        (["--builder", "a:b", "--replace", "a=keras.ops.relu"], "a builder has none"),
    ],
)
def test_flags_that_make_no_sense_are_refused(flags: list[str], said: str, run: Run, old: Any) -> None:
    status, _, err = run(old[1], *flags)
    assert status == 2
    assert said in err


def test_what_is_not_to_be_trusted_is_status_2(run: Run, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["model_weights/a"] = h5py.ExternalLink("/etc/passwd", "/")
    assert run(tmp_path / "m.h5")[0] == 2
    (tmp_path / "m.keras").write_bytes(b"PK\x03\x04")
    assert run(tmp_path / "m.keras")[0] == 2
    assert run(tmp_path / "none.h5")[0] == 2


def test_export_takes_what_the_doctor_takes(old: Any, tmp_path: Path, export: Any) -> None:
    from export.checkpoint import Opening

    model, _ = old
    model.save_weights(tmp_path / "w.weights.h5")
    (tmp_path / "m.json").write_text(model.to_json())
    x = np.random.default_rng(0).normal(size=(6, 7, 4)).astype(np.float32)
    np.savez(tmp_path / "s.npz", evaluation_x=x)
    path = tmp_path / "w.weights.h5"
    opening = Opening(path, architecture=tmp_path / "m.json")
    outcome = export(path, "saved_model", samples=tmp_path / "s.npz", out=tmp_path / "out", opening=opening)
    assert outcome.results[0].status == "verified"
    (found,) = outcome.reference.values()
    np.testing.assert_allclose(found, model(x), atol=1e-6)
    assert any("hard_sigmoid" in change for change in outcome.checkpoint["translated"])


def test_help_of_every_command_needs_no_tensorflow() -> None:
    assert "doctor" in commands.names()
    for arguments in (["--help"], *([name, "--help"] for name in commands.names())):
        code = (
            "import sys\nfrom export.__main__ import main\n"
            f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code\n"
            "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "--architecture" in done.stdout or "usage" in done.stdout
