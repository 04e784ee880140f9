"""Scores: notes and chords as tokens and back, models that go on with them, and the picture."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeproof import formats, frontend, roll
from edgeproof.contract import Contract, Decode, Emission, Frontend, Graph, State, Stream, Tensor
from edgeproof.decode.write import Taste
from edgeproof.errors import Refused
from edgeproof.frontend import files, midi, score
from edgeproof.frontend.midi import REST, Score
from edgeproof.runner import Model

NOTES: dict[str, Any] = {"op": "notes", "vocabulary": [[0, 0, 72], [1, 0, 48], [0, 0, 74], [1, 0, REST]], "voices": 2}
NOTES["grid"] = 1
NOTES["length"] = 8
CHORDS: dict[str, Any] = {"op": "chords", "vocabulary": [[72, 64, 48], [71, 62, 55], [REST, REST, REST]], "voices": 3}
CHORDS |= {"grid": 2, "length": 4}
COMPOSED = np.array([[72, 48], [74, REST], [74, 48]], np.int8)


def test_notes_are_numbered_voice_by_voice() -> None:
    how = Frontend("tokens", "score", (NOTES,))
    found = frontend.apply(how, np.stack([COMPOSED, COMPOSED + (COMPOSED == 72)]))
    assert found.dtype == np.int32
    assert found.tolist() == [[2, 3, 4, 5, 4, 3, 0, 0], [score.UNKNOWN, 3, 4, 5, 4, 3, 0, 0]]
    assert frontend.apply(how, np.tile(COMPOSED, (9, 1))[None]).shape == (1, 8)
    assert score.numbered(COMPOSED, NOTES) == [2, 3, 4, 5, 4, 3]


def test_places_in_the_quarter_note_are_told_apart() -> None:
    step = {"op": "notes", "vocabulary": [[0, 1, 60], [0, 0, 60]], "voices": 1, "grid": 2, "length": 4}
    how = Frontend("tokens", "score", (step,))
    assert frontend.apply(how, np.array([[60], [60], [60], [61]], np.int8)[None]).tolist() == [[3, 2, 3, score.UNKNOWN]]
    heard = score.sung(lambda tokens: np.zeros(4), step)
    assert [np.isfinite(heard([2] * n)).nonzero()[0].tolist() for n in (0, 1, 2)] == [[3], [2], [3]]


def test_chords_are_their_bass_and_their_notes_in_any_octave_one_a_quarter_note() -> None:
    inverted, other = [60, 67, 52], [84, 76, 60]  # E in the bass; C in the bass and no fifth, in other octaves
    rows = np.array([[72, 64, 48], [0, 0, 0], [79, 74, 59], other, other, inverted, [REST] * 3, [1, 2, 3]], np.int8)
    how = Frontend("tokens", "score", (CHORDS,))
    assert frontend.apply(how, rows[None]).tolist() == [[2, score.UNKNOWN, 2, 4]]
    assert score.harmony([72, REST, 48]) == score.harmony([60, 60, 36]) == (0, frozenset({0}))
    assert score.harmony(inverted) != score.harmony([67, 64, 48])
    assert frontend.apply(how, np.array([[71, 62, 55]], np.int8)[None]).tolist() == [[3, 0, 0, 0]]


@given(
    st.lists(st.sampled_from([[a, b] for a in (72, 74) for b in (48, REST)]), min_size=1, max_size=9), st.integers(0, 9)
)
def test_tokens_become_the_notes_that_they_were(rows: list[list[int]], begun: int) -> None:
    tokens = score.numbered(np.array(rows, np.int8), NOTES)
    begun = min(begun, len(rows)) * 2
    found = list(score.pieced(tokens[begun:], tokens[:begun], NOTES))
    assert [row.tolist() for row in found] == rows[begun // 2 :]


def test_chords_last_a_quarter_note() -> None:
    assert [row.tolist() for row in score.pieced([3, 2], [2], CHORDS)] == [[71, 62, 55]] * 2 + [[72, 64, 48]] * 2


def test_only_the_voice_whose_turn_it_is_can_sing() -> None:
    heard = score.sung(lambda tokens: np.array([9.0, 9, 1, 5, 2, 3, 9]), NOTES)
    assert np.isfinite(heard([])).nonzero()[0].tolist() == [2, 4]
    assert np.isfinite(heard([2])).nonzero()[0].tolist() == [3, 5]
    assert np.isfinite(score.sung(lambda tokens: np.ones(9), CHORDS)([2])).nonzero()[0].tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (np.zeros((4, 3), np.int8), r"of 2 voices(.|\n)*\(4, 3\)"),
        (np.full((4, 2), -2, np.int8), "the least of them -2"),
        (np.zeros((0, 2), np.int8), r"\(0, 2\)"),
        (np.zeros((4, 2), np.int64), "notes by time step"),
    ],
)
def test_scores_that_are_none_are_refused(rows: np.ndarray, told: str) -> None:
    with pytest.raises(Refused, match=told):
        frontend.apply(Frontend("tokens", "score", (NOTES,)), rows[None])


@pytest.mark.parametrize("entry", [[2, 0, 60], [-1, 0, 60], [0, 1, 60], [0, 0, 128], [0, 0, -2]])
def test_a_vocabulary_that_no_score_has_is_refused(entry: list[int]) -> None:
    how = Frontend("tokens", "score", ({**NOTES, "vocabulary": [entry]},))
    with pytest.raises(Refused, match="must have the arguments it takes"):
        frontend.apply(how, COMPOSED[None])


def test_a_midi_file_is_read_as_the_contract_says(tmp_path: Path) -> None:
    path = tmp_path / "s.mid"
    path.write_bytes(midi.written(Score(COMPOSED, 1)))
    np.testing.assert_array_equal(files.read(path, Frontend("tokens", "score", (NOTES,))), COMPOSED)
    with pytest.raises(Refused, match="does not say how a raw sample"):
        files.read(path, Frontend("tokens", "score"))


# --- on files built node by node: what follows a token is a row of a table ---

ROWS = np.full((6, 6), -9.0, np.float32)
for _one, _after in ((2, 3), (3, 4), (4, 5), (5, 2)):
    ROWS[_one, _after] = 5.0
ROWS[:, 1], ROWS[3, 5], ROWS[5, 3] = 99.0, 50.0, 50.0  # the unknown, and a voice whose turn it is not
ENDLESS = [[72, 48], [74, REST]] * 9
STATE = Stream((State("seen", "seen.next"),), (Emission("logits", True),))


def composer(build_onnx: Callable[..., bytes], length: int, plan: Stream | None = None) -> bytes:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    whole, floats = onnx.TensorProto.INT32, onnx.TensorProto.FLOAT
    inputs, outputs = [Tensor("tokens", (1, length), "int32")], [Tensor("logits", (1, length, 6))]
    nodes: list[tuple[str, list[str], list[str]]] = [("Gather", ["rows", "tokens"], ["logits"])]
    into, out = [("tokens", whole, [1, length])], [("logits", floats, [1, length, 6])]
    if plan:
        inputs.append(Tensor("seen", (1, 1)))
        outputs.append(Tensor("seen.next", (1, 1)))
        nodes += [("Add", ["seen", "one"], ["seen.next"])]
        into.append(("seen", floats, [1, 1]))
        out.append(("seen.next", floats, [1, 1]))
    contract = Contract(
        "composer",
        (Graph("main", tuple(inputs), tuple(outputs), stream=plan),),
        frontends=(Frontend("tokens", "score", (NOTES,)),),
        decode=Decode("write", "logits"),
    )
    constants = {"rows": ROWS} | ({"one": np.ones((1, 1), np.float32)} if plan else {})
    return build_onnx(nodes, into, out, constants, contract=contract)


@pytest.mark.parametrize(("length", "plan"), [(8, None), (1, STATE)])
@pytest.mark.parametrize("begun", [1, 2, 7])
def test_a_model_goes_on_beyond_what_it_sees(
    build_onnx: Callable[..., bytes], length: int, plan: Stream | None, begun: int
) -> None:
    data = composer(build_onnx, length, plan)
    model = Model(data, formats.read_bytes(data, "composer.onnx"))
    steps = itertools.islice(model.compose(np.array(ENDLESS[:begun], np.int8), Taste(0)), 6)
    assert [row.tolist() for row in steps] == ENDLESS[begun : begun + 6]


def test_a_model_of_scores_writes_no_text_and_takes_no_other_beginning(build_onnx: Callable[..., bytes]) -> None:
    data = composer(build_onnx, 8)
    model = Model(data, formats.read_bytes(data, "composer.onnx"))
    with pytest.raises(Refused, match=r"goes on with a text(.|\n)*of scores"):
        model.write("a")
    with pytest.raises(Refused, match="of 2 voices"):
        model.compose(np.zeros((4, 3), np.int8))
    with pytest.raises(Refused, match="of 2 voices"):
        model.compose(np.full((4, 2), 300))


def test_the_command_line_composes(build_onnx: Callable[..., bytes], cli: Callable[..., Any], tmp_path: Path) -> None:
    path, begun, out = tmp_path / "composer.onnx", tmp_path / "begun.mid", tmp_path / "out.mid"
    path.write_bytes(composer(build_onnx, 8))
    begun.write_bytes(midi.written(Score(np.array(ENDLESS[:3], np.int8), 1, 450_000)))
    said = cli("run", path, begun, "--length", 2, "--temperature", 0)
    assert (said.status, said.out) == (0, "D5  -\nC5  C3\n")
    said = cli("run", path, begun, "--length", 1, "--temperature", 0, "--json")
    assert json.loads(said.out) == {"input": str(begun), "score": [[74, -1]]}
    said = cli("run", path, begun, "--length", 4, "--temperature", 0, "--write", out)
    assert said.out == f"{begun}: 3 time steps, then 4 more: {out}, {tmp_path / 'out.png'}\n"
    read = midi.read(out, voices=2, grid=1)
    assert (read.notes.tolist(), read.tempo) == (ENDLESS[:7], 450_000)
    assert Image.open(tmp_path / "out.png").format == "PNG"
    before = out.read_bytes()
    assert "as a .mid file" in cli("run", path, begun, "--write", tmp_path / "out.txt").refused()
    assert "one file holds one answer" in cli("run", path, begun, begun, "--write", out).refused()
    (tmp_path / "cut.mid").write_bytes(before[:-3])
    assert "offset" in cli("run", path, tmp_path / "cut.mid", "--write", out).refused()
    assert out.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 5


# --- the picture ---


def test_a_roll_has_each_note_in_its_place_and_in_its_voice_s_colour() -> None:
    notes = np.full((8, 2), REST, np.int8)
    notes[2:6, 0], notes[:, 1] = 72, 60
    picture = np.asarray(Image.open(io.BytesIO(roll.png(Score(notes, 2), begun=4))).convert("RGB")).astype(int)

    def place(colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = np.nonzero((picture[24:] == colour).all(axis=-1))  # below the legend
        return rows + 24, columns

    high, low = place((0xC0, 0x56, 0x21)), place((0x2F, 0x85, 0x5A))
    assert high[0].max() < low[0].min()
    assert (low[0].mean() - high[0].mean()) == pytest.approx(12 * roll._ROW)
    assert np.ptp(low[1]) / np.ptp(high[1]) == pytest.approx(2, abs=0.1)
    assert high[1].min() - low[1].min() == 2 * roll._STEP


@pytest.mark.parametrize("steps", [1, 3, 20_000])
def test_rolls_of_any_length_and_of_silence_can_be_drawn(steps: int) -> None:
    notes = np.full((steps, 4), REST, np.int8)
    picture = Image.open(io.BytesIO(roll.png(Score(notes, 4))))
    assert 300 < picture.width <= 20_400
