"""SYNTHETIC species counterpoint in four voices, by rule (after Fux 1725, "Gradus ad Parnassum", in major and minor).

A piece has three phrases of eight quarter notes in one of twelve keys; two time steps are a quarter note. Its harmonies
are drawn from a chain of triads, each phrase with a cadence, half or authentic, the last authentic. A sample is sixteen
quarter notes of a piece, from its first phrase or from within it. The voices are drawn, nearer notes likelier, under
these rules:

- ranges, no crossing, at most an octave between upper neighbours, a twelfth between tenor and bass;
- on each quarter note every voice is consonant with the bass, the triad has its third, and the leading note is sung
  once at most and goes up to the tonic, or stays;
- no two voices move in parallel fifths or octaves (or unisons), from one time step to the next or from one quarter
  note to the next;
- no leap of a tritone, or larger than a fifth (of the bass an octave), no augmented second;
- species: in the first, note stands against note; in the second, one voice has two notes for one, the second a
  passing or a neighbouring note, reached and left by step, or another of the chord; in the florid every voice may
  fill thirds by passing notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

from train.data import Dataset, Split, embedded_only, generated

GRID, PHRASE, PHRASES = 2, 8, 3
BEATS = PHRASE * PHRASES
LENGTH = 2 * PHRASE * GRID  # time steps of a sample
SIZES = {"train": 2000, "validation": 200, "test": 400}
RANGES = ((60, 81), (55, 74), (48, 69), (40, 62))
FARTHEST = (12, 12, 19)  # between neighbours, from above
SCALES = {False: (0, 2, 4, 5, 7, 9, 11), True: (0, 2, 3, 5, 7, 8, 11)}  # minor with the leading note
TONICS = (0, 2, 5, 7, 9, 10)
CONSONANT = frozenset({0, 3, 4, 7, 8, 9})
PERFECT = (0, 7)
_PAIRS = tuple(combinations(range(4), 2))
ROOTED = (0, 7, 15, 22, 23)  # quarter notes with the root in the bass
# degree, from 0, -> what may follow it, the likelier the oftener it is there
_FOLLOWING = {
    0: (0, 1, 1, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6),
    1: (4, 4, 4, 6),
    3: (0, 0, 1, 1, 4, 4, 4, 6),
    4: (0, 0, 0, 4, 5),
    5: (1, 1, 3, 3, 4),
    6: (0,),
}


@dataclass(frozen=True)
class Piece:
    """Notes (48, 4) int8, with what they were drawn by.

    Attributes:
        tonic: pitch class.
        degrees: of the harmony on each quarter note, from 0.
        moving: the voice that has two notes for one; -1: none, -2: all, filling thirds.
    """

    notes: np.ndarray
    tonic: int
    minor: bool
    degrees: tuple[int, ...]
    moving: int


def load(directory: Path | None = None) -> Dataset:
    """The embedded set.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded scores are made by a generator", "chorales")
    what = "pieces of species counterpoint in four voices, by a SYNTHETIC generator (train/data/counterpoint.py)"
    return generated(_split, SIZES, (), what, rate=GRID)


@lru_cache(maxsize=4)  # some seconds
def _split(n: int, *, seed: int) -> Split:
    begins = GRID * np.random.default_rng([23, seed]).integers(0, PHRASE + 1, n)
    parts = zip(pieces(n, seed), begins, strict=True)
    return Split({"tokens": np.stack([piece.notes[at : at + LENGTH] for piece, at in parts])})


def pieces(n: int, seed: int) -> list[Piece]:
    """So many pieces, no two alike."""
    rng = np.random.default_rng([22, seed])
    found: dict[bytes, Piece] = {}
    while len(found) < n:
        drawn = piece(rng)
        if drawn is not None:
            found.setdefault(drawn.notes.tobytes(), drawn)
    return list(found.values())


def piece(rng: np.random.Generator) -> Piece | None:
    """A piece, or None where the draw led to no way on."""
    minor, tonic = bool(rng.random() < 0.4), int(rng.choice(TONICS))
    degrees = _harmonies(rng)
    chords: list[np.ndarray] = []
    tries = 0
    while len(chords) < BEATS:
        at = len(chords)
        options = _voicings(tonic, minor, degrees[at], at in ROOTED)
        if at == BEATS - 1:
            options = options[options[:, 0] % 12 == tonic]  # the tonic above
        if chords:
            options = _allowed(chords[-1], options, tonic, minor, degrees[at - 1])
        if len(options):
            chords.append(options[_drawn(rng, chords, options)])
            continue
        tries += 1
        if tries > 8:
            return None
        del chords[-3:]
    moving = int(rng.choice([-2, -1, 0, 1, 2, 3], p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]))
    notes = np.repeat(np.array(chords, np.int8), GRID, axis=0)
    voices = {-2: (0, 1, 2, 3), -1: ()}.get(moving, (moving,))
    for at in range(BEATS - 1):
        for voice in voices:
            notes[2 * at + 1, voice] = _second(rng, notes, at, voice, tonic, minor, only_thirds=moving == -2)
    return Piece(notes, tonic, minor, degrees, moving)


def _harmonies(rng: np.random.Generator) -> tuple[int, ...]:
    """Degrees of each quarter note, from the tonic to the cadences."""
    degrees = [0]
    for phrase in range(PHRASES):
        degrees += _phrase(rng, degrees[-1], PHRASE - (phrase == 0), authentic=phrase == PHRASES - 1)
    return tuple(degrees)


def _phrase(rng: np.random.Generator, last: int, length: int, *, authentic: bool) -> list[int]:
    """So many degrees after one, the last two of them a cadence."""
    while True:
        degrees = [last]
        for share in rng.random(length).tolist():
            degrees.append(_FOLLOWING[degrees[-1]][int(share * len(_FOLLOWING[degrees[-1]]))])
        if degrees[-2:] == [4, 0] or (degrees[-1] == 4 != degrees[-2] and not authentic):
            return degrees[1:]


@cache
def _voicings(tonic: int, minor: bool, degree: int, rooted: bool) -> np.ndarray:
    """Every chord of a degree, (n, 4), that may stand on a quarter note."""
    scale = SCALES[minor]
    triad = [(tonic + scale[(degree + third) % 7]) % 12 for third in (0, 2, 4)]
    leading = (tonic + 11) % 12
    diminished = degree == 6 or (minor and degree == 1)
    lowest = [triad[1]] if diminished else triad[:1] if rooted else triad[:2]
    found = []
    for upper in product(*[[n for n in range(a, b + 1) if n % 12 in triad] for a, b in RANGES[:3]]):
        if not all(0 < a - b <= far for a, b, far in zip(upper, upper[1:], FARTHEST, strict=False)):
            continue
        for bass in range(RANGES[3][0], RANGES[3][1] + 1):
            chord = (*upper, bass)
            classes = [note % 12 for note in chord]
            complete = set(classes) == set(triad) or (set(classes) == set(triad[:2]) and bass % 12 == triad[0])
            if (
                bass % 12 in lowest
                and 0 < upper[2] - bass <= FARTHEST[2]
                and complete
                and classes.count(leading) <= 1
                and all((note - bass) % 12 in CONSONANT for note in upper)
            ):
                found.append(chord)
    return np.array(found, np.int64).reshape(-1, 4)


def _allowed(before: np.ndarray, after: np.ndarray, tonic: int, minor: bool, degree: int) -> np.ndarray:
    """Those of some chords (n, 4) that may follow one of a degree."""
    leaps = np.abs(after - before)
    after = after[((leaps <= 7) & (leaps != 6) | (leaps == (0, 0, 0, 12))).all(axis=1) & leaps.any(axis=1)]
    moved = after - before
    leaps, fine = np.abs(moved), np.ones(len(after), bool)
    for a, b in _PAIRS:
        if abs(before[a] - before[b]) % 12 in PERFECT:
            fine &= ~_parallel(before[a], before[b], after[:, a], after[:, b])
        fine &= (after[:, b] <= before[a]) & (after[:, a] >= before[b])  # no voice passes where another was
    leading = (tonic + 11) % 12
    for voice in np.flatnonzero(before % 12 == leading):
        if degree in (4, 6):
            fine &= (moved[:, voice] == 1) | (moved[:, voice] == 0)
    if minor:  # the augmented second, between the sixth and the leading note
        sixth = (tonic + 8) % 12
        ends = np.stack([np.broadcast_to(before % 12, after.shape), after % 12])
        fine &= ~((leaps == 3) & (ends == leading).any(axis=0) & (ends == sixth).any(axis=0)).any(axis=1)
    return after[fine]


def _parallel(a: int, b: int, then_a: Any, then_b: Any) -> Any:
    """Whether two voices that are a fifth or an octave apart both move and are so again."""
    return (np.abs(then_a - then_b) % 12 == abs(a - b) % 12) & (then_a != a) & (then_b != b)


def _drawn(rng: np.random.Generator, chords: Sequence[np.ndarray], options: np.ndarray) -> int:
    """The index of one option, those nearer to the last chord likelier."""
    if not chords:
        cost = np.abs(options - np.array([70, 64, 58, 50])).sum(axis=1) / 4
    else:
        moved = options - chords[-1]
        cost = np.abs(moved) @ np.array([0.6, 0.8, 0.8, 0.25])
        cost += 1.5 * (np.sign(moved[:, 0]) == np.sign(moved[:, 3]))
    reached = np.cumsum(np.exp(cost.min() - cost))
    return int(np.searchsorted(reached, rng.random() * reached[-1], "right"))


def _second(
    rng: np.random.Generator, notes: np.ndarray, at: int, voice: int, tonic: int, minor: bool, *, only_thirds: bool
) -> int:
    """The note of a voice on the second half of a quarter note: that before it where no other will do."""
    now, then = int(notes[2 * at, voice]), int(notes[2 * at + 2, voice])
    if (now + 1 - tonic) % 12 == 0 and then == now + 1:
        return now  # the leading note goes up to the tonic
    options = [
        note
        for note in _steps_between(now, then, tonic, minor, only_thirds, frozenset((notes[2 * at] % 12).tolist()))
        if _fits(notes, at, voice, note)
    ]
    return int(rng.choice(options)) if options else now


def _steps_between(
    now: int, then: int, tonic: int, minor: bool, only_thirds: bool, chord: frozenset[int]
) -> Iterator[int]:
    scale = [note for note in range(min(now, then) - 4, max(now, then) + 5) if (note - tonic) % 12 in SCALES[minor]]
    at, to = scale.index(now), scale.index(then)
    if abs(to - at) == 2:
        near = [scale[(at + to) // 2]]
    elif only_thirds:
        near = []
    elif to == at:
        near = [scale[at - 1], scale[at + 1]]
    else:
        near = []
        yield from (n for n in scale if n % 12 in chord and abs(n - now) in (3, 4, 5) and abs(n - then) in (1, 2))
    yield from (n for n in near if abs(n - now) <= 2 and abs(n - then) <= 2)  # no augmented second


def _fits(notes: np.ndarray, at: int, voice: int, note: int) -> bool:
    """Whether a note keeps its range, the order of voices, and makes no parallels on either side."""
    before, now, after = notes[2 * at : 2 * at + 3].tolist()
    now[voice] = note
    low, high = RANGES[voice]
    spaced = all(0 < now[i] - now[i + 1] <= far for i, far in enumerate(FARTHEST))
    others = [int(now[i]) for i in range(4) if i != voice and now[i] != before[i]]
    return (
        low <= note <= high
        and spaced
        and all((note - other) % 12 in CONSONANT | {5} for other in others)  # what moves together agrees
        and not any(
            abs(first[a] - first[b]) % 12 in PERFECT and _parallel(first[a], first[b], second[a], second[b])
            for first, second in ((before, now), (now, after))
            for a, b in _PAIRS
        )
    )
