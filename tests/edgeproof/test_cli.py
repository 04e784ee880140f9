"""The command line: four commands, and for every wrong request one message of three lines and status 2."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeproof import __version__, formats, metrics, quiet
from edgeproof.backends.tflite import KERNELS
from edgeproof.cli import COMMANDS, guard
from edgeproof.contract import VERSION, Contract, Decode, Frontend, Graph, Score, Tensor
from edgeproof.errors import Refused
from edgeproof.runner import Model

Cli = Callable[..., Any]
posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices are POSIX's")


@pytest.fixture(scope="module")
def bad(
    tmp_path_factory: pytest.TempPathFactory,
    artifacts: dict[str, Path],
    with_contract: Callable[..., bytes],
    exported: Path,
) -> Path:
    """A folder of files with something wrong with each; its own name has a space."""
    folder = tmp_path_factory.mktemp("bad things")
    pixels = np.asarray(Image.open(exported / "sample.png"))
    png = (exported / "sample.png").read_bytes()
    (folder / "corrupt.png").write_bytes(png[:60] + bytes([png[60] ^ 255]) + png[61:])
    (folder / "truncated.png").write_bytes(png[: len(png) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not a picture")
    Image.new("L", (64, 20)).save(folder / "wide.png")
    Image.new("L", (1, 1)).save(folder / "tiny.png")
    Image.new("CMYK", (28, 28)).save(folder / "cmyk.jpg")
    Image.fromarray(np.zeros((28, 28), np.uint16)).save(folder / "deep.png")

    np.save(folder / "object.npy", np.array([{}], object), allow_pickle=True)
    (folder / "pickle.npy").write_bytes(pickle.dumps([1]))
    np.save(folder / "float.npy", pixels.astype(np.float32))
    np.save(folder / "short.npy", np.zeros(3, np.uint8))
    np.save(folder / "four.npy", np.zeros((28, 28, 4), np.uint8))

    tflite, onnx = artifacts["f32"].read_bytes(), artifacts["onnx"].read_bytes()
    (folder / "text.tflite").write_text("not a model\n" * 100)
    (folder / "empty.tflite").write_bytes(b"")
    (folder / "truncated.tflite").write_bytes(tflite[: len(tflite) // 2])
    (folder / "truncated.onnx").write_bytes(onnx[: len(onnx) // 2])
    text = json.loads(formats.read(artifacts["f32"]).metadata[Contract.KEY])
    (folder / "newer.tflite").write_bytes(with_contract(json.dumps({**text, "version": VERSION + 1})))
    (folder / "broken.tflite").write_bytes(with_contract("{"))
    other = {**text, "score": {**text["score"], "metric": "acuracy"}}
    (folder / "metric.tflite").write_bytes(with_contract(json.dumps(other)))

    images, labels = np.stack([pixels] * 4), np.array([0, 1, 2, 3])
    np.savez(folder / "labels.npz", evaluation_image=images, evaluation_label=labels + 7)
    np.savez(folder / "negative.npz", evaluation_image=images, evaluation_label=-labels)
    np.savez(folder / "fewer.npz", evaluation_image=images, evaluation_label=labels[:2])
    np.savez(folder / "real.npz", evaluation_image=images, evaluation_label=labels / 2)
    np.savez(folder / "unlabelled.npz", evaluation_image=images)
    np.savez(folder / "floats.npz", evaluation_image=images / 255, evaluation_label=labels)
    np.savez(folder / "wide.npz", evaluation_image=np.zeros((4, 20, 64), np.uint8), evaluation_label=labels)
    np.savez(folder / "other.npz", evaluation_sound=images, evaluation_label=labels)
    (folder / "truncated.npz").write_bytes((folder / "other.npz").read_bytes()[:200])
    return folder


@pytest.mark.parametrize(
    ("name", "rule", "received"),
    [
        ("missing.png", "input: the file must exist", "missing.png"),
        (".", "input: the file must exist", "bad things"),
        ("corrupt.png", "decodes whole", "corrupt.png"),
        ("truncated.png", "decodes whole", "truncated.png"),
        ("empty.png", "decodes whole", "empty.png"),
        ("text.png", "decodes whole", "text.png"),
        ("wide.png", "without distortion", "64x20 pixels"),
        ("tiny.png", "without distortion", "1x1 pixels"),
        ("cmyk.jpg", "8-bit grey or RGB", "mode CMYK"),
        ("deep.png", "8-bit grey or RGB", "mode I;16"),
        ("missing.npy", "must exist", "missing.npy"),
        ("object.npy", "one plain numeric array", "object.npy"),
        ("pickle.npy", "one plain numeric array", "pickle.npy"),
        ("float.npy", "unsigned bytes", "float32"),
        ("short.npy", "grey", "shape (3,)"),
        ("four.npy", "grey", "(28, 28, 4)"),
    ],
)
@pytest.mark.parametrize("model", ["int8", "onnx"])
def test_bad_input_is_refused(
    cli: Cli, artifacts: dict[str, Path], bad: Path, model: str, name: str, rule: str, received: str
) -> None:
    first, second, _ = cli("run", artifacts[model], bad / name).refused().splitlines()
    assert rule in first
    assert received in second


@pytest.mark.parametrize(
    ("name", "rule", "received"),
    [
        ("missing.tflite", "must be a TFLite or ONNX file", "no file of that name"),
        ("text.tflite", "must be a TFLite or ONNX file", "not a mo"),
        ("empty.tflite", "must be a TFLite or ONNX file", "an empty file"),
        ("truncated.tflite", "whole TFLite file", ""),
        ("truncated.onnx", "", ""),
        ("newer.tflite", f"up to version {VERSION}", f"version {VERSION + 1}"),
        ("broken.tflite", "whole contract", "not JSON"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_bad_model_is_refused_by_every_command(
    cli: Cli, exported: Path, bad: Path, command: str, name: str, rule: str, received: str
) -> None:
    rest = {"run": [exported / "sample.png"], "eval": [exported / "samples.npz"]}.get(command, [])
    first, second, _ = cli(command, bad / name, *rest).refused().splitlines()
    assert rule in first
    assert received in second


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_is_no_model_but_of_parts(cli: Cli, exported: Path, tmp_path: Path, command: str) -> None:
    rest = {"run": [exported / "sample.png"], "eval": [exported / "samples.npz"]}.get(command, [])
    first, second, _ = cli(command, tmp_path, *rest).refused().splitlines()
    assert ("must hold the parts of one system" if command == "run" else "must be a TFLite or ONNX file") in first
    assert ("no part" if command == "run" else "a folder") in second


@pytest.mark.parametrize(
    ("name", "rule", "received"),
    [
        ("missing.npz", "samples: the file must exist", "missing.npz"),
        ("text.png", "must be an .npz", "text.png"),
        ("truncated.npz", "must be an .npz", "truncated.npz"),
        ("short.npy", "must be an .npz", "short.npy"),
        ("labels.npz", "whole number from 0 to 9", "label 10 at sample 3"),
        ("negative.npz", "whole number from 0 to 9", "label -1 at sample 1"),
        ("fewer.npz", "whole number from 0 to 9", "for 4 samples"),
        ("real.npz", "whole number from 0 to 9", "float64"),
        ("unlabelled.npz", "must have labels", "without evaluation_label"),
        ("floats.npz", "unsigned bytes", "float64"),
        ("wide.npz", "without distortion", "64x20"),
        ("other.npz", "evaluation samples for every input", "evaluation_sound"),
    ],
)
def test_bad_samples_are_refused(
    cli: Cli, artifacts: dict[str, Path], bad: Path, name: str, rule: str, received: str
) -> None:
    first, second, _ = cli("eval", artifacts["int8"], bad / name).refused().splitlines()
    assert rule in first
    assert received in second


def test_metric_that_is_not_known_is_refused(cli: Cli, bad: Path, exported: Path) -> None:
    assert 'did you mean "accuracy"' in cli("eval", bad / "metric.tflite", exported / "samples.npz").refused()


def test_unknown_kernels_are_refused(cli: Cli, artifacts: dict[str, Path], exported: Path) -> None:
    said = cli("run", artifacts["f32"], exported / "sample.png", "--kernels", "referense").refused()
    assert 'did you mean "reference"' in said


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["walk"],
        ["run"],
        ["run", "FILE"],
        ["run", "FILE", "INPUT", "--threads", "0"],
        ["run", "FILE", "INPUT", "--threads", "two"],
        ["run", "FILE", "INPUT", "--top", "-1"],
        ["bench", "FILE", "--runs", "0"],
        ["bench", "FILE", "--runs", "1.5"],
        ["inspect", "FILE", "--unknown"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_named(
    cli: Cli, artifacts: dict[str, Path], capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    given = [str(artifacts["f32"]) if argument == "FILE" else argument for argument in arguments]
    with pytest.raises(SystemExit) as end:
        cli(*given)
    said = capfd.readouterr()
    assert (end.value.code, said.out) == (2, "")
    assert re.match(r"usage: edgeproof .*\nedgeproof.*: error: .+\n$", said.err, re.DOTALL)


def test_refusal_loses_nothing_that_was_answered_before(
    cli: Cli, artifacts: dict[str, Path], exported: Path, bad: Path
) -> None:
    said = cli("run", artifacts["f32"], exported / "sample.png", bad / "corrupt.png")
    assert said.status == 2
    assert said.out.startswith(f"{exported / 'sample.png'}: 0 ")
    assert len(said.err.splitlines()) == 3


@pytest.mark.parametrize("name", ["f32", "int8", "onnx"])
def test_run_answers_in_words(cli: Cli, artifacts: dict[str, Path], exported: Path, name: str) -> None:
    path = exported / "sample.png"
    said = cli("run", artifacts[name], path, path, "--top", 2)
    assert (said.status, said.err) == (0, ""), said
    line = rf"{re.escape(str(path))}: 0  \d+\.\d%  \(then \d \d+\.\d%\)\n"
    assert re.fullmatch(line * 2, said.out)
    assert re.fullmatch(r".*: 0  \d+\.\d%\n", cli("run", artifacts[name], path, "--top", 1).out)


def test_run_in_json_is_the_prediction(
    cli: Cli, artifacts: dict[str, Path], models: dict[str, Model], exported: Path
) -> None:
    path = exported / "sample.png"
    found = json.loads(cli("run", artifacts["f32"], path, "--json", "--top", 3).out)
    answer = models["f32"].predict(path)
    assert found["input"] == str(path)
    assert found["label"] == answer.label == "0"
    assert [tuple(pair) for pair in found["ranking"]] == list(answer.ranking[:3])
    assert found["outputs"] == {"logits": answer.outputs["logits"].tolist()}


@pytest.mark.parametrize(("name", "kernels"), [*(("int8", k) for k in KERNELS), ("onnx", "onnxruntime")])
def test_eval_is_the_share_of_right_answers(
    cli: Cli, artifacts: dict[str, Path], models: dict[str, Model], exported: Path, name: str, kernels: str
) -> None:
    with np.load(exported / "samples.npz") as archive:
        images, labels = archive["evaluation_image"], archive["evaluation_label"]
    said = cli("eval", artifacts[name], exported / "samples.npz", "--json", "--kernels", kernels)
    found = json.loads(said.out)
    assert (said.status, said.err, found["n"], found["kernels"]) == (0, "", 450, kernels)
    assert found["metric"] == "accuracy"
    assert found["interval"] == list(metrics.wilson(found["value"] * 450, 450))
    if kernels in ("xnnpack", "onnxruntime"):
        right = sum(models[name].predict(i).label == str(y) for i, y in zip(images, labels, strict=True))
        assert found["value"] == pytest.approx(right / 450)
    words = cli("eval", artifacts[name], exported / "samples.npz", "--kernels", kernels).out
    assert words.startswith(f"accuracy {found['value']:.2%} (95% ")
    assert words.endswith(f"), n = 450, on {kernels} kernels\n")


def test_eval_finds_the_score_that_export_reported(cli: Cli, artifacts: dict[str, Path], exported: Path) -> None:
    report = (exported / "export" / "report.json").read_text()
    found = json.loads(cli("eval", artifacts["int8"], exported / "samples.npz", "--json").out)
    assert str(found["value"])[:8] in report


@pytest.mark.parametrize("name", ["f32", "int8", "onnx"])
def test_inspect_says_what_the_file_is(cli: Cli, artifacts: dict[str, Path], name: str) -> None:
    said = cli("inspect", artifacts[name])
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert str(artifacts[name]) in lines[0]
    assert f"{artifacts[name].stat().st_size:,} bytes" in lines[0]
    precision = "int8" if name == "int8" else "f32"
    assert f"precision   {precision}" in lines
    dtype = "int8" if name == "int8" else "float32"
    assert any(re.match(rf"input +image  [?1]x28x28x1 {dtype}", line) for line in lines)
    assert any(re.match(r"output +logits ", line) for line in lines)
    assert any(re.match(r"operators +\d+: ", line) for line in lines)
    assert f"contract    version {VERSION}: lenet5, LeNet-5 (relu)" in lines
    assert any(line.startswith("frontend    image: image, channels(channels 1), resize(") for line in lines)
    assert "decode      classify logits: 0 1 2 3 4 5 6 7 8 9" in lines
    assert any(re.match(r"checkpoint  accuracy \d\d\.\d\d% \(95% .*\), n = 450, digits ", line) for line in lines)
    assert any(re.match(r"provenance  recipe lenet5, checkpoint [0-9a-f]{12}, 200 calibration", s) for s in lines)


def test_inspect_lists_tensors_on_demand(cli: Cli, artifacts: dict[str, Path], models: dict[str, Model]) -> None:
    short, long = cli("inspect", artifacts["int8"]).out, cli("inspect", artifacts["int8"], "--tensors").out
    assert len(long.splitlines()) == len(short.splitlines()) + len(models["int8"].summary.tensors)
    assert "scales on axis" in long


def test_inspect_gives_the_contract_as_json_alone(
    cli: Cli, artifacts: dict[str, Path], models: dict[str, Model], foreign: Path
) -> None:
    for name, model in models.items():
        assert Contract.from_json(cli("inspect", artifacts[name], "--contract").out) == model.contract
    assert json.loads(cli("inspect", foreign, "--contract").out) is None


def test_inspect_says_when_the_contract_claims_another_precision(
    cli: Cli, artifacts: dict[str, Path], with_contract: Callable[..., bytes], models: dict[str, Model], tmp_path: Path
) -> None:
    contract = models["f32"].contract
    assert contract
    assert contract.artifact
    claimed = dataclasses.replace(contract, artifact=dataclasses.replace(contract.artifact, precision="int8"))
    (tmp_path / "liar.tflite").write_bytes(with_contract(claimed.to_json()))
    said = cli("inspect", tmp_path / "liar.tflite").out
    assert "precision   f32\n            but its contract says int8\n" in said


def test_bench_prints_its_figures(cli: Cli, artifacts: dict[str, Path], embedding: Path) -> None:
    for path, kernels in (
        (artifacts["int8"], "builtin"),
        (artifacts["onnx"], "onnxruntime"),
        (embedding, "onnxruntime"),
    ):
        said = cli("bench", path, "--runs", 3, "--kernels", kernels)
        figures = rf": \d+\.\d+ ms \(90% of runs under \d+\.\d+ ms\) on {kernels} kernels, 1 thread\(s\); .* MB\n"
        assert (said.status, said.err) == (0, "")
        assert re.fullmatch(re.escape(str(path)) + figures, said.out)
        found = json.loads(cli("bench", path, "--runs", 3, "--kernels", kernels, "--json").out)
        assert (found["file"], found["runs"], found["kernels"]) == (str(path), 3, kernels)
        assert 0 < found["median_ms"] <= found["p90_ms"]


def test_file_without_a_contract_says_what_is_missing(
    cli: Cli, foreign: Path, artifacts: dict[str, Path], exported: Path, tmp_path: Path
) -> None:
    said = cli("inspect", foreign)
    assert said.status == 0
    assert "contract    none: the file does not say how a raw sample becomes its input" in said.out

    np.save(tmp_path / "tensor.npy", np.zeros((28, 28, 1), np.float32))
    said = cli("run", foreign, tmp_path / "tensor.npy")
    assert said.status == 0
    assert "carries no contract, so there is no preprocessing and no label" in said.err
    assert '"image" (1, 28, 28, 1) float32' in said.err
    assert re.fullmatch(r".*tensor\.npy: logits \(10,\) = ( ?-?[\d.e-]+){10}\n", said.out)
    found = json.loads(cli("run", foreign, tmp_path / "tensor.npy", "--json").out)
    assert (found["label"], found["ranking"], len(found["outputs"]["logits"])) == ("", [], 10)

    said = cli("run", foreign, exported / "sample.png")
    assert (said.status, said.out) == (2, "")
    assert "numpy.save" in said.err.splitlines()[-1]
    assert "a file with no contract" in cli("eval", foreign, exported / "samples.npz").refused()
    assert cli("bench", foreign, "--runs", 1).status == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    field=st.sampled_from(["frontends", "decode", "labels", "score", "graphs", "artifact", "provenance", "title"]),
    key=st.sampled_from(["", "kind", "output", "scores", "input", "steps", "metric", "interval", "name", "inputs"]),
    value=st.sampled_from(
        [
            None,
            0,
            -1,
            1.5,
            True,
            "",
            "image",
            "array",
            "\x1b[31m",
            [],
            [{}],
            {},
            [{"op": "resize"}],
            [["a"]],
            [None] * 3,
        ]
    ),
)
def test_any_contract_within_a_file_ends_in_an_answer_or_a_refusal(
    cli: Cli,
    artifacts: dict[str, Path],
    with_contract: Callable[..., bytes],
    exported: Path,
    tmp_path: Path,
    field: str,
    key: str,
    value: Any,
) -> None:
    text = json.loads(formats.read(artifacts["f32"]).metadata[Contract.KEY])
    place = text[field][0] if isinstance(text[field], list) and key else text[field]
    if key and isinstance(place, dict):
        place[key] = value
    else:
        text[field] = value
    path = tmp_path / "changed.tflite"
    path.write_bytes(with_contract(json.dumps(text)))
    for command in (
        ["inspect", path],
        ["run", path, exported / "sample.png"],
        ["eval", path, exported / "samples.npz"],
    ):
        assert cli(*command).status in (0, 2)


def test_command_is_the_module_and_its_status_the_processs(
    python: Cli, artifacts: dict[str, Path], exported: Path, bad: Path
) -> None:
    done = python("-m", "edgeproof", "run", artifacts["int8"], exported / "sample.png")
    assert (done.status, done.err) == (0, "")
    assert ": 0 " in done.out
    python("-m", "edgeproof", "run", artifacts["int8"], bad / "corrupt.png").refused()
    done = python("-m", "edgeproof", "walk")
    assert done.status == 2
    assert "invalid choice: 'walk'" in done.err


def test_help_and_version_answer_without_an_interpreter(python: Cli) -> None:
    script = """
import sys
from edgeproof.cli import main
for arguments in (["--help"], *([c, "--help"] for c in ("run", "bench", "eval", "inspect")), ["--version"]):
    try:
        main(arguments)
    except SystemExit as end:
        assert end.code == 0
heavy = {"tensorflow", "keras", "ai_edge_litert", "onnxruntime", "onnx", "PIL", "scipy", "h5py"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    done = python("-c", script)
    assert (done.status, done.err) == (0, ""), done
    assert all(command in done.out for command in COMMANDS)
    assert done.out.endswith(f"edgeproof {__version__}\n")


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_reader_that_leaves_early_is_no_error(python: Cli, artifacts: dict[str, Path], unbuffered: str) -> None:
    """`edgeproof inspect FILE | head -0`, with the reader gone before the first line is written."""
    receiving, sending = os.pipe()
    os.close(receiving)
    environment = {"PYTHONUNBUFFERED": unbuffered} if unbuffered else {}
    command = ("-m", "edgeproof", "inspect", artifacts["f32"])
    done = python(*command, env=environment, capture_output=False, stdout=sending, stderr=-1)
    os.close(sending)
    assert (done.status, done.err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_full_disk_under_the_output_is_refused(python: Cli, artifacts: dict[str, Path], unbuffered: str) -> None:
    environment = {"PYTHONUNBUFFERED": unbuffered} if unbuffered else {}
    with open("/dev/full", "w") as full:
        command = ("-m", "edgeproof", "inspect", artifacts["f32"])
        done = python(*command, env=environment, capture_output=False, stdout=full, stderr=-1)
    assert "No space left on device" in done.refused()


@posix
def test_device_without_a_writable_disk_or_standard_error_still_answers(
    python: Cli, artifacts: dict[str, Path], exported: Path
) -> None:
    script = """
import os, resource, sys
from edgeproof.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
if sys.argv[1] == "closed":
    os.close(2)
sys.exit(main(sys.argv[2:]))
"""
    for state in ("open", "closed"):
        done = python("-c", script, state, "run", artifacts["f32"], exported / "sample.png")
        assert done.status == 0, done
        assert ": 0 " in done.out


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are bytes on Linux only")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_the_terminal_can_not_show_are_escaped(
    python: Cli, artifacts: dict[str, Path], exported: Path, tmp_path: Path, encoding: str
) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff \xc3\xa9.png")
    Path(name).write_bytes((exported / "sample.png").read_bytes())
    done = python(
        "-m", "edgeproof", "run", artifacts["f32"], name, env={"PYTHONIOENCODING": encoding}, encoding="utf-8"
    )
    assert (done.status, done.err) == (0, "")
    assert "\\udcff " in done.out


def test_greeting_of_the_interpreter_is_held_back(cli: Cli, artifacts: dict[str, Path], exported: Path) -> None:
    assert cli("run", artifacts["f32"], exported / "sample.png").err == ""


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_nothing_but_the_greeting_is_held_back(
    capfd: pytest.CaptureFixture[str], error: type[BaseException] | None
) -> None:
    def speak() -> None:
        print("before", file=sys.stderr)
        with quiet.without(b"INFO: hello", b"NOTE"):
            os.write(2, b"INFO: hello to you\nERROR: INFO: hello\nINFO: other\nNOTE: x\n")
            print("from Python", file=sys.stderr)
            os.write(2, b"\xff no end of line")
            if error:
                raise error

    if error:
        with pytest.raises(error):
            speak()
    else:
        speak()
    os.write(2, b"\nafter\n")
    said = capfd.readouterr().err.splitlines()
    # Python may hold its own lines back for longer than C++ does.
    assert sorted(said[1:-2]) == ["ERROR: INFO: hello", "INFO: other", "from Python"]
    assert (said[0], said[-1]) == ("before", "after")
    assert said[-2].endswith("no end of line")


def test_guard_turns_what_happens_into_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> int:
        raise Refused("stage: a rule.", received="this", fix="do that")

    def interrupt() -> int:
        raise KeyboardInterrupt

    def fail() -> int:
        raise OSError("a bug")

    assert guard("program", lambda: 1) == 1
    assert guard("program", refuse) == 2
    assert capsys.readouterr().err == "program: stage: a rule.\n  received: this\n  fix: do that\n"
    assert guard("program", interrupt) == 130
    assert capsys.readouterr().err == "\nprogram: stopped\n"
    with pytest.raises(OSError, match="a bug"):
        guard("program", fail)


def test_score_in_the_contract_is_the_checkpoints(models: dict[str, Model], exported: Path) -> None:
    for model in models.values():
        assert model.contract
        score = model.contract.score
        assert isinstance(score, Score)
        assert (score.metric, score.n, score.data) == ("accuracy", 450, "digits")
        low, high = score.interval
        assert low < score.value < high
        assert not math.isnan(score.value)


# --- answers that are no class ---


def sequence_file(build_onnx: Callable[..., bytes], path: Path, decode: Decode, labels: tuple[str, ...] = ()) -> Path:
    """A graph that gives its series back, (1, 3, 2), as a file that says what it means."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    floats = onnx.TensorProto.FLOAT
    steps: tuple[dict[str, object], ...] = ({"op": "columns", "names": ["load", "heat"], "length": 3},)
    contract = Contract(
        "echo",
        (Graph("main", (Tensor("series", (1, 3, 2)),), (Tensor("y", (1, 3, 2)),)),),
        frontends=(Frontend("series", "series", steps),),
        decode=decode,
        labels=labels,
    )
    ends = ("series", floats, [1, 3, 2]), ("y", floats, [1, 3, 2])
    path.write_bytes(build_onnx([("Identity", ["series"], ["y"])], [ends[0]], [ends[1]], {}, contract=contract))
    return path


def test_a_forecast_is_told_as_a_table_in_its_own_units(
    build_onnx: Callable[..., bytes], cli: Cli, tmp_path: Path
) -> None:
    decode = Decode("forecast", "y", mean=(10.0, 0.0), deviation=(2.0, 1.0))
    file = sequence_file(build_onnx, tmp_path / "echo.onnx", decode)
    (tmp_path / "s.csv").write_text("heat,load\n9,9\n1,1\n2,2\n3,2.5\n")
    said = cli("run", file, tmp_path / "s.csv")
    assert said.out == f"{tmp_path / 's.csv'}, what comes next:\nload,heat\n12,1\n14,2\n15,3\n"
    (tmp_path / "s.csv").write_text("heat,load\n1,x\n")
    assert 'line 2, column load: "x"' in cli("run", file, tmp_path / "s.csv").refused()


def test_labels_of_time_steps_are_told_in_runs(build_onnx: Callable[..., bytes], cli: Cli, tmp_path: Path) -> None:
    file = sequence_file(build_onnx, tmp_path / "echo.onnx", Decode("label", "y"), ("still", "walk"))
    (tmp_path / "s.csv").write_text("load,heat\n1,0\n0,1\n2,3\n")
    said = cli("run", file, tmp_path / "s.csv")
    assert said.out == f"{tmp_path / 's.csv'}: still x1, walk x2\n"
