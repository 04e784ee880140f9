"""Prices by the day, from a .csv file of opening, highest, lowest and closing ones (OHLC), as any provider gives them.

What comes next is one day. The last 15% of the days are the test's, and the 15% before them choose. A generator of
SYNTHETIC prices stands beside the reader: `walk` makes days that no forecast can tell, or days each of which goes part
of the way back that the one before it came.
"""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, skipping, tables, windows

COLUMNS = ("Open", "High", "Low", "Close")
CLOSE = COLUMNS.index("Close")
PAST, HORIZON = 32, 1
_LAYOUT = "a header with Date,Open,High,Low,Close, then a day in each row, the oldest first"
_SHARES = (70, 85, 100)  # percent of the days, at which training, validation and test end
_TICKS = 24  # price changes within a generated day


def load(directory: Path | None = None) -> Dataset:
    """Windows of 32 days' closing prices, and the one after, of the one .csv file in a folder.

    Closing prices alone: to tell that tomorrow opens near where today closed, or that it has a highest price above
    that, is easy, and a score over all four makes a forecaster of it: 93% on a random walk, the last prices 90%.

    Raises:
        Refused: no folder, not one .csv file in it, or a file or row that is not as it should be.
    """
    if directory is None:
        raise Refused("prices: a file must be given.", received="no --data-dir", fix=f"a folder with a .csv: {_LAYOUT}")
    found = files(directory)
    if len(found) > 1:
        raise Refused(
            "prices: the folder must hold one .csv file.",
            received=f"{directory}: {len(found)}", fix="give each series a folder of its own",
        )  # fmt: skip
    values = read(found[0])[:, [CLOSE]]
    ends = tuple(len(values) * share // 100 for share in _SHARES)
    train, validation, test = windows.parts(values, (ends[0], ends[1], ends[2]), PAST, HORIZON)
    return Dataset(
        name="prices",
        title=f"{len(values):,} days of closing prices from {found[0].name}",
        licence="not stated",
        synthetic=False,
        train=train,
        validation=validation,
        test=test,
        columns=(COLUMNS[CLOSE],),
    )


def files(directory: Path) -> list[Path]:
    """The .csv files in a folder.

    Raises:
        Refused: it has none.
    """
    found = sorted(directory.glob("*.csv"))
    if not found:
        raise Refused("prices: the folder must hold a .csv file.", received=str(directory), fix=_LAYOUT)
    return found


def read(path: Path) -> np.ndarray:
    """Opening, highest, lowest and closing prices, (days, 4) float64, the oldest first.

    Raises:
        Refused: no such file, no such header, or a row that is no day of prices, or not after the one before.
    """
    days: list[list[float]] = []
    last: datetime | None = None
    for where, row in tables.rows(path, "prices", _LAYOUT, ("Date", *COLUMNS)):
        told = f"{where}: {','.join(row)[:80]}"
        date, day = _date(row[0]), _day(row[1:5])
        if date is None or day is None:
            skipping.bad(
                "prices: a row must hold a day as 2020-12-31 and four prices above 0, between the lowest and highest.",
                received=told, fix=_LAYOUT,
            )  # fmt: skip
        elif last and date <= last:
            skipping.bad(
                "prices: each day must come after the one before.",
                received=f"{told}, after {last:%Y-%m-%d}", fix=_LAYOUT,
            )  # fmt: skip
        else:
            days.append(day)
            last = date
    return np.array(days, np.float64).reshape(len(days), len(COLUMNS))


def _date(cell: str) -> datetime | None:
    try:
        return datetime.fromisoformat(cell.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _day(cells: list[str]) -> list[float] | None:
    try:
        found = [float(cell) for cell in cells]
    except ValueError:
        return None
    if len(found) < len(COLUMNS) or not all(math.isfinite(price) and price > 0 for price in found):
        return None
    opening, high, low, closing = found
    return found if low <= min(opening, closing) and max(opening, closing) <= high else None


def walk(days: int, *, back: float, seed: int) -> np.ndarray:
    """Generated prices, (days, 4): returns have a spread that changes slowly and comes in clusters (GARCH, Bollerslev
    1986), and each day goes back the share `back` of what the day before went.

    With `back` 0 the best forecast of a price is the one before.
    """
    rng = np.random.default_rng([seed, 41])
    spread, last, close = 1e-4, 0.0, math.log(100.0)
    found = np.zeros((days, 4))
    for day in range(days):
        shock = math.sqrt(spread) * rng.normal()
        spread = 2e-6 + 0.08 * shock**2 + 0.9 * spread
        last = shock - back * last
        # The way from one close to the next, a random one that ends there.
        steps = rng.normal(0, abs(shock) / math.sqrt(_TICKS) + 1e-5, _TICKS).cumsum()
        share = np.arange(1, _TICKS + 1) / _TICKS
        path = close + steps - share * (steps[-1] - last)
        found[day] = path[0], path.max(), path.min(), path[-1]
        close += last
    return np.exp(found)
