"""The file that training hands to export: what to calibrate and train with, and apart from it what to be judged on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeproof import samples
from edgeproof.contract import sample_hashes
from train.__main__ import main
from train.data import digits


def hashes(values: np.ndarray) -> set[str]:
    return set(sample_hashes(values))


def test_samples_to_fine_tune_with_are_labelled_and_of_the_training_split(tmp_path: Path) -> None:
    assert main(["lenet5", "--only-samples", "--training-samples", "300", "--out", str(tmp_path)]) == 0
    given = samples.load(tmp_path / "samples.npz", ["image"])
    data = digits.load()
    train = {
        h: int(label) for h, label in zip(sample_hashes(data.train.samples["image"]), data.train.labels, strict=True)
    }
    image = given.training["image"]
    assert len(image) == 300
    assert [train[h] for h in sample_hashes(image)] == given.training_labels.tolist()
    assert hashes(given.calibration["image"]) <= set(train)
    assert hashes(given.evaluation["image"]) == hashes(data.test.samples["image"])
    assert not hashes(image) & hashes(given.evaluation["image"])
    # Every class is there, in its proportion.
    share = np.bincount(given.training_labels, minlength=10) / 300
    assert np.abs(share - np.bincount(data.train.labels, minlength=10) / len(data.train.labels)).max() < 0.01


@pytest.mark.parametrize(
    "wish", [["--training-samples", "300"], ["--only-samples", "--training-samples", "-1"]], ids=["alone", "negative"]
)
def test_training_samples_go_with_only_samples(
    wish: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lenet5", *wish, "--out", str(tmp_path / "new")]) == 2
    assert "--only-samples" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
