"""Operations on batches of scores, MIDI notes by time step and voice, (n, time, voices) int8: to tokens and back.

0 is padding and 1 what the vocabulary lacks, as of texts; its entries follow from 2 on. `notes` gives the voices of a
time step one after another, from the highest down, so that a writer of tokens hears each voice before the next one. A
token tells its voice and its place in the quarter note, so that the writer can't lose count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend.midi import REST
from edgeproof.frontend.text import FIRST, PADDING, UNKNOWN

Harmony = tuple[int, frozenset[int]]


def notes(
    scores: np.ndarray, *, vocabulary: Sequence[Sequence[int]], voices: int, grid: int, length: int
) -> np.ndarray:
    """Each note of each voice a number: (n, time, voices) -> (n, length) int32, filled up behind the last.

    Args:
        vocabulary: [voice, place, note]: voices from 0, the time step within its quarter note, a rest being -1.
        voices: of a score.
        grid: time steps a quarter note, by which files are read.
    """
    table = np.full((grid, voices, 129), UNKNOWN, np.int32)
    for i, (voice, place, note) in enumerate(vocabulary):
        if not (0 <= voice < voices and 0 <= place < grid and REST <= note < 128):
            raise ValueError(f"an entry is a voice, a place and a note. Received: {voice}, {place}, {note}")
        table[place, voice, note + 1] = FIRST + i
    steps = _batch(scores, voices).astype(np.int64)
    found = table[np.arange(steps.shape[1])[:, None] % grid, np.arange(voices), steps + 1]
    return _rows(found.reshape(len(scores), -1), length)


def chords(
    scores: np.ndarray, *, vocabulary: Sequence[Sequence[int]], voices: int, grid: int, length: int
) -> np.ndarray:
    """The harmony of each quarter note's first time step a number: (n, time, voices) -> (n, length) int32.

    Chords of the same bass and the same notes, whatever their octaves, are one (`harmony`).

    Args:
        vocabulary: chords, the note of each voice, each of a harmony of its own.
        voices, grid: as of `notes`.
    """
    table = {harmony(chord): FIRST + i for i, chord in enumerate(vocabulary)}
    rows = _batch(scores, voices)[:, ::grid]
    each, place = np.unique(rows.reshape(-1, voices), axis=0, return_inverse=True)
    found = np.array([table.get(harmony(chord), UNKNOWN) for chord in each.tolist()], np.int32)
    return _rows(found[place].reshape(rows.shape[:2]), length)


def harmony(chord: Iterable[int]) -> Harmony:
    """What stays of a chord in other octaves: its lowest note's pitch class, -1 of silence, and all of them."""
    sung = [note for note in chord if note != REST]
    return (min(sung) % 12 if sung else REST), frozenset(note % 12 for note in sung)


def numbered(score: np.ndarray, step: dict[str, Any]) -> list[int]:
    """The numbers of a whole score (time, voices) by a step of this module, however long it is."""
    whole = {key: value for key, value in step.items() if key != "op"} | {"length": max(1, score.size)}
    row: np.ndarray = SCRIPTS[step["op"]](score[None], **whole)[0]
    return [int(number) for number in row if number != PADDING]


def pieced(numbers: Iterable[int], before: Sequence[int], step: dict[str, Any]) -> Iterator[np.ndarray]:
    """The time steps (voices,) that numbers after those before them make."""
    if step["op"] == "chords":
        for number in numbers:
            for _ in range(step["grid"]):
                yield np.array(step["vocabulary"][number - FIRST], np.int8)
        return
    voices, sung = step["voices"], [REST] * (len(before) % step["voices"])
    for number in numbers:
        sung.append(step["vocabulary"][number - FIRST][-1])
        if len(sung) == voices:
            yield np.array(sung, np.int8)
            sung = []


def sung(
    following: Callable[[Sequence[int]], np.ndarray], step: dict[str, Any]
) -> Callable[[Sequence[int]], np.ndarray]:
    """As `following`, but what another voice than the next one would sing, or at another place, is impossible."""
    vocabulary, voices = step["vocabulary"], step["voices"]

    def heard(tokens: Sequence[int]) -> np.ndarray:
        logits = np.full_like(found := following(tokens), -np.inf)
        due = [len(tokens) % voices, len(tokens) // voices % step["grid"]]
        may = [FIRST + i for i, entry in enumerate(vocabulary) if step["op"] == "chords" or entry[:2] == due]
        logits[may] = found[may]
        return logits

    return heard


def together(step: dict[str, Any]) -> int:
    """Tokens a quarter note: a stretch that begins on one begins as those that were learned from do."""
    return int(step["voices"] * step["grid"]) if step["op"] == "notes" else 1


def tokens_a_step(step: dict[str, Any]) -> int:
    """Tokens a time step."""
    return int(step["voices"]) if step["op"] == "notes" else 1


def _batch(scores: np.ndarray, voices: int) -> np.ndarray:
    fits = scores.dtype == np.int8 and scores.ndim == 3 and scores.shape[2] == voices and scores.size
    if not fits or scores.min() < REST:
        least = f", the least of them {scores.min()}" if scores.size else ""
        raise Refused(
            f"score: a score must have time steps of {voices} voices, MIDI notes 0 to 127 or -1 for a rest.",
            received=f"an array of {scores.dtype}, shape {scores.shape[1:]}{least}",
            fix=f"pass notes of shape (time, {voices}) as int8",
        )
    return scores


def _rows(found: np.ndarray, length: int) -> np.ndarray:
    out = np.full((len(found), length), PADDING, np.int32)
    kept = found[:, :length]
    out[:, : kept.shape[1]] = kept
    return out


# the operations that turn a score into tokens, by name
SCRIPTS: dict[str, Callable[..., np.ndarray]] = {"notes": notes, "chords": chords}
