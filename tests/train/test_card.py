"""What training leaves for people and for programs, recomputed from the checkpoint it left."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from edgeproof import frontend, samples
from edgeproof.contract import Contract, sample_hashes
from models import layers
from train import card, plots, registry
from train.data import Dataset, digits

assert layers  # imported for Keras to know them


@pytest.fixture(scope="module")
def facts(finished: Path) -> dict[str, Any]:
    return dict(json.loads((finished / "run.json").read_text()))


@pytest.fixture(scope="module")
def text(finished: Path) -> str:
    return (finished / "card.md").read_text()


@pytest.fixture(scope="module")
def rows(text: str) -> dict[str, str]:
    """The card's table."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return {cell[0]: cell[1] for cell in cells if len(cell) == 2}


@pytest.fixture(scope="module")
def contract(finished: Path) -> Contract:
    with h5py.File(finished / "lenet5.h5", "r") as file:
        return Contract.from_json(file.attrs[Contract.KEY])


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return digits.load()


@pytest.fixture(scope="module")
def decided(finished: Path, contract: Contract, dataset: Dataset) -> np.ndarray:
    """What the checkpoint, loaded by Keras alone, decides on the test split."""
    model = keras.saving.load_model(finished / "lenet5.h5", compile=False)
    image = frontend.apply(contract.frontend("image"), dataset.test.samples["image"])
    return np.asarray(model.predict(image, verbose=0)).argmax(1)


def test_the_folder_holds_what_the_manual_promises(finished: Path) -> None:
    pictures = ["confusion.png", "curves.png", "sample.png"]
    expected = ["board", "card.md", "history.csv", "lenet5.h5", "run.json", "samples.npz", *pictures]
    assert sorted(path.name for path in finished.iterdir()) == sorted(expected)


def test_the_score_is_the_checkpoint_s(
    facts: dict[str, Any], contract: Contract, decided: np.ndarray, dataset: Dataset
) -> None:
    right = int((decided == dataset.test.labels).sum())
    assert facts["score"]["value"] == right / 450
    assert contract.score is not None
    assert (contract.score.value, contract.score.n) == (right / 450, 450)
    assert (contract.score.metric, contract.score.data, contract.score.split) == ("accuracy", "embedded", "test")
    wilson = binomtest(right, 450).proportion_ci(method="wilson")
    assert facts["score"]["interval"] == pytest.approx([wilson.low, wilson.high], abs=1e-12)
    assert contract.score.interval == tuple(facts["score"]["interval"])


@pytest.mark.all  # two trainings more
def test_the_mean_is_over_seeds_each_as_if_trained_alone(
    facts: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from train.__main__ import main

    by_seed = facts["score"]["by_seed"]
    assert list(by_seed) == ["0", "1"]
    assert by_seed["0"] == facts["score"]["value"]
    assert facts["score"]["mean"] == pytest.approx((by_seed["0"] + by_seed["1"]) / 2)
    assert facts["score"]["standard_deviation"] == pytest.approx(abs(by_seed["0"] - by_seed["1"]) / 2**0.5)
    assert main(["lenet5", "--tiny", "--quiet", "--set", "seed=1", "--out", str(tmp_path)]) == 0
    alone = json.loads((tmp_path / "run.json").read_text())
    assert alone["score"]["by_seed"] == {"1": by_seed["1"]}
    assert (alone["score"]["mean"], alone["score"]["standard_deviation"]) == (by_seed["1"], 0.0)
    assert f"accuracy {by_seed['1']:.2%}" in capsys.readouterr().out


def test_mean_and_spread() -> None:
    assert card.mean_and_spread({0: 0.5}) == (0.5, 0.0)
    assert card.mean_and_spread({0: 0.1, 1: 0.2, 2: 0.6}) == pytest.approx((0.3, 0.0700**0.5))


def test_run_json_says_everything_that_made_the_checkpoint(
    facts: dict[str, Any], contract: Contract, dataset: Dataset, finished: Path
) -> None:
    recipe = registry.load("lenet5")
    assert facts["recipe"] == contract.provenance.recipe == contract.name == "lenet5"
    assert facts["command"] == (
        f"python -m train lenet5 --tiny --seeds 2 --quiet --out {finished} --tensorboard {finished / 'board'}"
    )
    assert set(facts["settings"]) == set(recipe.defaults())
    assert contract.provenance.settings == {**facts["settings"], "data": "embedded"}
    assert contract.provenance.seed == facts["settings"]["seed"] == 0
    assert facts["data"]["sha256"] == contract.provenance.data_sha256 == dataset.sha256()
    assert [facts["data"][split] for split in ("train", "validation", "test")] == [1247, 100, 450]
    assert (facts["data"]["name"], facts["data"]["synthetic"]) == ("embedded", False)
    assert facts["versions"] == contract.provenance.versions
    assert facts["versions"]["keras"] == keras.__version__
    assert set(facts["versions"]) == {"edgeproof", "keras", "tensorflow", "python"}
    assert facts["parameters"] == 61_706
    assert facts["seconds"] > 0
    assert set(facts["machine"]) == {"system", "machine", "cores"}
    assert facts["score"]["floor"] == recipe.goal.floors["embedded"]
    assert facts["score"]["reached"] == (facts["score"]["mean"] >= recipe.goal.floors["embedded"])


def test_the_card_tells_what_a_reader_needs(
    rows: dict[str, str], text: str, facts: dict[str, Any], dataset: Dataset
) -> None:
    recipe, score = registry.load("lenet5"), facts["score"]
    low, high = score["interval"]
    assert text.startswith("# LeNet-5 (relu), trained on embedded\n\n    python -m train lenet5 --tiny")
    assert rows["data"] == f"{dataset.title}; CC BY 4.0"
    assert rows["splits"] == "1,247 training, 100 validation, 450 test"
    assert rows["trainable parameters"] == "61,706"
    assert rows["test accuracy"] == f"**{score['value']:.2%}** (95% interval {low:.2%} to {high:.2%}, n = 450)"
    each = f"{score['by_seed']['0']:.2%}, {score['by_seed']['1']:.2%}"
    spread = f"standard deviation {score['standard_deviation']:.2%}"
    assert rows["mean over 2 seeds"] == f"**{score['mean']:.2%}** (each: {each}; {spread})"
    assert rows["floor"] == f"98.50%: {'reached' if score['reached'] else '**missed**'}"
    assert rows["training time"].endswith(f"for 2 epochs of one seed, {facts['machine']['cores']} cores")
    assert set(rows["versions"].split(", ")) == {f"{name} {value}" for name, value in facts["versions"].items()}
    assert all(f"`{key}={value}`" in text for key, value in facts["settings"].items())
    for picture in ("curves.png", "confusion.png"):
        assert f"]({picture})" in text
    assert f"## Intended use\n\n{recipe.use}\n" in text
    assert f"## Limits\n\n{recipe.limits}\n" in text


def test_the_card_names_the_commonest_errors(text: str, decided: np.ndarray, dataset: Dataset) -> None:
    wrong = [(int(a), int(b)) for a, b in zip(dataset.test.labels, decided, strict=True) if a != b]
    most = max(wrong.count(pair) for pair in wrong)
    told = text.split("## Intended use")[0].split("confusion.png)")[1].strip()
    assert told.startswith(f"{len(wrong)} errors; most often ")
    label, decision = int(told.split()[4]), int(told.split()[7])
    assert wrong.count((label, decision)) == most
    assert f"{label} taken for {decision} ({most})" in told


def test_a_faultless_test_is_said_to_be_one() -> None:
    assert card._worst(np.diag([3, 4]), ("a", "b")) == "No errors on the test split."
    assert card._worst(np.array([[3, 0], [2, 4]]), ()) == "2 errors; most often 1 taken for 0 (2): 100% of them."


def test_history_has_a_row_an_epoch(finished: Path) -> None:
    with (finished / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert list(rows[0]) == ["epoch", "loss", "validation_loss", "validation_score"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    assert 0 <= float(rows[1]["validation_score"]) <= 1


@pytest.mark.parametrize("name", ["curves.png", "confusion.png", "sample.png"])
def test_pictures_are_whole_pngs_that_show_something(finished: Path, name: str) -> None:
    with Image.open(finished / name) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape == (8, 8) if name == "sample.png" else min(pixels.shape) > 200
    assert np.ptp(pixels) > 100


def test_pictures_repeat_byte_for_byte(tmp_path: Path) -> None:
    history = [{"loss": 1.0, "validation_loss": 1.1, "validation_score": 0.5}] * 2
    counts = np.array([[5, 1], [0, 6]])
    for name in ("a", "b"):
        plots.curves(tmp_path / f"{name}1.png", history, "accuracy")
        plots.confusion(tmp_path / f"{name}2.png", counts, ("yes", "no"))
    assert (tmp_path / "a1.png").read_bytes() == (tmp_path / "b1.png").read_bytes()
    assert (tmp_path / "a2.png").read_bytes() == (tmp_path / "b2.png").read_bytes()


def test_samples_are_the_test_split_and_calibration_comes_from_the_training_split(
    finished: Path, contract: Contract, dataset: Dataset
) -> None:
    found = samples.load(finished / "samples.npz", ["image"])
    np.testing.assert_array_equal(found.evaluation["image"], dataset.test.samples["image"])
    np.testing.assert_array_equal(found.labels, dataset.test.labels)
    assert found.manifest["data_sha256"] == dataset.sha256()
    assert found.manifest["synthetic"] is False
    hashes = sample_hashes(found.calibration["image"])
    assert contract.provenance.calibration == hashes
    assert len(set(hashes)) == 200
    assert set(hashes) <= set(sample_hashes(dataset.train.samples["image"]))
    with Image.open(finished / "sample.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), dataset.test.samples["image"][0])


def test_tensorboard_s_logs_are_the_history(finished: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    logs = EventAccumulator(str(finished / "board"))
    logs.Reload()
    with (finished / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in logs.Tensors(tag)]
        for tag in logs.Tags()["tensors"]
    }
    expected = {
        tag: [(int(row["epoch"]), pytest.approx(float(row[tag]), rel=1e-6)) for row in rows]  # stored as float32
        for tag in ("loss", "validation_loss", "validation_score")
    }
    assert found == expected


def test_the_checkpoint_s_contract_is_whole(contract: Contract) -> None:
    recipe = registry.load("lenet5")
    assert contract.labels == recipe.labels == tuple("0123456789")
    assert contract.decode == recipe.decode
    (graph,) = contract.graphs
    assert [(t.name, t.shape, t.dtype, t.layout) for t in graph.inputs] == [
        ("image", (None, 28, 28, 1), "float32", "NHWC")
    ]
    assert [(t.name, t.shape, t.dtype, t.layout) for t in graph.outputs] == [("logits", (None, 10), "float32", "NC")]
    assert contract.title == "LeNet-5 (relu)"
    assert contract.artifact is None


def test_labels_that_the_font_lacks_are_drawn_by_name() -> None:
    from train import drawing

    assert drawing.drawable("seven") == "seven"
    assert drawing.drawable("é ≥") == "é ≥"
    assert drawing.drawable("⚾") == "baseball"
    assert drawing.drawable("🍴") == "fork and knife"
    assert drawing.drawable("❤️") == "❤"
