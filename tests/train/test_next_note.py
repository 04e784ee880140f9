"""What a writer of scores is told beside: likelihood in nats, its grid, and the picture on its card."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import special

from edgeproof.errors import Refused
from train import run, settings
from train.data import Dataset, Split
from train.recipes.music import RECIPE


def scores(n: int = 6, steps: int = 8, grid: int = 2) -> Dataset:
    rng = np.random.default_rng(0)
    splits = [Split({"tokens": (np.array([70, 65, 58, 50]) + rng.integers(0, 4, (n, steps, 4))).astype(np.int8)})
              for _ in range(3)]  # fmt: skip
    return Dataset("d", "d", "", True, splits[0], splits[1], splits[2], rate=grid)


def small(**wishes: Any) -> dict[str, Any]:
    return settings.resolve(RECIPE, "embedded", {"steps": 8, "units": 8, "vocabulary": 40, **wishes})


@pytest.mark.parametrize(("variant", "tokens", "unit"), [("chorale", 4, "time step"), ("chord", 1, "quarter note")])
def test_likelihood_is_told_of_all_voices_together(tmp_path: Path, variant: str, tokens: int, unit: str) -> None:
    dataset = scores()
    objective = run.prepared(RECIPE, small(variant=variant), dataset)
    ready = objective.ready(dataset.test, "the test split")
    logits, wanted = objective.outputs(ready.tensors)["logits"], ready.tensors["tokens"]
    each = special.log_softmax(logits[:, :-1].astype(np.float64), axis=-1)
    told = -np.take_along_axis(each, wanted[:, 1:, None].astype(np.int64), axis=-1).mean() * tokens
    facts = objective.facts(dataset)
    (found,) = [text for name, text in facts.items() if name == f"negative log-likelihood a {unit}"]
    value, low, high = map(float, re.findall(r"\d+\.\d{3}", found))
    assert value == pytest.approx(told, abs=6e-4)
    assert low < value < high
    assert objective.in_words(1.0) == f"0.000 nats a {unit}"
    assert objective.in_words(0.0) == f"{8 * math.log(2) * tokens:.3f} nats a {unit}"
    (picture,) = objective.draw(tmp_path, dataset)
    assert Image.open(tmp_path / picture.file).width > 300


@pytest.mark.parametrize("wrong", [{"grid": 1}, {"grid": 4}, {"steps": 16}])
def test_another_grid_or_longer_stretches_than_the_scores_have_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Refused, match="--set grid=2 --set steps=8"):
        run.prepared(RECIPE, small(**wrong), scores())
