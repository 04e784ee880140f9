"""EDF and EDF+ files: signals in their own units, and what was noted when.

Kemp, Varri, Rosa, Nielsen, Gade 1992, "A simple format for exchange of digitized polygraphic recordings"; Kemp, Olivan
2003, "European data format 'plus' (EDF+)", sections 2.1 to 2.2.4 for annotations. Only what is stated is read; a file
that is cut off, or whose header says what can't be, is refused with the byte at which it goes wrong.

A file that went through a transfer as text has a carriage return before each byte 10. It is read as it was before,
where every such byte has one and the length without them is the very one that the header states.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused

ANNOTATIONS = "EDF Annotations"
_HEAD, _EACH = 256, 256  # bytes of the header, and of it for each signal
# fields of a signal's header, in the file's order: name, bytes
_FIELDS = (
    ("label", 16), ("transducer", 80), ("unit", 8), ("physical_low", 8), ("physical_high", 8),
    ("digital_low", 8), ("digital_high", 8), ("filter", 80), ("samples", 8), ("reserved", 32),
)  # fmt: skip
_MOST_SIGNALS = 4096
_TAL = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14((?:[^\x00]*\x14)?)")


@dataclass(frozen=True)
class Annotation:
    """A note: `onset` and `duration` in seconds, from the start of the recording."""

    onset: float
    duration: float
    text: str


@dataclass(frozen=True)
class Recording:
    """A file's signals of its highest rate.

    Attributes:
        labels: of the signals.
        rate: samples a second.
        signals: (time, signals) float32, in their own units.
        annotations: in the file's order.
        restored: carriage returns that a transfer as text had put in, which were left out again.
    """

    labels: tuple[str, ...]
    rate: float
    signals: np.ndarray
    annotations: tuple[Annotation, ...]
    restored: int = 0


def read(path: Path) -> Recording:
    """Read a file whole.

    Raises:
        Refused: missing; a header field that is no such number; a length other than the header states; signals of
            several rates; records with gaps between them; notes that are none.
    """
    if not path.is_file():
        raise Refused("edf: the file must exist.", received=str(path), fix="check the path")
    header = _Header(path, path.read_bytes())
    frames = np.frombuffer(header.data, "<i2", offset=header.size).reshape(header.records, -1)
    ends = np.cumsum(header.samples)
    parts = [frames[:, end - count : end] for end, count in zip(ends, header.samples, strict=True)]
    noted = [i for i, label in enumerate(header.labels) if label == ANNOTATIONS]
    signals = [i for i in range(len(parts)) if i not in noted]
    if not signals or len({header.samples[i] for i in signals}) > 1 or header.duration <= 0:
        rates = sorted({header.samples[i] for i in signals})
        raise _wrong(path, 236, f"signals of {', '.join(map(str, rates)) or 'no'} samples in {header.duration:g} s",
                     "all signals must have one rate")  # fmt: skip
    values = np.stack([header.scaled(i, parts[i].reshape(-1)) for i in signals], axis=1)
    annotations = _notes(path, header, [parts[i] for i in noted], ends[noted] - header.samples[noted])
    labels = tuple(header.labels[i] for i in signals)
    return Recording(labels, header.samples[signals[0]] / header.duration, values, annotations, header.restored)


class _Header:
    """What the first bytes say, held against the length of the file."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.restored = path, data, 0
        if len(data) < _HEAD or data[:8].rstrip() != b"0":
            found = f"{len(data)} bytes, which begin with {data[:8]!r}"
            raise _wrong(path, 0, found, 'it must begin with "0" and a header of 256 bytes')
        count = int(self._number(252, 4, 1, _MOST_SIGNALS))
        self.size = _HEAD + count * _EACH
        if len(data) < self.size:
            raise _wrong(path, len(data), f"{len(data)} bytes", f"the header alone must have {self.size}")
        if self._number(184, 8, 0, math.inf) != self.size:
            raise _wrong(path, 184, self._text(184, 8), f"it must state its own length, {self.size}")
        self.records, self.duration = int(self._number(236, 8, -1, 1e9)), self._number(244, 8, 0, 1e9)
        self.continuous = self._text(192, 44)[:5] != "EDF+D"
        at, places = _HEAD, {}
        for name, width in _FIELDS:
            places[name] = [(at + i * width, width) for i in range(count)]
            at += count * width
        self.labels = [self._text(*place) for place in places["label"]]
        self.samples = np.array([int(self._number(*place, 1, 1e7)) for place in places["samples"]])
        names = ("physical_low", "physical_high", "digital_low", "digital_high")
        self._ranges = [[self._number(*places[name][i], -math.inf, math.inf) for name in names] for i in range(count)]
        for i, (low, high, first, last) in enumerate(self._ranges):
            if self.labels[i] != ANNOTATIONS and (low == high or first >= last):
                found = f"{self.labels[i]}: {low:g} to {high:g} stored as {first:g} to {last:g}"
                raise _wrong(path, places["physical_low"][i][0], found, "a signal must have a range")
        self._complete(2 * int(self.samples.sum()))

    def scaled(self, index: int, stored: np.ndarray) -> np.ndarray:
        """Stored whole numbers in the signal's own unit."""
        low, high, first, last = self._ranges[index]
        return np.asarray((stored - first) * ((high - low) / (last - first)) + low, np.float32)

    def _complete(self, record: int) -> None:
        held = len(self.data) - self.size
        if self.records == -1 and held % record == 0 and held:  # as written while the recording goes on
            self.records = held // record
        pairs = self.data.count(b"\r\n")
        if held == self.records * record + pairs and pairs == self.data.count(b"\n"):
            self.data, self.restored = self.data.replace(b"\r\n", b"\n"), pairs
            held -= pairs
        if self.records < 1 or held != self.records * record:
            stated = f"{self.records} records of {record} bytes"
            found = f"{held} bytes after the header, which states {stated}"
            raise _wrong(self.path, len(self.data), found, "check that the file is complete")

    def _text(self, at: int, width: int) -> str:
        return self.data[at : at + width].decode("latin-1").strip()

    def _number(self, at: int, width: int, least: float, most: float) -> float:
        text = self._text(at, width)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            raise _wrong(self.path, at, f'"{text}"', "a number must stand there")
        return value


def _notes(path: Path, header: _Header, parts: list[np.ndarray], places: np.ndarray) -> tuple[Annotation, ...]:
    """Annotations of every record; the first note of the first signal of each says when the record begins."""
    found: list[Annotation] = []
    record = 2 * int(header.samples.sum())
    for index in range(header.records):
        for order, (part, place) in enumerate(zip(parts, places, strict=True)):
            at = header.size + index * record + 2 * int(place)
            notes = _lists(path, at, part[index].tobytes())
            if order == 0 and (not notes or abs(notes[0].onset - index * header.duration) > 1e-3):
                begins = f"{notes[0].onset:g} s" if notes else "no time"
                raise _wrong(path, at, f"record {index} at {begins}", "records must follow each other without a gap")
            found += [note for note in notes if note.text]
    if not parts and not header.continuous:
        raise _wrong(path, 192, "EDF+D without annotations", "records must follow each other without a gap")
    return tuple(found)


def _lists(path: Path, at: int, data: bytes) -> list[Annotation]:
    """Time-stamped annotation lists: "+onset[\\x15duration]\\x14text\\x14text\\x14\\0", then zeros."""
    found, begin = [], 0
    while begin < len(data) and data[begin]:
        match = _TAL.match(data, begin)
        if match is None or match.end() >= len(data) or data[match.end()]:
            raise _wrong(path, at + begin, repr(data[begin : begin + 24]), "a note must be of the form of EDF+")
        onset, duration, texts = match.groups()
        for text in texts.split(b"\x14")[:-1] or [b""]:
            found.append(Annotation(float(onset), float(duration or 0), text.decode("utf-8", "replace")))
        begin = match.end() + 1
    return found


def _wrong(path: Path, at: int, received: str, fix: str) -> Refused:
    return Refused(
        "edf: the file must be a whole EDF or EDF+ file of one rate.",
        received=f"{path}, byte {at}: {received}",
        fix=fix,
    )
