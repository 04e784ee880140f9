"""ETTh1: oil temperature and six loads of a transformer by the hour (Zhou et al. 2021, "Informer").

https://github.com/zhouhaoyi/ETDataset, CC BY-ND 4.0. The split is the makers': twelve months, four and four.
"""

from __future__ import annotations

from pathlib import Path

from train.data import Dataset, windows

FILE = "ETTh1.csv"
COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
PAST, HORIZON = 96, 24
_MONTH = 30 * 24
ENDS = (12 * _MONTH, 16 * _MONTH, 20 * _MONTH)


def load(directory: Path | None = None) -> Dataset:
    """Windows of four days, and the day after.

    Raises:
        Refused: as `train.data.windows.from_file`.
    """
    return windows.from_file(
        directory, FILE, COLUMNS, ENDS, PAST, HORIZON,
        name="ett", title="ETTh1, seven series by the hour, the makers' split by months", licence="CC BY-ND 4.0",
    )  # fmt: skip
