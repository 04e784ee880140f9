"""`python -m train.inspect`: what it writes, and what it refuses in one message."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from train.inspect.__main__ import main
from train.inspect.views import VIEWS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def folder(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as training leaves it."""
    here = tmp_path_factory.mktemp("inspect")
    for name in ("lenet5.h5", "samples.npz", "sample.png"):
        shutil.copy(finished / name, here)
    return here


@pytest.fixture
def refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def ask(*arguments: object) -> str:
        out = tmp_path / "out"
        assert main([*map(str, arguments), "--out", str(out)]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert [line.split(":")[0] for line in told.err.splitlines()[1:]] == ["  received", "  fix"], told.err
        assert not out.exists()
        return told.err

    return ask


def test_a_trained_folder_is_drawn_with_its_first_evaluation_sample(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'index.html'}\n"
    files = {path.name for path in tmp_path.iterdir()}
    assert {"kernels.png", "maximisation.png", "graph.png", "saliency.png", "gradcam.png", "maps-01.png"} < files
    page = (tmp_path / "index.html").read_text()
    inside = [base64.b64decode(body) for body in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert sorted(inside) == sorted(path.read_bytes() for path in tmp_path.glob("*.png"))
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "evaluation sample 0" in page


def test_a_picture_and_a_class_are_taken(folder: Path, tmp_path: Path) -> None:
    arguments = ["--image", str(folder / "sample.png"), "--class", "7", "--only", "gradcam"]
    assert main([str(folder / "lenet5.h5"), "--out", str(tmp_path), *arguments]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"gradcam.png", "index.html"}
    assert "Class 7 (as asked)" in (tmp_path / "index.html").read_text()


def test_a_foreign_checkpoint_without_contract_or_samples_is_drawn_as_far_as_it_goes(
    tmp_path: Path, cam: keras.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    cam.save(tmp_path / "theirs.h5")
    assert main([str(tmp_path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[:-1]] == ["gradcam", "maps", "saliency"]
    assert {p.name for p in (tmp_path / "inspect").glob("*.png")} == {"graph.png", "kernels.png", "maximisation.png"}
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(tmp_path / "photo.png")
    assert main([str(tmp_path), "--image", str(tmp_path / "photo.png")]) == 0
    assert (tmp_path / "inspect" / "gradcam.png").exists()


def test_what_is_not_there_is_refused(folder: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "did you mean" in refused(folder, "--only", "kernel")
    assert 'did you mean "c1"' in refused(folder, "--layer", "c11")
    assert "no file" in refused(tmp_path / "nothing.h5")
    assert "none" in refused(tmp_path)
    assert "label" in refused(folder, "--class", "eleven")
    assert "from 0 to 9" in refused(folder, "--class", "12", "--only", "saliency")
    assert "0 to 449" in refused(folder, "--sample", "450")
    assert "one picture" in refused(folder, "--sample", "1", "--image", folder / "sample.png")
    assert "over the pixels" in refused(folder, "--only", "kernels", "--layer", "s2")


def test_files_that_are_not_what_they_claim_are_refused(
    folder: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    assert "decodes whole" in refused(folder, "--image", text)
    assert "must exist" in refused(folder, "--image", tmp_path / "none.png")
    Image.fromarray(np.zeros((10, 90), np.uint8)).save(tmp_path / "wide.png")
    assert "without distortion" in refused(folder, "--image", tmp_path / "wide.png")
    np.save(tmp_path / "small.npy", np.zeros((5, 5, 1), np.float32))
    assert "must have the shape" in refused(folder, "--image", tmp_path / "small.npy")
    (tmp_path / "broken.h5").write_bytes((folder / "lenet5.h5").read_bytes()[:5000])
    assert "Keras 3 opens" in refused(tmp_path / "broken.h5")


def test_a_lambda_in_a_checkpoint_is_not_run(tmp_path: Path, refused: Callable[..., str]) -> None:
    image = keras.Input((4, 4, 1))
    keras.Model(image, keras.layers.Lambda(lambda x: x + 1)(image)).save(tmp_path / "code.h5")
    assert "without running code" in refused(tmp_path / "code.h5")


@pytest.mark.parametrize("flag", ["--help", "--list"])
def test_help_and_list_name_every_view_without_tensorflow(flag: str) -> None:
    code = "import sys; from train.inspect.__main__ import main\n"
    code += f"try: main(['{flag}'])\nexcept SystemExit: pass\n"
    code += "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules), 'imported'"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert all(name in made.stdout for name in VIEWS.names())


def test_the_standard_library_s_inspect_is_not_shadowed() -> None:
    import inspect

    import train.inspect

    assert hasattr(inspect, "signature")
    assert inspect is not train.inspect
