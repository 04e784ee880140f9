"""Dates by a generator: each says the day that its ISO form says."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import Refused
from train.data import dates

DAY = datetime.date(2024, 3, 12)


def test_ways_are_those_that_people_use() -> None:
    told = {dates.spelled(DAY, way) for way in range(len(dates.WAYS))}
    assert len(told) == len(dates.WAYS)
    assert {"12 March 2024", "Tuesday, March 12, 2024", "Mar 12th, '24", "12.3.2024", "3/12/2024", "20240312"} <= told


ORDERS = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 13: "13th", 22: "22nd", 31: "31st"}


@pytest.mark.parametrize(("day", "order"), ORDERS.items())
def test_numbers_of_order(day: int, order: str) -> None:
    assert dates.spelled(datetime.date(2024, 3, day), 1) == f"{order} March 2024"


def test_ways_in_full_are_read_back_as_the_same_day_by_the_standard_library() -> None:
    forms = {0: "%d %B %Y", 2: "%d %b %Y", 7: "%B %d, %Y", 13: "%A, %B %d, %Y", 16: "%d.%m.%Y", 18: "%m/%d/%Y"}
    for number in range(0, dates.DAYS, 97):
        day = dates.FIRST + datetime.timedelta(number)
        for way, form in forms.items():
            assert datetime.datetime.strptime(dates.spelled(day, way), form).date() == day


def test_splits_share_no_day_and_fit_the_network() -> None:
    found = dates.load()
    splits = [set(split.samples["written"]) for split in (found.train, found.validation, found.test)]
    assert [len(split) for split in splits] == list(dates.SIZES.values())
    assert len(set.union(*splits)) == sum(dates.SIZES.values())
    assert max(map(len, found.train.samples["tokens"])) <= dates.LONGEST
    assert "SYNTHETIC" in found.title
    again = dates.write(np.arange(5), seed=3)
    assert again.samples["written"][0] == "1950-01-01"
    np.testing.assert_array_equal(again.samples["tokens"], dates.write(np.arange(5), seed=3).samples["tokens"])


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="generator"):
        dates.load(tmp_path)
