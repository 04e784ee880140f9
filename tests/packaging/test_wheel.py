"""The wheel: `edgeproof/` alone, with the few dependencies a device can carry."""

import email
import re
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import edgeproof

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built as `make wheel` does, without isolation, so that no index is asked."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.iterdir()
    assert path.name == f"edgeproof-{edgeproof.__version__}-py3-none-any.whl"
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_wheel_holds_edgeproof_alone(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"edgeproof", f"edgeproof-{edgeproof.__version__}.dist-info"}


def test_wheel_holds_every_module_of_edgeproof_and_nothing_else_of_it(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if name.startswith("edgeproof/")}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "edgeproof").rglob("*.py")}
    assert modules <= packed
    assert not [name for name in packed if name.endswith((".pyc", ".h5", ".tflite"))]


def test_wheel_is_marked_as_typed_and_carries_its_licence(wheel: zipfile.ZipFile) -> None:
    assert "edgeproof/py.typed" in wheel.namelist()
    assert [name for name in wheel.namelist() if re.fullmatch(r"edgeproof-.*\.dist-info/licenses/LICENSE", name)]


def test_dependencies_are_an_interpreter_numpy_and_pillow(metadata: Message) -> None:
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    assert {r.name for r in required if r.marker is None} == {"ai-edge-litert", "numpy", "pillow"}
    assert [(r.name, str(r.marker)) for r in required if r.marker] == [("onnxruntime", 'extra == "onnx-runtime"')]
    assert metadata.get_all("Provides-Extra") == ["onnx-runtime"]


def test_version_is_the_one_that_the_package_says(metadata: Message) -> None:
    assert metadata["Version"] == edgeproof.__version__


def test_command_is_installed(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    assert "edgeproof = edgeproof.cli:main" in wheel.read(name).decode()
