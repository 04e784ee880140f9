"""`python -m train.study`: pages made of their own figures, intervals by the book, one message for what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models.mlp import build_mlp
from train.study import fitting
from train.study.__main__ import main
from train.study.fitting import Network
from train.study.intervals import Interval
from train.study.page import Figure, Page, Table
from train.study.studies import STUDIES

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "study"


# --- intervals ---


def test_an_interval_is_student_s() -> None:
    # Student 1908's own table: t(0.975, 4) = 2.776, t(0.975, 2) = 4.303.
    found = Interval.of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3
    assert found.half == pytest.approx(2.776 * np.sqrt(2.5) / np.sqrt(5), rel=1e-3)
    assert Interval.of([0.0, 0.0, 3.0]).half == pytest.approx(4.303 * np.sqrt(3) / np.sqrt(3), rel=1e-3)
    assert Interval.of([0.962, 0.962]).percent() == "96.2% ± 0.0"
    assert Interval.of([0.5]).percent() == "50.0%"
    assert Interval.of([0.5, float("nan")]).told() == "not finite"


def test_95_of_100_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(0)
    intervals = [Interval.of(rng.normal(7, 2, 5)) for _ in range(2000)]
    assert np.mean([i.low <= 7 <= i.high for i in intervals]) == pytest.approx(0.95, abs=0.015)


# --- fitting ---


def test_a_seed_gives_the_same_run_whatever_ran_before() -> None:
    train = fitting.parts()[0].some(96, 0)
    network = Network(lambda: build_mlp(hidden=(8,), dropout=0.5), keras.optimizers.Adam(1e-2))
    first = network.fit(train, seed=3, epochs=2, batch=32)
    network.fit(train, seed=4, epochs=2, batch=32, moved={"shift": 2.0, "rotate": 10.0})
    again = network.fit(train, seed=3, epochs=2, batch=32)
    assert first.loss == again.loss
    assert np.array_equal(first.gradient, again.gradient)
    assert network.fit(train, seed=4, epochs=2, batch=32).loss != first.loss


def test_a_step_is_descent_along_the_gradient() -> None:
    # One batch of everything, one epoch of plain descent: weights move by -α times the gradient at the start.
    train = fitting.parts()[0].some(40, 0)
    network = Network(lambda: build_mlp(hidden=(5,), dropout=0.0, activation="tanh"), keras.optimizers.SGD(0.5))
    network.start(1)
    before = [v.numpy() for v in network.model.trainable_variables]
    gradients = network.gradients(train)
    history = network.fit(train, seed=1, epochs=1, batch=10**9)
    for start, gradient, norm, variable in zip(
        before, gradients, history.gradient[0], network.model.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(variable.numpy(), start - 0.5 * gradient, atol=1e-6)
        assert norm == pytest.approx(np.linalg.norm(gradient), rel=1e-4)


def test_a_rate_of_zero_moves_nothing_and_early_stopping_goes_back_to_the_best() -> None:
    train, held, _ = fitting.parts()
    network = Network(lambda: build_mlp(hidden=(8,), dropout=0.0), keras.optimizers.SGD(0.1))
    network.start(0)
    before = network.loss(held)
    network.fit(train.some(64, 0), seed=0, epochs=2, batch=32, rate=lambda _: 0.0)
    assert network.loss(held) == pytest.approx(before, rel=1e-6)
    # A rate that ruins what was learned: the weights are those before it.
    history = network.fit(
        train.some(320, 0), seed=0, epochs=6, batch=32, patience=2, rate=lambda epoch: 0.1 if epoch < 3 else 30.0
    )
    assert len(history.loss) < 7
    assert network.loss(held) == pytest.approx(min(history.validation_loss), rel=1e-5)
    assert min(history.validation_loss) < history.validation_loss[-1]


# --- pages ---


def test_a_page_holds_the_question_the_way_the_figures_and_the_command(tmp_path: Path) -> None:
    figure = Figure("x-loss", b"png", "Loss by epoch")
    page = Page("X", "Why?", ["Seeds: 0."], [Table(["a", "b"], [["one", "2"]]), figure], ["It is so."])
    path = page.write(tmp_path, "x", "python -m train.study x")
    assert path.read_text() == (
        "# X\n\n    python -m train.study x\n\nWhy?\n\n## How\n\n- Seeds: 0.\n\n## Results\n\n"
        "| a | b |\n| --- | ---: |\n| one | 2 |\n\n![Loss by epoch](x-loss.png)\n\n## What it shows\n\n- It is so.\n"
    )
    assert (tmp_path / "x-loss.png").read_bytes() == b"png"


def test_a_study_writes_its_page(tmp_path: Path) -> None:
    _writes("batch-norm", tmp_path)


@pytest.mark.all
@pytest.mark.parametrize("name", STUDIES.names())
def test_every_study_writes_its_page(name: str, tmp_path: Path) -> None:
    _writes(name, tmp_path)


def _writes(name: str, folder: Path) -> None:
    assert main([name, "--tiny", "--out", str(folder)]) == 0
    text = (folder / f"{name}.md").read_text()
    assert f"python -m train.study {name} --tiny" in text
    pictures = re.findall(r"\]\((.+?\.png)\)", text)
    assert pictures
    assert {path.name for path in folder.iterdir()} == {f"{name}.md", *pictures}
    assert "Seeds: 0" in text


def test_every_study_has_a_page_in_the_docs_made_by_its_plain_command() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(STUDIES.names())
    for path in PAGES.glob("*.md"):
        text = path.read_text()
        assert f"\n    python -m train.study {path.stem}\n" in text
        for picture in re.findall(r"\]\((.+?\.png)\)", text):
            assert 0 < (PAGES / picture).stat().st_size < 60_000


# --- the command ---


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["optimisers"], 'did you mean "optimizers"'),
        (["gradient-check", "--recipe", "lenet"], 'did you mean "lenet5"'),
        (["gradients", "--recipe", "lenet5"], "--recipe is for gradient-check"),
    ],
)
def test_what_is_not_there_is_refused(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert told in "".join(lines)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flag", ["--help", "--list"])
def test_help_and_list_name_every_study_without_tensorflow(flag: str) -> None:
    code = "import sys; from train.study.__main__ import main\n"
    code += f"try: main(['{flag}'])\nexcept SystemExit: pass\n"
    code += "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules), 'imported'"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert all(name in made.stdout for name in STUDIES.names())
