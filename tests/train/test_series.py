"""Series to learn from: generated motions and loads, windows of real files, and what forecasts are told beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from edgeproof.errors import Refused
from train import learned, registry, series, settings
from train.data import Dataset, airline, ett, load_curve, motion, windows


def test_motions_have_gravity_a_label_each_step_and_every_activity() -> None:
    split = motion.move(60, seed=3)
    series, labels = split.samples["series"], split.labels
    assert (series.shape, series.dtype, labels.shape) == ((60, 128, 3), np.float32, (60, 128))
    assert set(np.unique(labels)) == set(range(5))
    still = series[labels == 0]
    np.testing.assert_allclose(np.linalg.norm(still, axis=1), 1.0, atol=0.15)
    changes = (np.diff(labels, axis=1) != 0).sum(axis=1)
    assert 1 <= changes.min() <= changes.max() <= 5
    np.testing.assert_array_equal(motion.move(5, seed=3).samples["series"], series[:5])


def test_one_frame_does_not_tell_the_activity() -> None:
    """The nearest mean of a single frame is right for less than half of them: it takes time to see a rhythm."""
    split = motion.move(200, seed=4)
    frames, labels = split.samples["series"].reshape(-1, 3), split.labels.ravel()
    centres = np.stack([frames[labels == c].mean(axis=0) for c in range(5)])
    guesses = np.linalg.norm(frames[:, None] - centres, axis=2).argmin(axis=1)
    assert (guesses == labels).mean() < 0.5


def test_windows_are_every_stretch_and_what_follows() -> None:
    values = np.arange(20.0).reshape(10, 2)
    split = windows.cut(values, 3, 2)
    assert split.samples["series"].shape == (6, 3, 2)
    for i in range(6):
        np.testing.assert_array_equal(split.samples["series"][i], values[i : i + 3])
        np.testing.assert_array_equal(split.labels[i], values[i + 3 : i + 5])


def test_what_is_forecast_lies_in_one_part_alone() -> None:
    values = np.arange(40.0)[:, None]
    found = windows.parts(values, (20, 30, 40), 4, 2)
    futures = [set(part.labels.ravel().astype(int)) for part in found]
    assert [min(f) for f in futures] == [4, 20, 30]
    assert [max(f) for f in futures] == [19, 29, 39]
    for ends in ((5, 30, 40), (20, 21, 40), (20, 30, 41)):
        with pytest.raises(Refused, match="must hold a window"):
            windows.parts(values, ends, 4, 2)


def small(seed: int = 0, columns: int = 2, horizon: int = 3) -> Dataset:
    values = np.random.default_rng(seed).normal(size=(200, columns)).cumsum(axis=0)
    names = ("a", "b")[:columns]
    return Dataset("t", "t", "", False, *windows.parts(values, (120, 160, 200), 6, horizon), columns=names)


@pytest.mark.parametrize(("columns", "horizon"), [(2, 3), (1, 1)])
def test_baselines_are_those_of_scikit_learn(columns: int, horizon: int) -> None:
    dataset = small(columns=columns, horizon=horizon)
    spread = dataset.train.samples["series"].reshape(-1, columns).astype(np.float64)
    mean, deviation = spread.mean(axis=0), spread.std(axis=0)
    x, y, u, v, h, r = (
        ((values - mean) / deviation).reshape(len(values), -1)
        for part in (dataset.train, dataset.test, dataset.validation)
        for values in (part.samples["series"], part.labels)
    )
    naive = u.reshape(-1, 6, columns)[:, -horizon:].reshape(len(u), -1)
    before = r2_score(v, naive, multioutput="variance_weighted")
    assert series.season_before(dataset, {"horizon": horizon}).mean() == pytest.approx(before)
    fits = [Ridge(alpha=a).fit(x, y) for a in series._STRENGTHS]
    best = min(fits, key=lambda fit: np.square(fit.predict(h).reshape(r.shape) - r).mean())
    score = r2_score(v, best.predict(u).reshape(v.shape), multioutput="variance_weighted")
    assert series.linear(dataset, {}).mean() == pytest.approx(score)


def test_columns_and_units_are_learned_from_training_alone() -> None:
    recipe = registry.load("rnn_forecast")
    chosen = settings.resolve(recipe, "embedded", {"past": 6, "horizon": 3})
    dataset = small()
    (found,) = learned.frontends(recipe, chosen, dataset)
    rows = dataset.train.samples["series"].reshape(-1, 2)
    assert found.steps[0] == {"op": "columns", "names": ["a", "b"], "length": 6}
    np.testing.assert_allclose(found.steps[1]["mean"], rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.steps[1]["deviation"], rows.std(axis=0), rtol=1e-5)
    decode = learned.decode(recipe, (found,))
    assert (list(decode.mean), list(decode.deviation)) == (found.steps[1]["mean"], found.steps[1]["deviation"])
    assert learned.decode(registry.load("keyword"), (found,)) == registry.load("keyword").decode


def test_the_load_has_a_day_s_shape_and_weekends() -> None:
    demand = load_curve.curve(24 * 70, seed=1)[:, 0].reshape(-1, 24)
    weekday = np.arange(70) % 7 < 5
    assert demand[:, 19].mean() > demand[:, 3].mean() + 8
    assert demand[weekday, 19].mean() > demand[~weekday, 19].mean() + 3


def test_real_series_have_their_makers_splits(shared: Path) -> None:
    hours = ett.load(shared / "data" / "ett")
    assert [len(s) for s in (hours.train, hours.validation, hours.test)] == [8521, 2857, 2857]
    assert hours.train.samples["series"][0, 0, 6] == pytest.approx(30.531, abs=1e-3)
    months = airline.load(shared / "data" / "airline_passengers")
    assert [len(s) for s in (months.train, months.validation, months.test)] == [61, 13, 13]
    assert months.test.labels[-1, :, 0].tolist() == [417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432]


def test_files_that_are_missing_or_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no --data-dir"):
        ett.load(None)
    with pytest.raises(Refused, match=r"must hold ETTh1\.csv"):
        ett.load(tmp_path)
    (tmp_path / "ETTh1.csv").write_text("date,HUFL\n1,2\n")
    with pytest.raises(Refused, match="HULL"):
        ett.load(tmp_path)
    (tmp_path / "airline-passengers.csv").write_text("Date,Count\n1949-01,112\n")
    with pytest.raises(Refused, match="must hold a window"):
        airline.load(tmp_path)
