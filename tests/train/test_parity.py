"""Digits as even and odd ones."""

import numpy as np

from train.data import digits, digits_parity


def test_the_pictures_are_the_digits_and_the_labels_their_parity() -> None:
    whole, halves = digits.load(), digits_parity.load()
    for name in ("train", "validation", "test"):
        one, other = getattr(whole, name), getattr(halves, name)
        np.testing.assert_array_equal(one.samples["image"], other.samples["image"])
        assert [halves.labels[label] for label in other.labels] == [
            ("even", "odd")[d in (1, 3, 5, 7, 9)] for d in one.labels
        ]
