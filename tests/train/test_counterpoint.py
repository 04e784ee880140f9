"""The generator of counterpoint against the rules that it states, each looked up note by note."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from edgeproof.errors import Refused
from train.data import counterpoint
from train.data.counterpoint import FARTHEST, RANGES, Piece

PIECES = counterpoint.pieces(60, seed=5)
SCALE = {False: {0, 2, 4, 5, 7, 9, 11}, True: {0, 2, 3, 5, 7, 8, 11}}


def steps(piece: Piece) -> list[list[int]]:
    rows: list[list[int]] = piece.notes.tolist()
    return rows


def test_voices_keep_their_ranges_their_order_and_their_key() -> None:
    for piece in PIECES:
        assert (piece.notes.shape, piece.notes.dtype) == ((48, 4), np.int8)
        for row in steps(piece):
            assert all(low <= note <= high for note, (low, high) in zip(row, RANGES, strict=True))
            assert all(0 < a - b <= far for (a, b), far in zip(pairwise(row), FARTHEST, strict=True))
            assert {(note - piece.tonic) % 12 for note in row} <= SCALE[piece.minor]


def test_strong_beats_are_consonant_triads_with_their_third() -> None:
    for piece in PIECES:
        scale = sorted(SCALE[piece.minor])
        for row, degree in zip(steps(piece)[::2], piece.degrees, strict=True):
            assert all((note - row[3]) % 12 in {0, 3, 4, 7, 8, 9} for note in row)
            root, third, fifth = ((piece.tonic + scale[(degree + k) % 7]) % 12 for k in (0, 2, 4))
            classes = [note % 12 for note in row]
            assert {third} <= set(classes) <= {root, third, fifth}
            assert row[3] % 12 != fifth
            assert classes.count((piece.tonic + 11) % 12) <= 1


def test_no_two_voices_move_in_parallel_fifths_or_octaves() -> None:
    for piece in PIECES:
        for rows in (steps(piece), steps(piece)[::2]):
            for before, after in pairwise(rows):
                for a, b in combinations(range(4), 2):
                    apart = (before[a] - before[b]) % 12, (after[a] - after[b]) % 12
                    moved = before[a] != after[a] and before[b] != after[b]
                    assert not (moved and apart[0] == apart[1] and apart[0] in (0, 7))


def test_leading_notes_go_up_to_the_tonic() -> None:
    met = 0
    for piece in PIECES:
        for (before, after), degree in zip(pairwise(steps(piece)[::2]), piece.degrees, strict=False):
            for a, b in zip(before, after, strict=True):
                if (a - piece.tonic) % 12 == 11 and degree in (4, 6):
                    assert b - a in (0, 1)
                    met += b - a
    assert met > 100


def test_no_voice_leaps_a_tritone_or_an_augmented_second() -> None:
    for piece in PIECES:
        for before, after in pairwise(steps(piece)[::2]):
            for voice, (a, b) in enumerate(zip(before, after, strict=True)):
                assert abs(a - b) <= 7 or (voice == 3 and abs(a - b) == 12)
                assert abs(a - b) != 6
                assert not (piece.minor and {(a - piece.tonic) % 12, (b - piece.tonic) % 12} == {8, 11}) or abs(
                    a - b
                ) != 3  # fmt: skip


def test_phrases_close_with_cadences() -> None:
    halves = 0
    for piece in PIECES:
        assert piece.degrees[-2:] == (4, 0)
        assert [row[3] % 12 for row in steps(piece)[44::2]] == [(piece.tonic + 7) % 12, piece.tonic]
        assert steps(piece)[-1][0] % 12 == piece.tonic
        for at in (7, 15):
            half = piece.degrees[at] == 4 != piece.degrees[at - 1]
            assert half or piece.degrees[at - 1 : at + 1] == (4, 0)
            assert steps(piece)[2 * at][3] % 12 == (piece.tonic + 7 * half) % 12
            halves += half
    assert 0 < halves < 2 * len(PIECES)


def test_what_moves_on_weak_beats_is_of_its_species_and_goes_by_step() -> None:
    kinds = set()
    for piece in PIECES:
        rows = steps(piece)
        for at in range(0, 46, 2):
            for voice in range(4):
                now, weak, then = (rows[at + i][voice] for i in range(3))
                if weak == now:
                    continue
                assert piece.moving in (-2, voice)
                assert abs(then - weak) in (1, 2, 3)
                stepwise = abs(weak - now) in (1, 2) and abs(then - weak) in (1, 2)
                if piece.moving == -2:
                    assert stepwise
                    assert (weak - now) * (then - weak) > 0
                else:
                    assert stepwise or weak % 12 in {note % 12 for note in rows[at]}
                kinds.add((piece.moving, stepwise))
        assert rows[46] == rows[47]
    assert len(kinds) >= 7


def test_pieces_differ_and_a_seed_repeats_them() -> None:
    again = counterpoint.pieces(5, seed=5)
    assert [p.notes.tobytes() for p in again] == [p.notes.tobytes() for p in PIECES[:5]]
    assert len({p.notes.tobytes() for p in PIECES}) == len(PIECES)
    sample = counterpoint._split(5, seed=5).samples["tokens"]
    assert sample.shape == (5, 32, 4)
    assert all(part.tobytes() in piece.notes.tobytes() for part, piece in zip(sample, PIECES, strict=False))
    with pytest.raises(Refused, match="--data chorales"):
        counterpoint.load(counterpoint.Path("somewhere"))
