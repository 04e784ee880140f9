"""Chorales from JSON, MIDI files and MusicXML, and what counts of tokens make of them."""

from __future__ import annotations

import itertools
import json
import math
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof import frontend
from edgeproof.errors import Refused
from edgeproof.frontend import midi, score, text
from train import learned, scores
from train.data import Dataset, Split, bach, chorales, musicxml
from train.data.skipping import skipping


def chorale(seed: int, quarters: int = 40, grid: int = 1) -> list[list[int]]:
    """Steps of soprano, alto, tenor, bass."""
    rng = np.random.default_rng(seed)
    rows: list[list[int]] = (np.array([70, 64, 58, 48]) + rng.integers(-4, 5, (quarters * grid, 4))).tolist()
    return rows


def written(folder: Path, value: Any, name: str = "jsb-chorales-quarter.json") -> Path:
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def parts(**changes: Any) -> dict[str, Any]:
    return {"train": [chorale(1), chorale(2)], "valid": [chorale(3)], "test": [chorale(4), chorale(5)], **changes}


def test_a_list_of_chorales_is_cut_into_stretches_of_its_own_splits(tmp_path: Path) -> None:
    dataset = chorales.load(written(tmp_path, parts()))
    assert (dataset.rate, dataset.synthetic) == (1, False)
    assert dataset.title == "5 chorales of jsb-chorales-quarter.json"
    tests = dataset.test.samples["tokens"]
    assert tests.dtype == np.int8
    assert tests.tolist() == [c[at : at + 16] for c in (chorale(4), chorale(5)) for at in (0, 16)]
    assert len(dataset.validation) == 2
    learned_from = dataset.train.samples["tokens"]
    assert len(learned_from) == 2 * 4 * 5  # at 0, 8, 16, 24, in five keys
    assert learned_from[1].tolist() == chorale(1)[8:24]
    keys = {tuple(np.unique(row - np.array(chorale(1)[:16]))) for row in learned_from[:20:4]}
    assert keys == {(0,), (-2,), (-1,), (1,), (2,)}


@pytest.mark.parametrize(
    ("name", "grid"), [("jsb-chorales-quarter", 1), ("jsb-chorales-8th", 2), ("jsb-chorales-16th", 4), ("Other", 4)]
)
def test_the_name_tells_the_time_step(tmp_path: Path, name: str, grid: int) -> None:
    value = [chorale(i, grid=4) for i in range(10)]
    assert chorales.load(written(tmp_path, value, f"{name}.json")).rate == grid


def test_rests_are_written_in_several_ways_and_the_bass_may_come_first(tmp_path: Path) -> None:
    rows = json.dumps(parts()).replace(f"{chorale(4)[0]}", "[60, NaN, null, -1.0]", 1)
    assert "NaN" in rows
    found = chorales.load(written(tmp_path, rows)).test.samples["tokens"][0]
    assert found[0].tolist() == [60, -1, -1, -1]
    upside = {split: [[row[::-1] for row in one] for one in each] for split, each in parts().items()}
    assert chorales.load(written(tmp_path, upside)).test.samples["tokens"][0].tolist() == chorale(4)[:16]


def test_chorales_that_are_there_twice_are_in_one_split(tmp_path: Path) -> None:
    dataset = chorales.load(written(tmp_path, parts(train=[chorale(1), chorale(4)])))
    assert len(dataset.train) == 20 + 20 - 2  # what is tested is not learned from, in its own key


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ([60, 61, 62], r"test, chorale 2, time step 3: \[60, 61, 62\]"),
        ([60, 61, 62, 63, 64], "time step 3"),
        ([60, 61, 62, 128], "time step 3"),
        ([60, 61, 62, -2], "time step 3"),
        ([60, 61, 62, 50.5], "time step 3"),
        ([60, 61, 62, True], "time step 3"),
        ([60, 61, 62, "G"], "time step 3"),
        (7, "time step 3: 7"),
    ],
)
def test_what_is_no_time_step_is_refused_or_passed_over_with_its_chorale(tmp_path: Path, step: Any, told: str) -> None:
    bad = chorale(5)
    folder = written(tmp_path, parts(test=[chorale(4), [*bad[:2], step, *bad[3:]], chorale(6)]))
    with pytest.raises(Refused, match=told):
        chorales.load(folder)
    with skipping(True) as skipped:
        assert len(chorales.load(folder).test) == 4
    assert len(skipped) == 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("[1, 2", "Expecting"),
        ("7", "must be a list of chorales"),
        ({"train": []}, "lists train, valid and test"),
        (parts(test=[[]]), r"test, chorale 1: \[\]"),
        (parts(test=[chorale(4, quarters=3)]), "every split of chorales must hold samples"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, value: Any, told: str) -> None:
    with pytest.raises(Refused, match=told):
        chorales.load(written(tmp_path, value))


def test_the_folder_must_say_which_file(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(Refused, match=r"one \.json file of chorales, or \.mid files"):
            chorales.load(folder)
    written(tmp_path, parts(), "a.json")
    written(tmp_path, parts(), "b.json")
    with pytest.raises(Refused, match=r"a\.json, b\.json"):
        chorales.load(tmp_path)
    assert "Jsb16th" in chorales.load(written(tmp_path, parts(test=[chorale(4, 80)], valid=[chorale(3, 80)], train=[
        chorale(1, 80)]), "Jsb16thSeparated.json")).title  # fmt: skip


def test_midi_files_lie_in_folders_of_splits_or_are_shared_out(tmp_path: Path) -> None:
    for i in range(10):
        notes = np.array(chorale(i, grid=4), np.int8)
        (tmp_path / f"{i}.mid").write_bytes(midi.written(midi.Score(notes, 4)))
    (tmp_path / "cut.mid").write_bytes(b"MThd")
    with pytest.raises(Refused, match=r"cut\.mid, offset 4(.|\n)*--skip-bad"):
        chorales.load(tmp_path)
    with skipping(True) as skipped:
        dataset = chorales.load(tmp_path)
    assert len(skipped) == 1
    assert (dataset.rate, len(dataset.test), len(dataset.validation)) == (4, 2 * 2, 1 * 2)
    (tmp_path / "cut.mid").unlink()
    for split, i in (("train", 1), ("valid", 2), ("test", 3)):
        (tmp_path / split).mkdir()
        (tmp_path / f"{i}.mid").rename(tmp_path / split / "a.MID")
    found = chorales.load(tmp_path).test.samples["tokens"]
    assert found.tolist() == [chorale(3, grid=4)[at : at + 64] for at in (0, 64)]


def test_notes_that_would_leave_midi_are_not_moved_there() -> None:
    notes = np.array([[127, 60], [midi.REST, 1]], np.int8)
    assert [moved.tolist() for moved in chorales.transposed(notes, (0, 1, -1, -2))] == [
        notes.tolist(), [[126, 59], [-1, 0]]
    ]  # fmt: skip


# --- MusicXML ---


def xml(*measures: str, divisions: int = 2) -> str:
    head = f"<attributes><divisions>{divisions}</divisions></attributes>"
    inside = "".join(f"<measure>{head if i == 0 else ''}{m}</measure>" for i, m in enumerate(measures))
    return (
        '<?xml version="1.0"?><!DOCTYPE score-partwise><score-partwise><part-list><score-part id="P1"><part-name>Alto'
        f'</part-name></score-part></part-list><part id="P1">{inside}</part></score-partwise>'
    )


def note(step: str, octave: int, duration: int, extra: str = "", alter: int = 0) -> str:
    pitch = f"<pitch><step>{step}</step><alter>{alter}</alter><octave>{octave}</octave></pitch>"
    return f"<note>{extra}{pitch}<duration>{duration}</duration></note>"


def test_a_score_written_by_hand_is_read_as_the_format_says(tmp_path: Path) -> None:
    path = tmp_path / "s.xml"
    measures = [
        note("C", 4, 2) + note("E", 4, 2, "<chord/>") + note("B", 4, 1, alter=-1) + note("A", 4, 0, "<grace/>"),
        "<note><rest/><duration>1</duration></note>" + note("F", 3, 3, alter=1)
        + "<backup><duration>2</duration></backup>" + note("G", 5, 1)
        + "<forward><duration>1</duration></forward>",
    ]  # fmt: skip
    path.write_text(xml(*measures))
    expected = [64, 64, 70, -1, 54, 79, 54]
    assert musicxml.read(path, grid=2)["Alto"].tolist() == expected
    assert musicxml.read(path, grid=1)["Alto"].tolist() == expected[::2]
    packed = tmp_path / "s.mxl"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("s.xml", xml(*measures))
    assert musicxml.read(packed, grid=2)["Alto"].tolist() == expected


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (xml(note("C", 4, 2))[:-9], "line 1"),
        ("<score-timewise/>", "score-timewise"),
        (xml(note("C", 12, 2)), "C12"),
        (xml(note("H", 4, 2)), "H"),
        (xml(note("C", 4, 10**9)), "quarter notes"),
        (xml(note("C", 4, 2), divisions=0), "division"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
    ],
)
def test_scores_that_are_none_are_refused(tmp_path: Path, body: str, told: str) -> None:
    path = tmp_path / "s.xml"
    path.write_text(body)
    with pytest.raises(Refused, match=f"(?i){told}"):
        musicxml.read(path, grid=2)
    packed = tmp_path / "s.mxl"
    packed.write_bytes(b"PK")
    with pytest.raises(Refused, match="not a zip file"):
        musicxml.read(packed, grid=2)


def test_the_corpus_is_read_without_running_the_package_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "music21"
    (package / "corpus" / "bach").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('run')")
    with pytest.raises(Refused, match=r"0 chorales in(.|\n)*pip install music21"):
        bach.load()
    with pytest.raises(Refused, match="--data chorales"):
        bach.load(tmp_path)


# --- counts ---


def test_counts_in_a_row_are_interpolated_as_witten_and_bell_say() -> None:
    rng = np.random.default_rng(0)
    train, test = (np.array([70, 65, 58, 50], np.int8) + rng.integers(0, 2, (n, 4, 4), np.int8) for n in (6, 2))
    dataset = Dataset("d", "d", "", True, Split({"tokens": train}), Split({"tokens": test}), Split({"tokens": test}),
                      rate=2)  # fmt: skip
    settings = {"variant": "chorale", "steps": 4, "grid": 2, "voices": 4, "vocabulary": 20}
    how = learned.whole(scores.tokens(settings), dataset)
    rows, judged = (frontend.apply(how, split).tolist() for split in (train, test))
    pairs = Counter(pair for row in rows for pair in itertools.pairwise(row))
    single = Counter(token for row in rows for token in row[1:])

    def chance(before: int, token: int) -> float:
        kinds = len(single)
        alone = (single[token] + kinds / 20) / (single.total() + kinds)
        seen = Counter({b: n for (a, b), n in pairs.items() if a == before})
        return (seen[token] + len(seen) * alone) / (seen.total() + len(seen)) if seen else alone

    bits = [np.mean([-math.log2(chance(a, b)) for a, b in itertools.pairwise(row)]) for row in judged]
    np.testing.assert_allclose(scores.counted(dataset, settings, order=2), 1 - np.array(bits) / 8)
    assert scores.one(dataset, settings).shape == (2,)


def test_vocabularies_are_learned_the_most_frequent_first() -> None:
    common, inverted, rare = [72, 64, 55, 48], [72, 67, 55, 40], [71, 65, 62, 43]
    octave = [84, 76, 67, 60]
    rows = np.array([[common, common, octave, common], [inverted, inverted, rare, common]], np.int8)
    split = Split({"tokens": rows})
    dataset = Dataset("d", "d", "", True, split, split, split, rate=1)
    settings = {"variant": "chord", "steps": 4, "grid": 1, "voices": 4, "vocabulary": 4}
    step = learned.whole(scores.tokens(settings), dataset).steps[-1]
    assert step["vocabulary"] == [common, inverted], "of a harmony the chord that is there most often"
    assert frontend.apply(learned.whole(scores.tokens(settings), dataset), rows)[0].tolist() == [2, 2, 2, 2]
    step = learned.whole(scores.tokens({**settings, "variant": "chorale", "vocabulary": 99}), dataset).steps[-1]
    assert len(step["vocabulary"]) == 3 + 4 + 3 + 4
    assert step["vocabulary"][0] == [0, 0, 72]
    assert step["length"] == 16
    assert text.FIRST == score.FIRST
