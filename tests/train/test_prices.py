"""Prices from files, good and bad, and generated ones: what can be forecast in them and what can't."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeproof.errors import Refused
from train.data import prices, skipping, windows
from train.study.studies import walk_forward

HEAD = "Date,Open,High,Low,Close,Volume\n"


def day(number: int, *cells: str) -> str:
    return ",".join((f"2020-01-{number:02d}", *(cells or ("10", "12", "9", "11")), "500")) + "\n"


def laid(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "abc.csv").write_text(text)
    return folder


def test_a_file_is_read_by_its_columns_in_time(tmp_path: Path) -> None:
    values = prices.read(laid(tmp_path, HEAD + day(1) + "\n" + day(2, "11", "11.5", "11", "11.25")) / "abc.csv")
    assert values.tolist() == [[10, 12, 9, 11], [11, 11.5, 11, 11.25]]
    folder = laid(
        tmp_path, HEAD + "".join(f"{1800 + i}-01-01,{i + 1},{i + 2},{i + 0.5},{i + 1.5}\n" for i in range(400))
    )
    dataset = prices.load(folder)
    # 280, 60 and 60 days; what is seen may reach back, and training loses its first window.
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [280 - 32, 60, 60]
    assert dataset.test.labels[-1].tolist() == [[400.5]]
    assert dataset.columns == ("Close",)


BAD = [
    (day(2), "line 3: 2020-01-02,10,12,9,11,500, after 2020-01-02"),
    (day(1), "after 2020-01-02"),
    (day(3, "10", "9", "9", "11"), "line 3: 2020-01-03,10,9,9,11"),
    (day(3, "10", "12", "9", "8"), "line 3"),
    (day(3, "10", "12", "-9", "11"), "line 3"),
    (day(3, "10", "nan", "9", "11"), "line 3"),
    (day(3, "10", "twelve", "9", "11"), "line 3"),
    ("03/01/2020,10,12,9,11\n", "line 3"),
    ("2020-01-03,10,12\n", "line 3"),
]


@pytest.mark.parametrize(("row", "match"), BAD)
def test_a_bad_row_is_named_or_passed_over(tmp_path: Path, row: str, match: str) -> None:
    path = laid(tmp_path, HEAD + day(2) + row + day(9)) / "abc.csv"
    with pytest.raises(Refused, match=match):
        prices.read(path)
    with skipping.skipping(True) as skipped:
        assert len(prices.read(path)) == 2
    assert len(skipped) == 1


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"Day,Open,High,Low,Close\n", "first line must be Date,Open,High,Low,Close"),
        (b"", "first line"),
        (HEAD.encode() + b"2020-01-01,\xff\n", "line 2: byte 0xff"),
        ((HEAD + day(1)).encode(), "must hold a window"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes, match: str) -> None:
    (tmp_path / "abc.csv").write_bytes(data)
    with pytest.raises(Refused, match=match):
        prices.load(tmp_path)


def test_a_folder_holds_one_series(tmp_path: Path) -> None:
    for folder, match in ((None, "must be given"), (tmp_path, r"must hold a \.csv")):
        with pytest.raises(Refused, match=match):
            prices.load(folder)
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(HEAD + day(1))
    with pytest.raises(Refused, match="must hold one"):
        prices.load(tmp_path)


def test_generated_days_are_days_of_prices() -> None:
    values = prices.walk(500, back=0.3, seed=3)
    opening, high, low, closing = values.T
    assert (low <= np.minimum(opening, closing)).all()
    assert (high >= np.maximum(opening, closing)).all()
    assert low.min() > 0
    np.testing.assert_array_equal(prices.walk(20, back=0.3, seed=3), values[:20])


@pytest.mark.parametrize("back", [0.0, 0.3])
def test_a_day_goes_back_the_share_that_was_asked_for(back: float) -> None:
    """The first autocorrelation of the returns, and no other."""
    returns = np.diff(np.log(prices.walk(20_000, back=back, seed=5)[:, -1]))
    correlation = [np.corrcoef(returns[lag:], returns[:-lag])[0, 1] for lag in (1, 2)]
    assert correlation == pytest.approx([-back, back**2], abs=0.03)
    squares = np.square(returns)
    assert np.corrcoef(squares[1:], squares[:-1])[0, 1] > 0.05  # spreads come in clusters


def test_walking_forward_finds_what_is_there_and_nothing_where_nothing_is() -> None:
    """The best forecast of days that go back 30% is 9% better than the last price."""
    for back, low, high in ((0.3, 0.05, 0.13), (0.0, -0.05, 0.02)):
        values = prices.walk(6000, back=back, seed=2)
        known = windows.cut(values[:4000], prices.PAST, 1)
        coming = windows.cut(values[4000 - prices.PAST :], prices.PAST, 1)
        naive = coming.samples["series"][:, -1, -1]
        assert low < walk_forward._better(walk_forward.linear(known, coming), coming, naive) < high
        assert walk_forward._better(naive, coming, naive) == 0
