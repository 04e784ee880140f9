"""Recipes are found by their files; listing them costs no TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.errors import Refused
from train import registry
from train.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]


def test_names_are_the_files() -> None:
    files = {path.stem for path in (ROOT / "train" / "recipes").glob("*.py")} - {"__init__"}
    assert set(registry.names()) == files
    assert "lenet5" in files


def test_names_come_in_natural_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    for name in ("resnet50", "resnet9", "alexnet", "resnet18", "__init__"):
        (tmp_path / "recipes" / f"{name}.py").touch()
    (tmp_path / "recipes" / "notes.txt").touch()
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    assert registry.names() == ["alexnet", "resnet9", "resnet18", "resnet50"]


def test_a_recipe_loads_by_its_name() -> None:
    recipe = registry.load("lenet5")
    assert isinstance(recipe, Recipe)
    assert recipe.title == "LeNet-5"
    assert registry.headline("lenet5").startswith("LeNet-5")


@pytest.mark.parametrize("name", ["lenet", "LeNet5", "../recipe", "__init__", ""])
def test_an_unknown_recipe_is_refused_and_the_known_are_named(name: str) -> None:
    with pytest.raises(Refused, match="one of those in train/recipes") as refused:
        registry.load(name)
    assert refused.value.received == name
    assert "lenet5" in refused.value.fix


SCRIPT = """
import contextlib, io, sys
from train.__main__ import main
with contextlib.suppress(SystemExit):
    main(["--help"])
assert main(["--list"]) == 0
assert main(["lenet", "--quiet"]) == 2
assert main(["lenet5", "--only-samples", "--out", sys.argv[1]]) == 0
heavy = {"tensorflow", "keras", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""


def test_help_list_and_samples_come_without_tensorflow(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for told in ("--resume", "--set KEY=VALUE", "LeNet-5 on handwritten digits", "mnist 99.0%", "embedded 98.5%"):
        assert told in done.stdout
    assert 'did you mean "lenet5"?' in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sample.png", "samples.npz"]
