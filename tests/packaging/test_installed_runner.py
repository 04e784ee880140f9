"""The wheel installed in an empty environment: a device's view, where there is no workshop to fall back on."""

import importlib.util
import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

import edgeproof

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.all  # it makes two environments


def _wheelhouse() -> Path:
    """Where `.ci/environment.py` keeps the packages, so that nothing is asked of an index."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / ".ci" / "environment.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Path = module.wheelhouse()
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.iterdir())


@pytest.fixture(scope="module", params=["", "[onnx-runtime]"], ids=["plain", "onnx-runtime"])
def device(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin/` of a new environment with the wheel and what it brings, at the versions of the lock."""
    wheels = _wheelhouse()
    if not any(wheels.glob("ai_edge_litert-*.whl")):
        pytest.skip(f"no packages in {wheels}: `make environment` puts them there")
    folder = tmp_path_factory.mktemp("device")
    venv.create(folder, with_pip=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheels]
    subprocess.run([*install, f"{wheel}{request.param}"], check=True)
    return folder / "bin"


def run(device: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # An empty folder of the environment's own: the checkout must not be importable from here.
    return subprocess.run([device / "edgeproof", *arguments], capture_output=True, text=True, cwd=device)


def test_nothing_of_weight_comes_with_it(device: Path) -> None:
    listed = subprocess.run(
        [device / "python", "-m", "pip", "list", "--format", "json"], capture_output=True, text=True
    )
    names = {entry["name"].lower() for entry in json.loads(listed.stdout)}
    assert {"edgeproof", "numpy", "pillow", "ai-edge-litert"} <= names
    assert not names & {"tensorflow", "keras", "torch", "onnx", "tf2onnx", "scikit-learn", "matplotlib", "h5py"}


def test_the_four_commands_work_on_a_tflite_file_alone(device: Path, exported: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.tflite"
    alone.write_bytes((exported / "export" / "lenet5.int8.tflite").read_bytes())
    expected = edgeproof.load(alone).predict(exported / "sample.png")

    answer = run(device, "run", "--json", alone, exported / "sample.png")
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["label"] == expected.label
    np.testing.assert_allclose(told["outputs"]["logits"], expected.outputs["logits"], rtol=1e-6)

    scored = run(device, "eval", "--json", alone, exported / "samples.npz")
    assert scored.returncode == 0, scored.stderr
    assert json.loads(scored.stdout)["n"] >= 400
    assert "int8" in run(device, "inspect", alone).stdout
    assert json.loads(run(device, "bench", "--json", "--runs", "20", alone).stdout)["median_ms"] > 0


def test_onnx_files_run_with_the_extra_and_say_so_without(device: Path, exported: Path) -> None:
    answer = run(device, "run", exported / "export" / "lenet5.f32.onnx", exported / "sample.png")
    if any((device.parent / "lib").glob("python*/site-packages/onnxruntime/__init__.py")):
        assert answer.returncode == 0, answer.stderr
        assert "%" in answer.stdout
    else:
        assert answer.returncode == 2
        assert "edgeproof[onnx-runtime]" in answer.stderr
    # Looking into the file needs no runtime at all.
    assert "opset 17" in run(device, "inspect", exported / "export" / "lenet5.f32.onnx").stdout


def test_it_refuses_what_it_must_without_a_traceback(device: Path, tmp_path: Path) -> None:
    (tmp_path / "not.tflite").write_text("hello")
    answer = run(device, "inspect", tmp_path / "not.tflite")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
