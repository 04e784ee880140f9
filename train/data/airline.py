"""Airline passengers by the month, 1949 to 1960 (Box, Jenkins 1970, "Time series analysis", series G), in thousands."""

from __future__ import annotations

from pathlib import Path

from train.data import Dataset, windows

FILE = "airline-passengers.csv"
PAST, HORIZON = 24, 12
ENDS = (96, 120, 144)


def load(directory: Path | None = None) -> Dataset:
    """Windows of two years, and the year after; the last two years are the test's.

    Raises:
        Refused: as `train.data.windows.from_file`.
    """
    return windows.from_file(
        directory, FILE, ("Count",), ENDS, PAST, HORIZON,
        name="airline", title="Airline passengers of 144 months", licence="facts",
    )  # fmt: skip
