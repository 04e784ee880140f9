"""The road from a checkpoint to a verdict: ours and foreign, good samples and bad, limits, targets, full disks."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeproof.contract import Contract, Decode, Tolerance
from edgeproof.errors import Refused, Unwritable
from export import formats, pipeline
from export.quantize.plan import Budget
from export.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
Export = Callable[..., pipeline.Outcome]


def samples(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def states(outcome: pipeline.Outcome) -> dict[str, str]:
    return {f"{r.format}:{r.asked}": r.status for r in outcome.results}


def refused(said: Any, *parts: str) -> None:
    """The command ended with status 2 and one message of three lines that holds `parts`."""
    assert said.status == 2, said
    assert "Traceback" not in said.err
    message = re.search(r"^export: .+\n  received: .+\n  fix: .+", said.err, re.MULTILINE | re.DOTALL)
    assert message, said.err
    for part in parts:
        assert part in message[0], message[0]


@pytest.fixture(scope="module")
def pictures(small: Any) -> dict[str, np.ndarray]:
    """The small model's samples as a foreign checkpoint takes them: as its graph does."""
    with np.load(small.folder / "samples.npz") as archive:
        return {
            "evaluation": archive["evaluation_image"][..., None] / np.float32(255),
            "calibration": archive["calibration_image"][..., None] / np.float32(255),
            "label": archive["evaluation_label"],
        }


# --- the whole road ---


@pytest.mark.all  # tests/contract takes this road by default
def test_lenet5_in_every_format_from_the_command_line(exported: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "lenet5", tmp_path / "lenet5" / "export"
    folder.mkdir()
    for name in ("lenet5.h5", "samples.npz"):
        shutil.copy(exported / name, folder)
    # Its last layer was solved for, not trained: large weights that cancel, so that eight bits of them are felt.
    with h5py.File(folder / "lenet5.h5", "r+") as file:
        contract = Contract.from_json(file.attrs[Contract.KEY])
        looser = {name: Tolerance(relative_l2=0.15, drop=5.0, agreement=0.95) for name in ("int8", "int16x8")}
        file.attrs[Contract.KEY] = dataclasses.replace(contract, tolerances=looser).to_json()
    command = [sys.executable, "-m", "export", str(folder), "--max-drop", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    told = json.loads((out / "report.json").read_text())
    pairs = [(name, precision) for name in formats.names() for precision in formats.load(name).precisions]
    reasons = {f"{a['format']}:{a['asked']}": a["reason"] for a in told["artifacts"] if a["status"] != "verified"}
    assert reasons == {}
    assert done.returncode == 0, done.stderr
    assert [(a["format"], a["asked"]) for a in told["artifacts"]] == pairs
    assert told["passed"] is True
    assert told["samples"]["n"] >= 400
    assert told["samples"]["scored"] is True
    for artifact in told["artifacts"]:
        assert [v["n"] for v in artifact["verdicts"]] == [told["samples"]["n"]] * len(artifact["verdicts"])
        assert artifact["verdicts"]
        assert all(verdict["checks"] for verdict in artifact["verdicts"])
        assert (out / artifact["file"]).exists()
    assert (out / "report.html").is_file()
    assert f"report: {out / 'report.html'}" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.endswith("VERIFIED")]) == len(pairs)


def test_list_and_help_start_no_child(cli: Any, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "Worker", None)
    said = cli("--list")
    assert said.status == 0
    assert [line.split()[0] for line in said.out.splitlines()] == formats.names()
    script = "import sys; from export.__main__ import main; main(['--list']); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True).returncode == 0


# --- a third party's checkpoint ---


def test_a_foreign_classifier_with_labels_takes_the_same_road(
    small: Any, pictures: dict[str, np.ndarray], export: Export, tmp_path: Path
) -> None:
    given = samples(
        tmp_path / "theirs.npz", evaluation_x=pictures["evaluation"], calibration_x=pictures["calibration"],
        evaluation_label=pictures["label"],
    )  # fmt: skip
    outcome = export(small.foreign, samples=given, out=tmp_path / "out")
    assert set(states(outcome).values()) == {"verified"}
    assert len(outcome.results) == len(formats.parse([]))
    assert outcome.contract.decode == Decode("classify", "probabilities", "probabilities")
    assert outcome.contract.name == "softmax"
    assert outcome.contract.score is not None
    assert (outcome.contract.score.value, outcome.contract.score.n) == (1.0, 120)
    assert (outcome.contract.score.data, outcome.contract.score.split) == ("theirs.npz", "evaluation")
    assert all(v.score == 1.0 and v.agreement == 1.0 for r in outcome.results for v in r.verdicts)
    assert outcome.reference["probabilities"].sum(1) == pytest.approx(np.ones(120))


def test_a_model_called_like_its_output_that_has_nothing_to_store_smaller(export: Export, tmp_path: Path) -> None:
    from models.perceptron import build_decision

    model = build_decision()
    assert model.name == model.output_names[0]
    model.save(tmp_path / "decision.h5")
    answers = np.array(list(np.ndindex(2, 2, 2)), np.float32)
    given = samples(tmp_path / "answers.npz", evaluation_answers=answers, calibration_answers=answers)
    outcome = export(tmp_path / "decision.h5", samples=given, out=tmp_path / "out", as_is=True)
    reasons = {f"{r.format}:{r.asked}": r.reason for r in outcome.results if r.status != "verified"}
    assert list(reasons) == ["tflite:int8-dynamic"]
    assert "1,024 values and more" in reasons["tflite:int8-dynamic"]
    assert "no larger tensor than 3 values" in reasons["tflite:int8-dynamic"]
    assert outcome.passed
    for held in outcome.outputs.values():  # the weather alone weighs more than the threshold
        np.testing.assert_array_equal(held["decision"].ravel() > 0.5, answers[:, 0] > 0.5)


def test_without_labels_there_are_decisions_but_no_score(
    small: Any, pictures: dict[str, np.ndarray], export: Export, tmp_path: Path
) -> None:
    given = samples(tmp_path / "s.npz", evaluation_image=pictures["evaluation"])
    outcome = export(small.foreign, "tflite", "onnx", "tflm", samples=given, out=tmp_path / "out")
    assert outcome.contract.score is None
    assert states(outcome) == {
        "tflite:f32": "verified",
        "tflite:f16": "verified",
        "tflite:int8-dynamic": "verified",
        "tflite:int8": "not made",
        "tflite:int16x8": "not made",
        "onnx:f32": "verified",
        "onnx:f16": "verified",
        "onnx:int8": "not made",
        "tflm:int8": "not made",
    }
    assert all("calibration" in r.reason for r in outcome.results if r.status == "not made")
    assert outcome.passed
    for result in outcome.results:
        for verdict in result.verdicts:
            assert (verdict.score, verdict.drop, verdict.agreement) == (None, None, 1.0)
            assert "drop" not in [check.name for check in verdict.checks]
    assert not list((tmp_path / "out").glob("*int8.*"))


@pytest.mark.parametrize("wish", ["tflite:int8", "tflite:int16x8", "onnx:int8", "tflm:int8"])
def test_an_integer_precision_named_without_calibration_samples_is_refused(
    small: Any, pictures: dict[str, np.ndarray], cli: Any, tmp_path: Path, wish: str
) -> None:
    given = samples(tmp_path / "s.npz", evaluation_x=pictures["evaluation"])
    said = cli(small.foreign, "--samples", given, "--out", tmp_path / "out", "--to", "tflite:f32", wish)
    precision = wish.partition(":")[2]
    refused(said, f"{precision} needs calibration samples", 'an array "calibration_image" of shape (n, 8, 8, 1)')
    # What came before stays; nothing of the refused one does.
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["softmax.f32.tflite"]


def test_two_inputs_and_two_outputs_that_decide_nothing(worker: Worker, export: Export, tmp_path: Path) -> None:
    worker.call("children:save_values", path=str(tmp_path / "values.h5"))
    rng = np.random.default_rng(0)
    arrays = {
        f"{split}_{name}": rng.normal(size=(n, width)).astype(np.float32)
        for split, n in (("evaluation", 50), ("calibration", 40))
        for name, width in (("left", 4), ("right", 6))
    }
    given = samples(tmp_path / "s.npz", **arrays, evaluation_label=np.zeros(50, int))
    everything = [f"{name}:f32" for name in ("graphdef", "onnx", "saved_model", "tflite")]
    outcome = export(tmp_path / "values.h5", *everything, "tflite:int8", "onnx:int8", samples=given, out=tmp_path / "o")
    assert set(states(outcome).values()) == {"verified"}
    assert outcome.contract.decode.kind == "values"
    assert outcome.truth is None, "labels mean nothing where nothing is decided"
    assert [t.name for t in outcome.contract.graph().inputs] == ["left", "right"]
    assert list(outcome.reference) == ["total", "share"]
    for (_, _), found in outcome.outputs.items():
        assert set(found) == {"total", "share"}
        for name, values in outcome.reference.items():
            assert found[name].shape == values.shape
    del arrays["evaluation_right"]
    with pytest.raises(Refused, match="for every input or for none"):
        export(tmp_path / "values.h5", samples=samples(tmp_path / "t.npz", **arrays), out=tmp_path / "o")


def test_a_file_goes_to_saved_and_a_folder_beside_its_checkpoint(
    small: Any, pictures: dict[str, np.ndarray], export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = samples(tmp_path / "s.npz", evaluation_x=pictures["evaluation"])
    assert export(small.foreign, "tflite:f32", samples=given).out == Path("saved/softmax/export")
    copy = small.copy(tmp_path / "small")
    assert export(copy.folder, "tflite:f32").out == copy.folder / "export"
    assert (copy.folder / "export" / "small.f32.tflite").is_file()


# --- samples that can't serve ---


def bad_samples(kind: str, good: dict[str, np.ndarray]) -> dict[str, Any]:
    arrays: dict[str, Any] = {"evaluation_x": good["evaluation"], "evaluation_label": good["label"]}
    hole = good["evaluation"].copy()
    hole[3, 4, 4] = np.nan
    return arrays | {
        "another shape": {"evaluation_x": good["evaluation"][:, :7]},
        "no channel": {"evaluation_x": good["evaluation"][..., 0]},
        "calibration of another shape": {"calibration_x": good["calibration"][:, :, :5]},
        "objects": {"evaluation_x": np.array([{"a": 1}] * 120, object)},
        "text": {"evaluation_x": np.array(["a"] * 120)},
        "none": {"evaluation_x": good["evaluation"][:0]},
        "NaN": {"evaluation_x": hole},
        "label too large": {"evaluation_label": np.where(np.arange(120) == 7, 3, good["label"])},
        "label negative": {"evaluation_label": np.where(np.arange(120) == 7, -1, good["label"])},
        "labels too few": {"evaluation_label": good["label"][:100]},
        "labels as floats": {"evaluation_label": good["label"].astype(np.float32)},
        "labels one-hot": {"evaluation_label": np.eye(3, dtype=int)[good["label"]]},
    }[kind]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("another shape", ("(8, 8, 1)", "(7, 8, 1)")),
        ("no channel", ("(8, 8, 1)", "(8, 8)")),
        ("calibration of another shape", ("(8, 8, 1)", "(8, 5, 1)")),
        ("objects", ("plain arrays",)),
        ("text", ("takes numbers", "<U1")),
        ("none", ("at least one",)),
        ("NaN", ("finite",)),
        ("label too large", ("from 0 to 2", "label 3 at sample 7")),
        ("label negative", ("from 0 to 2", "label -1 at sample 7")),
        ("labels too few", ("(100,), for 120 samples",)),
        ("labels as floats", ("float32",)),
        ("labels one-hot", ("(120, 3)",)),
    ],
)
def test_samples_that_can_not_serve_are_refused(
    small: Any, pictures: dict[str, np.ndarray], cli: Any, tmp_path: Path, kind: str, parts: tuple[str, ...]
) -> None:
    given = samples(tmp_path / "bad.npz", **bad_samples(kind, pictures))
    said = cli(small.foreign, "--samples", given, "--out", tmp_path / "out", "--to", "tflite:f32")
    refused(said, *parts)
    assert not (tmp_path / "out" / "softmax.f32.tflite").exists()


def test_pickled_samples_are_refused_without_being_unpickled(small: Any, cli: Any, tmp_path: Path) -> None:
    marker = tmp_path / "it ran"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (marker,))

    given = samples(tmp_path / "trap.npz", evaluation_x=np.array([Trap()], object))
    refused(cli(small.foreign, "--samples", given, "--out", tmp_path / "out"), "plain arrays")
    assert not marker.exists()
    np.load(given, allow_pickle=True)["evaluation_x"]
    assert marker.exists(), "the trap was none"


def test_samples_that_are_missing_are_asked_for(small: Any, cli: Any, tmp_path: Path) -> None:
    alone = shutil.copy(small.checkpoint, tmp_path / "alone.h5")
    refused(cli(alone), "no samples.npz beside", "--samples FILE")
    refused(cli(small.foreign, "--samples", tmp_path / "nowhere.npz"), "nowhere.npz")
    (tmp_path / "text.npz").write_text("no zip")
    refused(cli(small.foreign, "--samples", tmp_path / "text.npz"), "text.npz")


def test_pictures_for_a_frontend_must_be_bytes(
    small: Any, pictures: dict[str, np.ndarray], cli: Any, tmp_path: Path
) -> None:
    given = samples(tmp_path / "s.npz", evaluation_image=pictures["evaluation"])
    refused(cli(small.checkpoint, "--samples", given, "--out", tmp_path / "out"), "float32", "uint8")


# --- contracts that can't be true ---


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/b", "..", ".hidden", "", "new\nline"])
def test_a_contract_whose_name_is_a_path_writes_nowhere(small: Any, cli: Any, tmp_path: Path, name: str) -> None:
    copy = small.copy(tmp_path / "in" / "small", lambda contract: dataclasses.replace(contract, name=name))
    before = sorted(tmp_path.rglob("*"))
    refused(cli(copy.folder / "small.h5", "--out", tmp_path / "in" / "out", "--to", "tflite:f32"), "no file may have")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_contract_of_another_model_is_refused(small: Any, cli: Any, tmp_path: Path) -> None:
    def other(contract: Contract) -> Contract:
        (graph,) = contract.graphs
        (image,) = graph.inputs
        renamed = dataclasses.replace(graph, inputs=(dataclasses.replace(image, name="sound"),))
        return dataclasses.replace(contract, graphs=(renamed,))

    for i, change in enumerate((other, lambda c: dataclasses.replace(c, decode=Decode("classify", "nowhere")))):
        copy = small.copy(tmp_path / str(i), change)
        said = cli(copy.checkpoint, "--out", tmp_path / "out", "--to", "tflite:f32")
        refused(said, "must describe its model", ("sound", "nowhere")[i])
    assert not (tmp_path / "out").exists()


# --- limits ---


def test_a_loss_beyond_the_budget_is_named_and_the_status_is_1(small: Any, cli: Any, tmp_path: Path) -> None:
    # Calibrated on black pictures, the integer file clips everything it is shown.
    with np.load(small.folder / "samples.npz") as archive:
        arrays = dict(archive) | {"calibration_image": np.zeros((20, 8, 8), np.uint8)}
    given = samples(tmp_path / "black.npz", **arrays)
    to = ("--to", "tflite:f32", "tflite:int8")
    refused(cli(small.checkpoint, "--samples", given, *to), "calibration samples", "are copies", "hold one value alone")
    to = (*to, "--calibration-as-is")

    said = cli(small.checkpoint, "--samples", given, "--out", tmp_path / "out", *to, "--max-drop", "2")
    assert said.status == 1
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["passed"] is False
    f32, int8 = told["artifacts"]
    assert (f32["status"], int8["status"]) == ("verified", "wanting")
    assert re.search(r"tflite:int8 +WANTING .* on xnnpack: .*score drop \+\d+\.\d+ points, at most .*limit 2", said.err)
    row = next(line for line in said.out.splitlines() if line.startswith("small.int8.tflite"))
    assert row.endswith("WANTING")
    for verdict in int8["verdicts"]:
        checks = {check["name"]: check["passed"] for check in verdict["checks"]}
        assert verdict["drop"] > 2
        assert checks["drop"] is False
    for verdict in f32["verdicts"]:
        assert {check["name"]: check["said"] for check in verdict["checks"]}["drop"].endswith("limit 2")

    # With all the score to lose, the loss is no fault any more; that it is another function still is.
    said = cli(small.checkpoint, "--samples", given, "--out", tmp_path / "out", *to, "--max-drop", "100")
    assert said.status == 1
    int8 = json.loads((tmp_path / "out" / "report.json").read_text())["artifacts"][1]
    checks = {check["name"]: check["passed"] for check in int8["verdicts"][0]["checks"]}
    assert (checks["drop"], checks["agreement"]) == (True, False)


def test_a_budget_is_judged_even_where_the_contract_has_none(small: Any, export: Export, tmp_path: Path) -> None:
    only_l2 = {"int8": Tolerance(relative_l2=0.25)}
    copy = small.copy(tmp_path / "small", lambda contract: dataclasses.replace(contract, tolerances=only_l2))
    request = {"out": tmp_path / "out"}
    (plain,) = export(copy.checkpoint, "tflite:int8", **request).results
    assert [check.name for check in plain.verdicts[0].checks] == ["relative_l2"]
    (judged,) = export(copy.checkpoint, "tflite:int8", budget=Budget(drop=1.0), **request).results
    assert {check.name for check in judged.verdicts[0].checks} == {"relative_l2", "drop"}


def test_a_budget_that_can_not_be_judged_is_refused(
    small: Any, pictures: dict[str, np.ndarray], cli: Any, tmp_path: Path
) -> None:
    given = samples(tmp_path / "s.npz", evaluation_x=pictures["evaluation"])
    said = cli(small.foreign, "--samples", given, "--out", tmp_path / "o", "--to", "tflite:f32", "--max-drop", "1")
    refused(said, "a budget is kept by a score", "no evaluation_label")
    for wrong in ("-1", "101", "nan"):
        refused(cli(small.checkpoint, "--max-drop", wrong), "--max-drop is in points")


def test_nothing_verified_is_not_a_success(small: Any, cli: Any, tmp_path: Path) -> None:
    reasons = dict.fromkeys(formats.names(), "it may not be")
    copy = small.copy(tmp_path / "small", lambda contract: dataclasses.replace(contract, refused=reasons))
    said = cli(copy.folder)
    assert said.status == 1
    assert "VERIFIED" not in said.out + said.err


# --- targets and wishes ---


@pytest.mark.parametrize(("wrong", "nearest"), [("tflmicro", "tflm"), ("LiteRT", "litert"), ("../tflm", "tflm")])
def test_an_unknown_target_names_the_nearest(small: Any, cli: Any, tmp_path: Path, wrong: str, nearest: str) -> None:
    refused(cli(small.folder, "--target", wrong, "--out", tmp_path / "out"), wrong, nearest)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("wrong", "nearest"), [("tflight", '"tflite"'), ("tflite:int-8", '"int8"')])
def test_an_unknown_format_or_precision_names_the_nearest(
    small: Any, cli: Any, tmp_path: Path, wrong: str, nearest: str
) -> None:
    refused(cli(small.folder, "--to", wrong, "--out", tmp_path / "out"), wrong, nearest)
    assert not (tmp_path / "out").exists()


def test_a_target_that_has_every_operator_is_a_check_that_is_kept(small: Any, export: Export, tmp_path: Path) -> None:
    for target in ("litert", "tflm"):
        outcome = export(small.folder, "tflite:int8", "onnx:f32", target=target, out=tmp_path / target)
        tflite, onnx = outcome.results
        assert {check.name: check.passed for check in tflite.checks}["target"] is True
        assert "target" not in {check.name for check in onnx.checks}
        assert outcome.passed


def test_a_target_that_lacks_an_operator_makes_the_artifact_wanting(worker: Worker, cli: Any, tmp_path: Path) -> None:
    worker.call("children:save_unusual", path=str(tmp_path / "unusual.h5"))
    x = np.random.default_rng(0).random((20, 6), np.float32)
    given = samples(tmp_path / "s.npz", evaluation_x=x, calibration_x=x)
    asked = (tmp_path / "unusual.h5", "--samples", given, "--out", tmp_path / "out", "--to", "tflite:f32", "--target")
    said = cli(*asked, "tflm")
    assert said.status == 1
    assert "TensorFlow Lite for Microcontrollers has no TILE" in said.err
    assert cli(*asked, "litert").status == 0


def test_a_target_that_judges_nothing_is_refused(small: Any, cli: Any, tmp_path: Path) -> None:
    for to in ("onnx", "tflite:f16"):
        refused(cli(small.folder, "--target", "tflm", "--to", to, "--out", tmp_path / "out"), "the target takes", to)
    assert not (tmp_path / "out").exists()


# --- where it is written ---


def test_a_folder_that_can_not_be_written_is_refused_before_any_work(small: Any, cli: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        refused(cli(small.folder, "--out", out, "--to", "tflite:f32"), str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission_is_refused(small: Any, cli: Any, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    refused(cli(small.folder, "--out", tmp_path / "closed" / "out", "--to", "tflite:f32"), "may write in")


def test_what_a_killed_export_left_is_swept(small: Any, export: Export, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / ".partial-abc").mkdir(parents=True)
    (out / ".partial-abc" / "artifact.tflite").write_bytes(b"half")
    (out / ".partial-def").write_bytes(b"half")
    (out / "mine.txt").write_text("a person's own")
    export(small.folder, "tflite:f32", out=out)
    assert sorted(file.name for file in out.iterdir()) == ["mine.txt", "small.f32.tflite"]


def test_artifacts_that_lay_there_before_are_told_apart(small: Any, export: Export, tmp_path: Path) -> None:
    export(small.folder, "tflite:f32", "onnx:f32", "saved_model:f32", out=tmp_path)
    outcome = export(small.folder, "tflite:f32", out=tmp_path)
    assert outcome.older == ("small.f32.onnx", "small.f32.saved_model")


def identity(path: Path) -> tuple[int, int]:
    """Of a file: a number may be given again to one that takes its place, at another time."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_an_export_replaces_what_it_made_before_and_only_that(small: Any, export: Export, tmp_path: Path) -> None:
    wishes = ("tflite:f32", "saved_model:f32", "tflm:int8")
    export(small.folder, *wishes, out=tmp_path)
    (tmp_path / "small.int8.tflm" / "left.c").write_text("from another checkpoint")
    before = identity(tmp_path / "small.f32.tflite")
    again = export(small.folder, *wishes, out=tmp_path)
    assert again.passed
    assert identity(tmp_path / "small.f32.tflite") != before
    assert not (tmp_path / "small.int8.tflm" / "left.c").exists()
    found = sorted(file.name for file in tmp_path.iterdir())
    assert found == ["small.f32.saved_model", "small.f32.tflite", "small.int8.tflm"]


def small_disk(size: str) -> list[str]:
    """A prefix that runs a shell with a new disk of this size mounted on $1, and $1 as its argument."""
    script = f'mount -t tmpfs -o size={size} none "$1"; shift; "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-ec", script]


def can_mount(folder: Path) -> bool:
    try:
        return subprocess.run([*small_disk("64k"), "sh", str(folder), "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def test_a_full_disk_is_one_message_and_what_was_made_stays(small: Any, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not can_mount(disk):
        pytest.skip("this user may not mount a small disk (unshare --map-root-user --mount)")
    # Room for a .tflite file of 14 kB, not for a SavedModel of 40, which TensorFlow writes with errors of its own.
    script = (
        f'"{sys.executable}" -m export "{small.folder}" --out "{disk}/out" --to tflite:f32 saved_model; '
        f'echo "status $?"; ls -A "{disk}/out"; cp "{disk}/out/small.f32.tflite" "{tmp_path}/kept.tflite"'
    )
    done = subprocess.run(
        [*small_disk("40k"), "sh", str(disk), "sh", "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["status 2", "small.f32.tflite"], done.stdout + done.stderr
    assert "there must be room on the disk" in done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    from edgeproof.runner import load

    assert load(tmp_path / "kept.tflite").contract is not None


def limited(kilobytes: int) -> Callable[[], None]:
    """Let no file of a new process grow larger: what a quota does to it."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))


@pytest.mark.all  # as a full disk is
def test_a_quota_is_one_message_and_what_was_made_stays(small: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "small.f32.tflite").write_bytes(b"from before")
    with np.load(small.folder / "samples.npz") as archive:
        few = {name: values[:40] if values.ndim else values for name, values in archive.items()}
    given = samples(tmp_path / "s.npz", **few)
    command = [sys.executable, "-m", "export", str(small.checkpoint), "--samples", str(given), "--out", str(out)]
    # The samples fit; the graph of a SavedModel does not.
    done = subprocess.run(
        [*command, "--to", "saved_model"], cwd=ROOT, capture_output=True, text=True, preexec_fn=limited(24)
    )
    assert done.returncode == 2, done.stderr
    assert "there must be room on the disk" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert [file.name for file in out.iterdir()] == ["small.f32.tflite"]
    assert (out / "small.f32.tflite").read_bytes() == b"from before"


def test_arrays_on_their_way_to_a_child_may_fill_the_disk_too(tmp_path: Path) -> None:
    script = (
        "import sys, numpy as np\nfrom edgeproof.errors import Unwritable\nfrom export import arrays\n"
        "try:\n    arrays.write(sys.argv[1], {'x': np.zeros(1 << 16)})\n"
        "except Unwritable as refusal:\n    print(refusal)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "x.npz")],
        cwd=ROOT, capture_output=True, text=True, preexec_fn=limited(8),
    )  # fmt: skip
    assert "there must be room on the disk" in done.stdout, done.stderr


def test_a_disk_that_fills_while_outputs_are_compared_ends_the_export(
    small: Any, worker: Worker, cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(function: str, **arguments: Any) -> Any:
        if function == "export.tasks:measure":
            raise Unwritable("write: there must be room on the disk.", received="No space left", fix="free some space")
        return real(function, **arguments)

    real = worker.call
    monkeypatch.setattr(worker, "call", call)
    # No fault of the artifact, so it must not be called crashed.
    refused(cli(small.folder, "--out", tmp_path, "--to", "tflite:f32"), "there must be room on the disk")


def test_an_input_called_as_a_keyword_of_numpy_is_exported(worker: Worker, export: Export, tmp_path: Path) -> None:
    worker.call("children:save_named", path=str(tmp_path / "named.h5"), name="file")
    x = np.random.default_rng(0).random((30, 4), np.float32)
    given = samples(tmp_path / "s.npz", evaluation_x=x[:15], calibration_x=x[15:])
    outcome = export(tmp_path / "named.h5", "tflite:int8", "onnx:f32", samples=given, out=tmp_path / "out")
    assert set(states(outcome).values()) == {"verified"}
