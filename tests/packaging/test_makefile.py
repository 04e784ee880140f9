"""The Makefile and the environment it makes, as far as they can be tried without installing anything."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make reads, without an environment, in a folder with spaces."""
    folder = tmp_path / "a folder with  spaces"
    (folder / ".ci").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.txt", ".ci/environment.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # As from a shell: `make test` hands its own flags and level down to this process, and they are not the user's.
    inherited = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON")
    clean = {key: value for key, value in os.environ.items() if key not in inherited}
    return subprocess.run(["make", *arguments], cwd=folder, env=clean | environment, capture_output=True, text=True)


def test_help_is_the_default_and_lists_every_target(checkout: Path) -> None:
    targets = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets >= {"help", "demo", "test", "test-all", "lint", "wheel", "bench", "lock", "clean"}
    listed = make(checkout)
    assert listed.returncode == 0, listed.stderr
    assert set(re.findall(r"^  make (\S+) +\S", listed.stdout, re.MULTILINE)) == targets
    assert make(checkout, "help").stdout == listed.stdout


def test_demo_trains_exports_and_runs_after_the_environment(checkout: Path) -> None:
    planned = make(checkout, "-n", "demo")
    assert planned.returncode == 0, planned.stderr
    stages = [".ci/environment.py", "-m train lenet5", "-m export saved/lenet5", ".venv/bin/edgeproof run "]
    places = [planned.stdout.find(stage) for stage in stages]
    assert -1 not in places, dict(zip(stages, places, strict=True))
    assert places == sorted(places)


def test_without_a_fitting_python_one_line_says_so(checkout: Path) -> None:
    refused = make(checkout, "environment", PYTHON="/nonexistent/python")
    assert refused.returncode == 2
    assert "needs a 64-bit Python 3.11, 3.12 or 3.13" in refused.stderr
    assert "received: /nonexistent/python" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (checkout / ".venv").exists()
