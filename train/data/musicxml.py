"""MusicXML scores (W3C, partwise), plain or compressed: the notes of their parts on a grid of time steps."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend.midi import REST

_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MOST = 20_000_000  # bytes of a score, unpacked


def read(path: Path, *, grid: int) -> dict[str, np.ndarray]:
    """The parts of a score by name, each (time,) int8, -1 for a rest; of several notes at a time the highest.

    Repeats are read once, ornaments' small notes not at all.

    Args:
        path: .xml, .musicxml, or .mxl, which is a ZIP archive of one.
        grid: time steps a quarter note; what a step sounds like is what sounds where it begins.

    Raises:
        Refused: damaged, or no such score.
    """
    try:
        root = ElementTree.fromstring(_text(path))
        names = {part.get("id"): (part.findtext("part-name") or "").strip() for part in root.iter("score-part")}
        parts = {}
        for i, part in enumerate(root.findall("part")):
            name = names.get(part.get("id")) or f"part {i + 1}"
            parts[name if name not in parts else f"{name} {i + 1}"] = _part(part, grid)
        if root.tag != "score-partwise" or not parts:
            raise ValueError(f"<{root.tag}> of {len(parts)} parts, not <score-partwise>")
    except (ElementTree.ParseError, zipfile.BadZipFile, OSError, ValueError, KeyError, ArithmeticError) as error:
        raise Refused(
            "musicxml: the file must be a MusicXML score by parts.",
            received=f"{path}: {error}",
            fix="check that the file is complete",
        ) from error
    return parts


def _text(path: Path) -> bytes:
    if path.suffix.lower() != ".mxl":
        data = path.read_bytes()
    else:
        with zipfile.ZipFile(path) as archive:
            inside = [i for i in archive.infolist() if i.filename.lower().endswith("xml")]
            scores = [i for i in inside if not i.filename.startswith("META-INF")]
            if len(scores) != 1 or scores[0].file_size > _MOST:
                sizes = ", ".join(f"{i.filename} of {i.file_size:,} bytes" for i in scores) or "no score"
                raise ValueError(f"{sizes} in it, where one of at most {_MOST:,} bytes must be")
            data = archive.read(scores[0])
    if b"<!ENTITY" in data:  # a few can stand for gigabytes
        raise ValueError("entities of its own")
    return data


def _part(part: ElementTree.Element, grid: int) -> np.ndarray:
    notes: list[tuple[float, float, int]] = []  # begin and end in quarter notes, pitch
    divisions, start = 1.0, 0.0
    for measure in part.findall("measure"):
        at = last = longest = 0.0
        for element in measure:
            if element.tag == "attributes":
                divisions = float(element.findtext("divisions") or divisions)
                if divisions <= 0:
                    raise ValueError(f"{divisions:g} divisions of a quarter note")
            length = float(element.findtext("duration") or 0) / divisions
            if element.tag == "backup":
                at -= length
            elif element.tag == "forward":
                at += length
            elif element.tag == "note" and element.find("grace") is None and element.find("cue") is None:
                if element.find("chord") is None:
                    last, at = at, at + length
                pitch = element.find("pitch")
                if pitch is not None:
                    notes.append((start + last, start + last + length, _midi(pitch)))
            longest = max(longest, at)
        start += longest
    if not math.isfinite(start) or start * grid > 100_000:
        raise ValueError(f"{start:g} quarter notes")
    out = np.full(round(start * grid), REST, np.int8)
    for begin, end, note in notes:
        held = slice(max(0, math.ceil(begin * grid - 1e-6)), max(0, math.ceil(end * grid - 1e-6)))
        out[held] = np.maximum(out[held], note)
    return out


def _midi(pitch: ElementTree.Element) -> int:
    step, octave = pitch.findtext("step") or "", int(pitch.findtext("octave") or "")
    note = _CLASSES[step.strip()] + round(float(pitch.findtext("alter") or 0)) + 12 * (octave + 1)
    if not 0 <= note < 128:
        raise ValueError(f"a note {step}{octave}, outside of MIDI's")
    return note
