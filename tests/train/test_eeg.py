"""EEG to learn from: recordings by a generator, a headband's files, a cap's; and the discriminant told beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edgeproof import frontend
from edgeproof.errors import Refused
from train import eeg, learned
from train.data import Dataset, Split, epochs, motor_imagery, muse, muse_subjects, oddball, skipping


def test_windows_begin_a_margin_before_their_start_and_lie_whole_in_the_recording() -> None:
    signals = np.arange(40.0).reshape(20, 2)
    found, kept = epochs.cut(signals, [1, 2, 9, 14, 15], seen=4, margin=2)
    assert (found.shape, kept.tolist()) == ((3, 8, 2), [1, 2, 3])
    for window, start in zip(found, (2, 9, 14), strict=True):
        np.testing.assert_array_equal(window, signals[start - 2 : start + 6])
    assert epochs.cut(signals, [], seen=4, margin=2)[0].shape == (0, 8, 2)


def test_targets_have_a_p300_and_nobody_is_in_two_splits() -> None:
    parts = [oddball.windows(person) for person in range(6)]
    series, labels = np.concatenate([w for w, _ in parts]), np.concatenate([y for _, y in parts])
    assert 0.15 < labels.mean() < 0.25
    difference = series[labels == 1].mean(axis=0) - series[labels == 0].mean(axis=0)  # (time, electrodes)
    ears = difference[:, [0, 3]].mean(axis=1)
    peak = (int(ears.argmax()) - oddball.MARGIN) / oddball.RATE
    assert 0.28 < peak < 0.42
    assert 3.0 < ears.max() < 7.0
    people = [set(range_) for range_ in oddball._PEOPLE.values()]
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]
    np.testing.assert_array_equal(oddball.windows(3)[0], parts[3][0])


def noisy(n: int = 300) -> Dataset:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n)
    series = rng.normal(size=(n, 512, 4)) + labels[:, None, None] * np.hanning(512)[:, None]
    parts = [Split({"series": series[i::3].astype(np.float32)}, labels[i::3]) for i in range(3)]
    return Dataset("t", "t", "", True, *parts, columns=oddball.COLUMNS, rate=256)


def test_the_frontend_takes_its_rate_columns_and_length_from_the_data() -> None:
    dataset = noisy()
    how = learned.whole(eeg.windows(), dataset)
    assert how.steps[0] == {"op": "columns", "names": list(oddball.COLUMNS), "length": 512}
    assert how.stated("rate") == 256
    found = frontend.apply(how, dataset.train.samples["series"])
    assert (found.shape, found.dtype) == ((100, 128, 4), np.float32)
    assert np.abs(found).max() <= eeg._FARTHEST
    np.testing.assert_allclose(found.std(axis=(0, 1)), 1, atol=0.01)


def test_the_discriminant_s_values_are_its_area() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    dataset = noisy()
    how = learned.whole(eeg.windows(), dataset)
    rows = [
        frontend.apply(how, part.samples["series"]).reshape(100, 16, 8, 4).mean(axis=2).reshape(100, 64)
        for part in (dataset.train, dataset.test)
    ]
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(rows[0], dataset.train.labels)
    expected = roc_auc_score(dataset.test.labels, model.decision_function(rows[1]))
    assert eeg.discriminant(dataset, {}).mean() == pytest.approx(expected)


def test_the_headband_s_recordings_are_split_by_session_or_by_subject(shared: Path) -> None:
    folder = shared / "data" / "eeg_p300_muse"
    found = muse.load(folder)
    assert [len(part) for part in (found.train, found.validation, found.test)] == [967, 383, 765]
    assert found.train.samples["series"].shape[1:] == (512, 4)
    by_subject = muse_subjects.load(folder)
    assert len(by_subject.test) == 959
    assert all(0.1 < part.labels.mean() < 0.2 for part in (found.train, found.test, by_subject.test))


def headband(folder: Path, name: str, rows: list[str]) -> Path:
    path = folder / "subject1" / "session1" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["timestamps,TP9,AF7,AF8,TP10,Right AUX,Marker", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("row", "match"),
    [("0,1,2,x,4,5,0", 'line 702, column AF8: "x"'), ("0,1,2,3,4,5,7", "line 702: 7"), ("0,1,2", "line 702")],
)
def test_a_recording_with_a_bad_row_is_refused_or_passed_over(tmp_path: Path, row: str, match: str) -> None:
    good = [f"{i},1,2,{i % 7},4,5,{1 + i // 100 % 2 if i % 100 == 50 else 0}" for i in range(700)]
    for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
        headband(tmp_path, name, good)
    headband(tmp_path, "e.csv", [*good, row])
    with pytest.raises(Refused, match=match):
        muse.load(tmp_path)
    with skipping.skipping(True) as skipped:
        found = muse.load(tmp_path)
    assert len(skipped) == 1
    assert [len(part) for part in (found.train, found.validation, found.test)] == [4, 2, 2]


def test_folders_without_recordings_are_refused(tmp_path: Path) -> None:
    for module in (muse, muse_subjects, motor_imagery):
        with pytest.raises(Refused, match="must be given"):
            module.load(None)
        with pytest.raises(Refused, match="the folder must hold"):
            module.load(tmp_path)


def test_the_cap_s_trials_are_those_of_its_notes(shared: Path) -> None:
    found = motor_imagery.load(shared / "data" / "eeg_motor_imagery")
    assert found.columns[:3] == ("Fc5", "Fc3", "Fc1")
    assert [len(part) for part in (found.train, found.validation, found.test)] == [23 * 9, 7, 15]
    assert found.test.samples["series"].shape == (15, 480, 64)
    told = (shared / "data" / "eeg_motor_imagery" / "S001R12.edf.event").read_bytes()
    order = [b[:2] for b in told.split(b"T") if b[:2] in (b"1 ", b"2 ")]
    assert found.test.labels.tolist() == [int(text[:1]) - 1 for text in order]
