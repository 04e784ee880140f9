"""`python -m train` asked for what it can't do: one clear message, exit status 2, nothing lost."""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from train.__main__ import main

Folder = dict[str, bytes]


def contents(folder: Path) -> Folder:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A finished folder, with the good checkpoint that no refusal may touch."""
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def refused(out: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, str]]:
    """Ask, check that it is refused in the one form and that the folder stays as it is; the message's parts."""

    def ask(*arguments: str, recipe: str = "lenet5", into: Path | None = None) -> dict[str, str]:
        before = contents(out)
        # An exception here, where a user would see a traceback, fails the test.
        status = main([recipe, "--tiny", "--quiet", "--out", str(into or out), *arguments])
        told = capsys.readouterr()
        assert status == 2, told.err
        assert told.out == ""
        lines = told.err.splitlines()
        assert len(lines) == 3, told.err
        assert lines[1].startswith("  received: ")
        assert lines[2].startswith("  fix: ")
        assert contents(out) == before
        return {
            "rule": lines[0],
            "received": lines[1].removeprefix("  received: "),
            "fix": lines[2].removeprefix("  fix: "),
        }

    return ask


Refusing = Callable[..., dict[str, str]]


@pytest.mark.parametrize(
    ("recipe", "arguments", "rule", "received", "fix"),
    [
        ("lenet", [], "one of those in train/recipes", "lenet", 'did you mean "lenet5"?'),
        ("lenet5", ["--data", "mnst"], "--data must be a set that the recipe can read", "mnst", '"mnist"?'),
        ("lenet5", ["--set", "epoch=3"], "--set takes key=value", "epoch=3", 'did you mean "epochs"?'),
        ("lenet5", ["--set", "epochs"], "--set takes key=value", "epochs", 'did you mean "epochs"?'),
        ("lenet5", ["--set", "epochs=few"], "epochs must be a value of type int", "few", "--set epochs=12"),
        ("lenet5", ["--set", "epochs=0"], "epochs must be a finite number, at least 1", "0", "--set epochs=12"),
        ("lenet5", ["--set", "batch=-5"], "batch must be a finite number, at least 1", "-5", "--set batch=64"),
        ("lenet5", ["--set", "learning_rate=nan"], "learning_rate must be a finite number", "nan", "0.002"),
        ("lenet5", ["--set", "seed=-1"], "seed must be a finite number, at least 0", "-1", "--set seed=0"),
        ("lenet5", ["--set", "loss=mse"], "loss must be one that this objective has", "mse", "known: cross_entropy"),
        ("lenet5", ["--set", "optimizer=adam"], "optimizer must be one that", "adam", 'did you mean "adamw"?'),
        ("lenet5", ["--set", "variant=1989"], "the builder must accept its arguments", "'1989'", "--set"),
        ("lenet5", ["--set", "classes=1"], "the builder must accept its arguments", "Received: 1", "--set"),
        ("lenet5", ["--set", "classes=9"], "one whole number from 0 to 8 a sample", "label 9 at", "labels"),
        ("lenet5", ["--set", "classes=12"], "one output for each label", "12 outputs, 10 labels", "--set"),
        ("lenet5", ["--seeds", "0"], "--seeds must be at least 1", "0", "--seeds 3"),
    ],
)
def test_a_wrong_request_is_refused(
    refused: Refusing, recipe: str, arguments: list[str], rule: str, received: str, fix: str
) -> None:
    told = refused(*arguments, recipe=recipe)
    assert rule in told["rule"]
    assert received in told["received"]
    assert fix in told["fix"]


def test_no_recipe_at_all_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "name a recipe, or use --list" in capsys.readouterr().err


def test_a_data_folder_must_exist(refused: Refusing, tmp_path: Path) -> None:
    told = refused("--data", "mnist", "--data-dir", str(tmp_path / "absent"))
    assert "idx: the file must exist" in told["rule"]
    assert told["received"] == str(tmp_path / "absent" / "train-images-idx3-ubyte.gz")
    assert "--data-dir" in told["fix"]


@pytest.mark.parametrize(
    ("file", "damage", "rule"),
    [
        ("train-images-idx3-ubyte.gz", lambda data: data[: len(data) // 2], "the file must unpack whole"),
        ("train-labels-idx1-ubyte.gz", lambda data: b"", "must begin with 00000801"),
        ("t10k-images-idx3-ubyte.gz", lambda data: gzip.compress(b"\0\0\x08\x01" + bytes(99)), "must begin with"),
        ("t10k-labels-idx1-ubyte.gz", lambda data: gzip.compress(gzip.decompress(data)[:-3]), "as many bytes as"),
        ("t10k-labels-idx1-ubyte.gz", lambda data: gzip.compress(gzip.decompress(data) + b"0"), "as many bytes as"),
    ],
    ids=["truncated", "empty", "other magic", "short body", "long body"],
)
def test_a_damaged_idx_file_is_refused(
    refused: Refusing,
    mnist_folder: Callable[..., Path],
    file: str,
    damage: Callable[[bytes], bytes],
    rule: str,
) -> None:
    path = mnist_folder(train=60) / file
    path.write_bytes(damage(path.read_bytes()))
    told = refused("--data", "mnist", "--data-dir", str(path.parent))
    assert rule in told["rule"]
    assert file in told["rule"] + told["received"]
    assert "get the file again" in told["fix"]


def test_labels_out_of_range_are_refused(refused: Refusing, mnist_folder: Callable[..., Path]) -> None:
    folder = mnist_folder(train=60, labels=lambda n: np.where(np.arange(n) == 7, 10, 0))
    told = refused("--data", "mnist", "--data-dir", str(folder))
    assert "train-labels-idx1-ubyte.gz must hold one whole number from 0 to 9 a sample" in told["rule"]
    assert told["received"] == "label 10 at sample 7"


@pytest.mark.parametrize("option", ["--out", "--tensorboard"])
@pytest.mark.parametrize("where", ["file", "file/below", "n" * 300])
def test_a_folder_that_cannot_be_written_is_refused_before_training(
    refused: Refusing, tmp_path: Path, option: str, where: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    told = refused(option, str(tmp_path / where))
    assert "must be a folder that this user may write in" in told["rule"]
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write in any folder")
def test_a_folder_without_permission_is_refused(refused: Refusing, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    told = refused(into=closed)
    assert "must be a folder that this user may write in" in told["rule"]


@pytest.mark.parametrize("batch", [64, 2000], ids=["in an epoch", "in its last step"])
def test_a_run_that_diverges_keeps_the_previous_checkpoint(refused: Refusing, batch: int) -> None:
    told = refused("--set", "learning_rate=1e30", "--set", f"batch={batch}")
    assert "the loss must stay finite" in told["rule"]
    assert "in epoch 1, learning_rate 1e+30" in told["received"]
    assert told["fix"] == "lower it: --set learning_rate=1e+29; nothing of this run was written"


def test_there_must_be_something_to_resume(refused: Refusing, tmp_path: Path) -> None:
    told = refused("--resume", into=tmp_path / "new")
    assert "--resume needs a checkpoint to go on from" in told["rule"]
    assert not (tmp_path / "new").exists()


def test_a_damaged_checkpoint_is_neither_resumed_nor_overwritten(refused: Refusing, out: Path) -> None:
    path = out / "lenet5.h5"
    path.write_bytes(path.read_bytes()[:5000])
    told = refused("--resume")
    assert "--resume needs a whole checkpoint of a run in progress" in told["rule"]
    assert str(path) in told["received"]


def test_below_the_floor_is_status_1_not_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--set", "epochs=1", "--set", "batch=512", "--set", "shift=0", "--set", "rotate=0"]
    assert main(["lenet5", "--quiet", "--out", str(tmp_path), *quick]) == 1
    assert "below the floor of 98.50%" in capsys.readouterr().err
    assert (tmp_path / "lenet5.h5").is_file()
    assert "98.50%: **missed**" in (tmp_path / "card.md").read_text()


def test_a_data_folder_is_not_passed_over_in_silence(refused: Refusing, tmp_path: Path) -> None:
    told = refused("--data-dir", str(tmp_path))
    assert "not from a folder" in told["rule"]
    assert "--data mnist" in told["fix"]
