"""Standard MIDI files: bytes written by hand from the specification, round trips, and what is none."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgeproof.errors import Refused
from edgeproof.frontend import midi
from edgeproof.frontend.midi import REST, Score

# A whole file of format 0 by hand: 96 ticks a quarter note, 500,000 microseconds each; C4 a quarter note long, under
# running status and ended by velocity 0, with an E4 an eighth later, then 0x81 0x00 = 128 ticks of silence.
TRACK = bytes.fromhex(
    "00 ff 51 03 07 a1 20"  # tempo
    "00 c0 05"  # program change: one data byte
    "00 90 3c 40"  # C4 on
    "30 40 40"  # 48 ticks on, by running status: E4 on
    "30 3c 00"  # 48 ticks on: C4 off
    "00 80 40 40"  # E4 off
    "00 f0 03 01 02 f7"  # a system exclusive message
    "81 00 ff 2f 00"  # end of track
)


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "big") + body


def file(*tracks: bytes, shape: int = 0, division: int = 96, count: int | None = None) -> bytes:
    head = b"".join(n.to_bytes(2, "big") for n in (shape, len(tracks) if count is None else count, division))
    return chunk(b"MThd", head) + b"".join(chunk(b"MTrk", track) for track in tracks)


def grid(data: bytes, voices: int = 4, steps: int = 2) -> Score:
    return midi.parsed(data, "hand.mid", voices=voices, grid=steps)


def test_a_file_written_by_hand_is_read_as_the_specification_says() -> None:
    score = grid(file(TRACK), voices=2)
    assert (score.tempo, score.grid) == (500_000, 2)
    assert score.notes.tolist() == [[60, REST], [64, 60], [REST, REST], [REST, REST], [REST, REST]]
    assert score.notes.dtype == np.int8


def test_tracks_and_channels_are_voices_and_drums_are_none() -> None:
    low, high = (bytes.fromhex(f"00 9{c} {n:02x} 40 60 8{c} {n:02x} 40 00 ff 2f 00") for c, n in ((0, 48), (1, 72)))
    drum = bytes.fromhex("00 99 24 40 60 89 24 40 00 ff 2f 00")
    two = grid(file(low, high, drum, shape=1), voices=2, steps=1)
    assert two.notes.tolist() == [[48, 72]], "in the file's order, though the first is lower"
    both = bytes.fromhex("00 90 30 40 00 91 48 40 60 80 30 40 00 81 48 40 00 ff 2f 00")
    assert grid(file(both), voices=2, steps=1).notes.tolist() == [[48, 72]]
    one = bytes.fromhex("00 90 30 40 00 90 48 40 60 80 30 40 00 80 48 40 00 ff 2f 00")
    assert grid(file(one), voices=2, steps=1).notes.tolist() == [[72, 48]], "from the highest down"
    assert grid(file(one), voices=4, steps=1).notes.tolist() == [[72, 48, REST, REST]]
    with pytest.raises(Refused, match=r"at most 1 notes(.|\n)*2, 0 quarter notes"):
        grid(file(one), voices=1, steps=1)


def test_human_timing_goes_to_the_nearest_step_and_foreign_chunks_are_passed_over() -> None:
    # 96 ticks a quarter note, eighths of 48: begins 5 ticks late, ends 7 early; the next 4 early, held till the end
    loose = bytes.fromhex("05 90 3c 40 54 80 3c 40 03 90 3e 40 34 ff 2f 00")
    assert grid(file(loose), voices=1).notes.ravel().tolist() == [60, 60, 62]
    with_other = file(loose)[:14] + chunk(b"XFIH", b"abc") + file(loose)[14:]
    assert grid(with_other, voices=1).notes.ravel().tolist() == [60, 60, 62]


@given(st.integers(0, 0x0FFFFFFF))
@example(0)
@example(0x7F)
@example(0x80)
@example(0x3FFF)
@example(0x4000)
@example(0x0FFFFFFF)
def test_variable_length_quantities_come_back(value: int) -> None:
    body = midi._quantity(value)
    assert len(body) == max(1, -(-value.bit_length() // 7))
    assert midi._Bytes(body, "s", 0, len(body)).quantity() == value


def test_variable_length_quantities_are_those_of_the_specification() -> None:
    table = {0x40: "40", 0x7F: "7f", 0x80: "8100", 0x2000: "c000", 0x100000: "c08000", 0x0FFFFFFF: "ffffff7f"}
    assert {value: midi._quantity(value).hex() for value in table} == table


rows = st.integers(1, 5).flatmap(
    lambda voices: st.lists(
        st.lists(st.just(REST) | st.integers(0, 127), min_size=voices, max_size=voices), min_size=1, max_size=40
    )
)


@given(rows, st.sampled_from([1, 2, 3, 4, 24]), st.integers(1, 0xFFFFFF))
def test_what_is_written_reads_back_equal(rows: list[list[int]], steps: int, tempo: int) -> None:
    score = Score(np.array(rows, np.int8), steps, tempo)
    data = midi.written(score)
    if (score.notes == REST).all():
        with pytest.raises(Refused, match="must have notes"):
            midi.parsed(data, "s", voices=score.notes.shape[1], grid=steps)
        return
    again = midi.parsed(data, "s", voices=score.notes.shape[1], grid=steps)
    np.testing.assert_array_equal(again.notes, score.notes)
    assert (again.grid, again.tempo) == (steps, tempo)


def test_another_library_reads_what_is_written(tmp_path: Path) -> None:
    mido = pytest.importorskip("mido")
    notes = np.array([[72, 67, 64, 48], [72, 65, 62, 48], [REST, 65, 62, 50]], np.int8)
    path = tmp_path / "s.mid"
    path.write_bytes(midi.written(Score(notes, 2, 500_000)))
    read = mido.MidiFile(path)
    assert (read.type, read.ticks_per_beat, len(read.tracks)) == (1, 480, 5)
    assert [track.name for track in read.tracks[1:]] == list(midi.NAMES)
    assert read.length == pytest.approx(0.75)
    sung = [(m.type, m.note, m.time) for m in read.tracks[1] if m.type.startswith("note")]
    assert sung == [("note_on", 72, 0), ("note_off", 72, 480)]
    written = mido.MidiFile(ticks_per_beat=96)
    track = mido.MidiTrack()
    written.tracks.append(track)
    for note in (60, 62):
        track.append(mido.Message("note_on", note=note, time=0))
        track.append(mido.Message("note_off", note=note, time=48))
    written.save(path)
    assert midi.read(path, voices=1, grid=2).notes.ravel().tolist() == [60, 62]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"RIFF0000", "offset 0: b'RIFF' in place of MThd"),
        (b"MThd\0\0\0\x06\0\0", "offset 8: 2 bytes where 6 must follow"),
        (chunk(b"MThd", b"\0\0"), "offset 4: a header of 2 bytes"),
        (file(TRACK, shape=2), "format 2"),
        (file(TRACK, division=0xE728), "video frames"),
        (file(TRACK, division=0), "0 ticks a quarter note"),
        (file(TRACK)[:-1], r"offset 14: a chunk of 35 bytes of which 34 are there"),
        (file(TRACK, count=2), "offset 57: 0 bytes where 4 must follow"),
        (file(TRACK[:-4]), "bytes where 1 must follow"),
        (file(b"\0\x3c\x40"), "offset 23: 0x3c where a status must stand"),
        (file(b"\0\x90\x3c\xff"), "offset 25: 0xff in place of a data byte"),
        (file(b"\xff\xff\xff\xff\x01"), "offset 22: a variable-length quantity of more than four bytes"),
        (file(b"\0\xf4"), "a status 0xf4"),
        (file(b"\0\xff\x51\x02\x01\x01"), "a tempo of 2 bytes"),
        (file(b"\0\xff\x2f\0"), "0 notes"),
        (file(bytes.fromhex("00 90 3c 40 ff ff ff 7f ff 2f 00"), division=1), "time steps"),
    ],
)
def test_files_that_are_none_are_refused_with_the_place(data: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told) as refused:
        grid(data)
    assert "hand.mid" in str(refused.value)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_no_bytes_do_worse_than_be_refused(noise: bytes, keep: int) -> None:
    for data in (noise, file(TRACK)[:keep] + noise, file(TRACK[:keep] + noise)):
        with contextlib.suppress(Refused):
            assert grid(data).notes.shape[1] == 4


def test_notes_have_names() -> None:
    assert [midi.name(n) for n in (60, 69, 61, 0, 127, REST)] == ["C4", "A4", "C#4", "C-1", "G9", "-"]
