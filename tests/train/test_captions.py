"""Drawn scenes and their sentences: each sentence says what the picture shows, and decides its split."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import Refused
from train.data import captions
from train.data.captions import ARRANGEMENTS, COLOURS, SHAPES, Scene, Thing

THING = rf"a (small )?({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})"
RED, SMALL = Thing(False, "red", "circle"), Thing(True, "blue", "square")


def test_sentences_say_what_there_is_in_reading_order() -> None:
    told = [str(Scene(i, (RED, SMALL, RED)[: len(places)])) for i, (_, places) in enumerate(ARRANGEMENTS)]
    assert told[1] == "a red circle left of a small blue square"
    assert told[5] == "a red circle above a small blue square and a red circle"
    assert len(set(told)) == len(ARRANGEMENTS)
    for words, places in ARRANGEMENTS:
        assert len(words) == len(places) - 1
        for word, (column, row), (next_column, next_row) in zip(words, places, places[1:], strict=False):
            assert next_row > row if word == "above" else (next_column > column and next_row == row)


def test_splits_share_no_sentence_and_keep_to_the_grammar() -> None:
    drawn = [captions.draw(60, seed=part) for part in range(3)]
    sentences = [set(split.samples["written"]) for split in drawn]
    assert sum(map(len, sentences)) == len(set.union(*sentences)) > 150
    for sentence in set.union(*sentences):
        assert re.fullmatch(rf"{THING}( (left of|above|and) {THING}){{0,2}}", sentence)
        assert len(sentence.split()) <= captions.LONGEST
    again = captions.draw(60, seed=1)
    np.testing.assert_array_equal(again.samples["image"], drawn[1].samples["image"])
    assert drawn[0].samples["image"].shape == (60, captions.SIDE, captions.SIDE, 3)


def test_every_sentence_belongs_to_one_split_in_the_shares_meant() -> None:
    things = [Thing(s, c, f) for s in (False, True) for c in COLOURS for f in SHAPES]
    parts = np.bincount([Scene(1, (a, b)).part() for a in things for b in things], minlength=3)
    np.testing.assert_allclose(parts / len(things) ** 2, (0.8, 0.1, 0.1), atol=0.02)


@pytest.mark.parametrize("arrangement", range(1, len(ARRANGEMENTS)))
def test_the_picture_shows_each_thing_in_its_colour_at_its_place(arrangement: int) -> None:
    _, places = ARRANGEMENTS[arrangement]
    names = ("red", "green", "blue")[: len(places)]
    scene = Scene(arrangement, tuple(Thing(False, name, "square") for name in names))
    # No thing lies so far from its place that this pixel is not its own.
    pixels = [int((1 + middle) / 2 * captions.SIDE) for place in places for middle in place]
    for picture in captions.pictured([scene] * 20, np.random.default_rng(0)).astype(int):
        for channel, (column, row) in enumerate(zip(pixels[::2], pixels[1::2], strict=True)):
            one = picture[row, column]
            assert one[channel] - np.delete(one, channel).max() > 30


def test_small_things_are_smaller() -> None:
    rng = np.random.default_rng(0)

    def lightness(small: bool) -> np.ndarray:
        pictures = captions.pictured([Scene(0, (Thing(small, "white", "circle"),))] * 20, rng)
        return (pictures.min(axis=-1) > 100).sum(axis=(1, 2))  # type: ignore[no-any-return]

    assert lightness(True).max() < lightness(False).min()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="generator"):
        captions.load(tmp_path)
