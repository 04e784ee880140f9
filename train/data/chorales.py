"""Chorales for four voices: JSON as the JSB chorales are published (Boulanger-Lewandowski 2012), or MIDI files.

JSON is {"train": [...], "valid": [...], "test": [...]} or one list, of chorales, each a list of time steps, each of
four MIDI notes, a rest being -1, null or NaN. A name with "quarter" or "8th" in it tells the time step, else it is a
sixteenth. Files of a folder, .mid or .midi, lie in folders of these names, or are shared out by name; they are read on
a grid of sixteenths.

Chorales lie in one split whole, and are cut into stretches of sixteen quarter notes; those to learn from overlap by
half and are there in five keys, a whole tone up and down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import midi
from train.data import Dataset, Split
from train.data.skipping import bad

VOICES, QUARTERS = 4, 16
KEYS = (0, -2, -1, 1, 2)  # semitones
SPLITS = {"train": ("train",), "validation": ("valid", "validation"), "test": ("test",)}
_PREFERRED = "Jsb16thSeparated.json"
_GRIDS = {"quarter": 1, "8th": 2}

Chorales = Mapping[str, Sequence[np.ndarray]]


def load(directory: Path | None = None) -> Dataset:
    """The chorales in a folder.

    Raises:
        Refused: neither JSON nor MIDI files, several JSON files, or what is in them is none.
    """
    lists = sorted(directory.glob("*.json")) if directory else []
    scores = sorted(p for p in directory.rglob("*") if p.suffix.lower() in (".mid", ".midi")) if directory else []
    chosen = [path for path in lists if path.name == _PREFERRED] or lists
    if directory is None or len(chosen) > 1 or not (chosen or scores):
        raise Refused(
            "data: the folder must hold one .json file of chorales, or .mid files.",
            received=f"{directory}: {', '.join(path.name for path in chosen) or 'none'}" if directory else "no folder",
            fix="name it with --data-dir, and leave one .json file in it",
        )
    if chosen:
        grid = next((grid for told, grid in _GRIDS.items() if told in chosen[0].name.lower()), 4)
        return dataset(read(chosen[0]), grid, name="chorales", title=f"chorales of {chosen[0].name}")
    return dataset(_folder(directory, scores), 4, name="chorales", title=f"pieces from the .mid files of {directory}")


def read(path: Path) -> dict[str, list[np.ndarray]]:
    """The chorales of a JSON file by split, the highest voice first.

    Raises:
        Refused: no JSON, or what is no chorale in it, by split, chorale and time step.
    """
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Refused(
            "chorales: the file must be JSON.", received=f"{path}: {error}", fix="download it again, whole"
        ) from error
    if isinstance(value, list):
        found = shared({str(i): chorale for i, chorale in enumerate(_chorales(value, f"{path}"))})
    else:
        known = value if isinstance(value, dict) else {}
        named = {split: [key for key in keys if key in known] for split, keys in SPLITS.items()}
        if not all(named.values()):
            raise Refused(
                "chorales: the file must be a list of chorales, or hold the lists train, valid and test.",
                received=f"{path}: {', '.join(map(str, value))[:80] if isinstance(value, dict) else value!r:.80}",
                fix='write {"train": [...], "valid": [...], "test": [...]}',
            )
        found = {split: list(_chorales(value[keys[0]], f"{path}, {keys[0]}")) for split, keys in named.items()}
    return _from_above(found)


def _chorales(value: Any, source: str) -> Iterator[np.ndarray]:
    for i, chorale in enumerate(value if isinstance(value, list) else [value]):
        where = f"{source}, chorale {i + 1}"
        if not isinstance(chorale, list) or not chorale:
            _bad(f"{where}: {chorale!r:.60}")
            continue
        rows = []
        for at, step in enumerate(chorale):
            row = [_note(each) for each in step] if isinstance(step, list) else []
            if len(row) != VOICES or None in row:
                _bad(f"{where}, time step {at + 1}: {step!r:.60}")
                break
            rows.append(row)
        else:
            yield np.array(rows, np.int8)


def _note(value: Any) -> int | None:
    """A MIDI note, -1 of a rest; None of what is neither."""
    if value is None or value != value:
        return midi.REST
    if type(value) in (int, float) and value in range(midi.REST, 128):
        return int(value)
    return None


def _bad(received: str) -> None:
    bad(
        f"chorales: a chorale must be a list of time steps, each of {VOICES} MIDI notes, -1 for a rest.",
        received=received,
        fix="write all voices of each time step",
    )


def _folder(directory: Path, paths: Iterable[Path]) -> dict[str, list[np.ndarray]]:
    """The pieces of .mid files, by the folders of splits that they lie in, else by name."""
    pieces: dict[str, np.ndarray] = {}
    for path in paths:
        try:
            pieces[path.relative_to(directory).as_posix()] = midi.read(path, voices=VOICES, grid=4).notes
        except Refused as error:
            bad(error.rule, received=error.received, fix=error.fix)
    found = {
        split: [piece for name, piece in pieces.items() if name.split("/")[0].lower() in names]
        for split, names in SPLITS.items()
    }
    return found if all(found.values()) else shared(pieces)


def shared(pieces: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Pieces by split, a tenth for validation and a fifth for testing, in an order that their names decide."""
    order = sorted(pieces, key=lambda name: hashlib.sha256(name.encode()).digest())
    ends = (len(order) // 5, len(order) * 3 // 10)
    parts = {"test": order[: ends[0]], "validation": order[ends[0] : ends[1]], "train": order[ends[1] :]}
    return {split: [pieces[name] for name in parts[split]] for split in SPLITS}


def _from_above(chorales: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """With the highest voice first: some write the bass first, all through a file."""
    rows = [chorale for part in chorales.values() for chorale in part]
    if not rows:
        return chorales
    first, last = (np.concatenate([row[:, voice] for row in rows]) for voice in (0, -1))
    if first[first >= 0].mean() >= last[last >= 0].mean():
        return chorales
    return {split: [row[:, ::-1] for row in part] for split, part in chorales.items()}


def dataset(chorales: Chorales, grid: int, *, name: str, title: str, licence: str = "of their makers") -> Dataset:
    """Chorales by split as stretches, no one of which is in two splits.

    Raises:
        Refused: a split without a stretch.
    """
    length, taken = QUARTERS * grid, set[bytes]()
    splits = {}
    for split in ("test", "validation", "train"):
        hop = length // 2 if split == "train" else length
        rows: dict[bytes, np.ndarray] = {}
        for notes in (
            moved for one in chorales[split] for moved in transposed(one, KEYS if split == "train" else (0,))
        ):
            for at in range(0, len(notes) - length + 1, hop):
                stretch = np.ascontiguousarray(notes[at : at + length])
                rows.setdefault(stretch.tobytes(), stretch)
        kept = [stretch for key, stretch in rows.items() if key not in taken]
        taken |= set(rows)
        splits[split] = Split({"tokens": np.array(kept, np.int8).reshape(-1, length, VOICES)})
    total = sum(map(len, chorales.values()))
    return Dataset(
        name, f"{total:,} {title}", licence, False, splits["train"], splits["validation"], splits["test"], rate=grid
    )  # fmt: skip


def transposed(notes: np.ndarray, keys: Iterable[int]) -> Iterator[np.ndarray]:
    """A score in other keys, semitones away; one that would leave MIDI's notes is left out."""
    sung = notes != midi.REST
    for key in keys:
        moved = np.where(sung, notes.astype(np.int64) + key, midi.REST)
        if not sung.any() or (moved[sung].min() >= 0 and moved[sung].max() < 128):
            yield moved.astype(np.int8)
