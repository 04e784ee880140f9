"""Standard MIDI files (MIDI Manufacturers Association, RP-001): read onto a grid of time steps and voices, and written.

A grid does not tell a note that is held from one that is struck again: equal ones in a row are one note when written.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgeproof.errors import Refused

REST = -1
NAMES = ("soprano", "alto", "tenor", "bass")
TEMPO = 600_000
_PERCUSSION = 9  # the channel whose notes are drums
_MOST_STEPS, _MOST_BYTES = 100_000, 16_000_000
_STEP_TICKS = 240
_ORGAN = 19
_PITCHES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Score:
    """Notes on a grid.

    Attributes:
        notes: MIDI notes 0 to 127 by time step and voice, the highest voice first, -1 for a rest: (time, voices) int8.
        grid: time steps a quarter note.
        tempo: microseconds a quarter note; of a file that changes it, the first.
    """

    notes: np.ndarray
    grid: int
    tempo: int = TEMPO


def name(note: int) -> str:
    """ "C4" of 60, "-" of a rest."""
    return "-" if note == REST else f"{_PITCHES[note % 12]}{note // 12 - 1}"


def read(path: Path, *, voices: int, grid: int) -> Score:
    """A .mid file's notes; see `parsed`.

    Raises:
        Refused: as `parsed`, or a file of more bytes than a score has.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise _broken(str(path), 0, f"{path.stat().st_size:,} bytes, over {_MOST_BYTES:,}")
    return parsed(path.read_bytes(), str(path), voices=voices, grid=grid)


def parsed(data: bytes, source: str, *, voices: int, grid: int) -> Score:
    """The notes of a file of format 0 or 1, each to its nearest time steps.

    Where the file has as many tracks (or channels with notes) as there are voices, and none of them sounds two notes at
    a time, these are the voices, in the file's order; else what sounds together goes to the voices from the highest
    down. Drums, channel 10, are passed over.

    Raises:
        Refused: truncated or malformed, with the offset; of another format; more notes at a time than voices.
    """
    shape, division, tracks = _chunks(data, source)
    notes = [note for track in tracks for note in track.notes]
    tempos = sorted((change for track in tracks for change in track.tempos), key=lambda change: change[0])

    def step(tick: int) -> int:
        return (2 * tick * grid + division) // (2 * division)

    steps = max([step(track.ticks) for track in tracks], default=0)
    if not notes or steps > _MOST_STEPS:
        raise Refused(
            f"midi: a score must have notes, and at most {_MOST_STEPS:,} time steps.",
            received=f"{source}: {len(notes):,} notes, {steps:,} time steps",
            fix="pass a file of a piece of music",
        )
    for parts in (_channels(tracks), _tracks(shape, tracks, voices)):
        if len(parts) == voices:
            rolls = [_roll(part, steps, step) for part in parts]
            if all(roll.sum(axis=1).max(initial=0) <= 1 for roll in rolls):
                return Score(np.stack([_top(roll, 1)[:, 0] for roll in rolls], axis=1), grid, _first(tempos))
    roll = _roll(notes, steps, step)
    together = roll.sum(axis=1)
    if together.max() > voices:
        at = int(np.argmax(together > voices))
        raise Refused(
            f"midi: at most {voices} notes may sound at a time.",
            received=f"{source}: {int(together[at])}, {at / grid:g} quarter notes from the start",
            fix=f"pass a piece for {voices} voices",
        )
    return Score(_top(roll, voices), grid, _first(tempos))


def written(score: Score, names: Sequence[str] = NAMES) -> bytes:
    """A file of format 1: a track for the tempo, then one for each voice, by name, on a channel of its own."""
    steps, voices = score.notes.shape
    lasting = steps * _STEP_TICKS
    tempo = _event(0, b"\xff\x51\x03" + score.tempo.to_bytes(3, "big"))
    tracks = [tempo + _event(lasting, b"\xff\x2f\x00")]
    for voice in range(voices):
        channel = voice + (voice >= _PERCUSSION)
        called = (names[voice] if voice < len(names) else f"voice {voice + 1}").encode()
        body, before = _event(0, b"\xff\x03" + _quantity(len(called)) + called), 0
        body += _event(0, bytes((0xC0 | channel, _ORGAN)))
        for at, status, note in _changes(score.notes[:, voice]):
            tick = at * _STEP_TICKS
            body += _event(tick - before, bytes((status | channel, note, 80)))
            before = tick
        tracks.append(body + _event(lasting - before, b"\xff\x2f\x00"))
    head = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), score.grid * _STEP_TICKS)
    return head + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


def _changes(notes: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(time step, status, note) where a voice ends one and begins one."""
    before = REST
    for at, now in enumerate([*notes.tolist(), REST]):
        if now != before:
            if before != REST:
                yield at, 0x80, before
            if now != REST:
                yield at, 0x90, now
        before = now


def _event(delta: int, body: bytes) -> bytes:
    return _quantity(delta) + body


def _quantity(value: int) -> bytes:
    """A variable-length quantity: seven bits a byte, the highest first, bit 7 where more follow."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | value & 0x7F)
    return bytes(reversed(out))


class _Note(NamedTuple):
    start: int
    end: int
    channel: int
    pitch: int


@dataclass
class _Track:
    notes: list[_Note] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    ticks: int = 0


class _Bytes:
    """Bytes read from the front, up to an end."""

    def __init__(self, data: bytes, source: str, start: int, end: int) -> None:
        self.data, self.source, self.at, self.end = data, source, start, end

    def take(self, count: int) -> bytes:
        if self.at + count > self.end:
            raise _broken(self.source, self.at, f"{self.end - self.at} bytes where {count} must follow")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def datum(self) -> int:
        value = self.byte()
        if value > 0x7F:
            raise _broken(self.source, self.at - 1, f"{value:#04x} in place of a data byte, below 0x80")
        return value

    def quantity(self) -> int:
        value, start = 0, self.at
        for _ in range(4):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise _broken(self.source, start, "a variable-length quantity of more than four bytes")


def _chunks(data: bytes, source: str) -> tuple[int, int, list[_Track]]:
    """Format, ticks a quarter note, tracks."""
    bytes_ = _Bytes(data, source, 0, len(data))
    if data[:4] != b"MThd":
        raise _broken(source, 0, f"{data[:4]!r} in place of MThd")
    bytes_.take(4)
    (size,) = struct.unpack(">I", bytes_.take(4))
    if size < 6:
        raise _broken(source, 4, f"a header of {size} bytes, below 6")
    shape, count, division = struct.unpack(">HHH", bytes_.take(6))
    bytes_.take(size - 6)
    if shape > 1 or not 0 < division < 0x8000:
        timed = "ticks by video frames" if division >= 0x8000 else f"{division} ticks a quarter note"
        raise _broken(source, 8, f"format {shape}, {timed}; formats 0 and 1 with ticks a quarter note are read")
    tracks: list[_Track] = []
    while len(tracks) < count:
        start = bytes_.at
        kind, (size,) = bytes_.take(4), struct.unpack(">I", bytes_.take(4))
        if start + 8 + size > len(data):
            raise _broken(source, start, f"a chunk of {size:,} bytes of which {len(data) - start - 8:,} are there")
        if kind == b"MTrk":  # others are to be passed over
            tracks.append(_track(_Bytes(data, source, bytes_.at, bytes_.at + size)))
        bytes_.take(size)
    return shape, division, tracks


def _track(bytes_: _Bytes) -> _Track:
    found, running, tick = _Track(), 0, 0
    sounding: dict[tuple[int, int], list[int]] = defaultdict(list)
    while True:
        tick += bytes_.quantity()
        start = bytes_.at
        first = bytes_.byte()
        if first in (0xFF, 0xF0, 0xF7):
            running = 0
            kind = bytes_.byte() if first == 0xFF else -1
            body = bytes_.take(bytes_.quantity())
            if kind == 0x2F:
                break
            if kind == 0x51:
                if len(body) != 3 or not any(body):
                    raise _broken(bytes_.source, start, f"a tempo of {len(body)} bytes, or none")
                found.tempos.append((tick, int.from_bytes(body, "big")))
            continue
        if first >= 0xF0:
            raise _broken(bytes_.source, start, f"a status {first:#04x} that files do not have")
        if first >= 0x80:
            running = first
        elif running:
            bytes_.at = start
        else:
            raise _broken(bytes_.source, start, f"{first:#04x} where a status must stand")
        values = [bytes_.datum() for _ in range(1 if running & 0xE0 == 0xC0 else 2)]
        kind, channel = running & 0xF0, running & 0x0F
        if kind not in (0x80, 0x90) or channel == _PERCUSSION:
            continue
        begun = sounding[channel, values[0]]
        if kind == 0x90 and values[1]:
            begun.append(tick)
        elif begun:
            found.notes.append(_Note(begun.pop(0), tick, channel, values[0]))
    for (channel, pitch), starts in sounding.items():
        found.notes += [_Note(start, tick, channel, pitch) for start in starts]
    found.ticks = tick
    return found


def _channels(tracks: Sequence[_Track]) -> list[list[_Note]]:
    """The notes of each channel of each track that has any."""
    found: dict[tuple[int, int], list[_Note]] = {}
    for at, track in enumerate(tracks):
        for note in track.notes:
            found.setdefault((at, note.channel), []).append(note)
    return [found[key] for key in sorted(found)]


def _tracks(shape: int, tracks: Sequence[_Track], voices: int) -> list[list[_Note]]:
    """The notes of each track, some silent, of a file of as many as there are voices, or one more for the tempo."""
    own = tracks[1:] if len(tracks) == voices + 1 and not tracks[0].notes else tracks
    single = all(len({note.channel for note in track.notes}) <= 1 for track in own)
    return [track.notes for track in own] if shape == 1 and single else []


def _roll(notes: Sequence[_Note], steps: int, step: Callable[[int], int]) -> np.ndarray:
    """Which notes sound at each time step: (steps, 128) bool."""
    roll = np.zeros((steps, 128), bool)
    for note in notes:
        roll[step(note.start) : step(note.end), note.pitch] = True
    return roll


def _top(roll: np.ndarray, voices: int) -> np.ndarray:
    """The highest of what sounds at each time step, from above: (steps, voices) int8."""
    out = np.full((len(roll), voices), REST, np.int8)
    for at in range(len(roll)):
        found = np.flatnonzero(roll[at])[::-1][:voices]
        out[at, : len(found)] = found
    return out


def _first(tempos: Sequence[tuple[int, int]]) -> int:
    return tempos[0][1] if tempos else TEMPO


def _broken(source: str, offset: int, received: str) -> Refused:
    return Refused(
        "midi: the file must be a whole Standard MIDI File.",
        received=f"{source}, offset {offset}: {received}",
        fix="check that the file is complete; a program that writes music can save it again",
    )
