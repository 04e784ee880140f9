"""Dates as people write them, and as ISO 8601 has them: "Tuesday, March 12th, 2024" and "2024-03-12".

Days from 1950 to 2049, each in one of the ways below: months by name, in full or in three letters; the day before or
behind them, plain or as a number of order; the weekday before or not; with numbers alone, dots put the day first,
slashes the month, and the year comes first where it is written first. Years of two digits behind an apostrophe are
those from 1950 to 2049. Letters may be large, small or as usual. A day is in one split only, in whatever way.
"""

from __future__ import annotations

import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from train.data import Dataset, Split, embedded_only

FIRST, DAYS = datetime.date(1950, 1, 1), 36_525
SIZES = {"train": 10_000, "validation": 500, "test": 1000}
LONGEST = 32  # characters

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WAYS = (
    "{day} {month} {year}",
    "{order} {month} {year}",
    "{day} {short} {year}",
    "{day} {short} '{yy}",
    "{day}-{short}-{year}",
    "the {order} of {month} {year}",
    "{order} of {short}, {year}",
    "{month} {day}, {year}",
    "{month} {order}, {year}",
    "{short} {day} {year}",
    "{short}. {day}, {year}",
    "{short} {order}, '{yy}",
    "{weekday}, {day} {month} {year}",
    "{weekday}, {month} {day}, {year}",
    "{wd} {day} {short} {year}",
    "{wd}, {short} {order}, {year}",
    "{day}.{number}.{year}",
    "{day:02}.{number:02}.{year}",
    "{number}/{day}/{year}",
    "{number:02}/{day:02}/{year}",
    "{year}/{number:02}/{day:02}",
    "{year} {month} {day}",
    "{year}{number:02}{day:02}",
)


def load(directory: Path | None = None) -> Dataset:
    """10,000 / 500 / 1,000 dates, "tokens" as written by people and "written" in ISO 8601.

    Raises:
        Refused: a folder is given, which would be passed over in silence.
    """
    embedded_only(directory, "the embedded dates are written by a generator")
    days = np.random.default_rng(8601).permutation(DAYS)
    ends = np.cumsum([0, *SIZES.values()])
    train, validation, test = (write(days[a:b], seed=i) for i, (a, b) in enumerate(pairwise(ends)))
    return Dataset(
        name="embedded",
        title=f"{sum(SIZES.values()):,} dates as people write them and in ISO 8601, from 1950 to 2049, made by a "
        "SYNTHETIC generator (train/data/dates.py)",
        licence="Apache-2.0",
        synthetic=True,
        train=train,
        validation=validation,
        test=test,
    )


def write(days: np.ndarray, *, seed: int) -> Split:
    """Days, counted from the first of 1950, each in a way that the seed draws."""
    rng = np.random.default_rng([8601, seed])
    dates = [FIRST + datetime.timedelta(int(day)) for day in days]
    ways, cases = rng.integers(0, len(WAYS), len(dates)), rng.random(len(dates))
    said = [_cased(spelled(date, int(way)), float(case)) for date, way, case in zip(dates, ways, cases, strict=True)]
    return Split({"tokens": np.array(said), "written": np.array([date.isoformat() for date in dates])})


def spelled(date: datetime.date, way: int) -> str:
    """A date in one of the ways, in letters as usual."""
    month, weekday = _MONTHS[date.month - 1], _WEEKDAYS[date.weekday()]
    return WAYS[way].format(
        day=date.day, order=f"{date.day}{_order(date.day)}", month=month, short=month[:3], number=date.month,
        year=date.year, yy=f"{date.year % 100:02}", weekday=weekday, wd=weekday[:3],
    )  # fmt: skip


def _order(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _cased(text: str, case: float) -> str:
    return text if case < 0.6 else text.lower() if case < 0.85 else text.upper()
