"""The score that each recipe sets itself, on its embedded data, from nothing: as a person would train it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from train import registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", registry.names())
def test_the_floor_is_reached_on_embedded_data(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "train", name, "--quiet", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    score = json.loads((tmp_path / "run.json").read_text())["score"]
    assert score["floor"] is not None
    assert score["mean"] >= score["floor"]
