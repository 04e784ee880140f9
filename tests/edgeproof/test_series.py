"""Series: the last steps of named columns, standardised; and from CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from edgeproof import frontend
from edgeproof.contract import Frontend
from edgeproof.errors import Refused
from edgeproof.frontend import files, series

STEPS: tuple[dict[str, object], ...] = (
    {"op": "columns", "names": ["a", "b"], "length": 3},
    {"op": "standardise", "mean": [1.0, 2.0], "deviation": [2.0, 4.0]},
)
HOW = Frontend("series", "series", STEPS)


@given(st.integers(3, 9), st.integers(1, 3), st.integers(0, 99))
def test_the_last_steps_are_standardised_by_column(time: int, n: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(n, time, 2))
    found = frontend.apply(HOW, values)
    assert (found.dtype, found.shape) == (np.float32, (n, 3, 2))
    np.testing.assert_allclose(found, (values[:, -3:] - [1, 2]) / [2, 4], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 3, 3), (1, 6)])
def test_series_that_are_too_short_or_of_other_columns_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(Refused, match="3 time steps or more, and the columns a, b"):
        frontend.apply(HOW, np.zeros(shape))


def read(tmp_path: Path, data: bytes) -> np.ndarray:
    (tmp_path / "s.csv").write_bytes(data)
    return files.read(tmp_path / "s.csv", HOW)


def test_columns_are_found_by_name_wherever_they_stand(tmp_path: Path) -> None:
    found = read(tmp_path, b'date,b, a \n2020,1,2\n"2021, late",3.5,-4e1\n\n2022,0,1\n')
    assert found.tolist() == [[2, 1], [-40, 3.5], [1, 0]]
    assert files.read_series(tmp_path / "s.csv", ["b"]).shape == (3, 1)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "it is a, b that is not"),
        (b"a\n1\n", "it is b that is not"),
        (b"a,b,a\n1,2,3\n", "it is a that is not"),
        (b"a,b\n1,2\n1,x\n", r's\.csv, line 3, column b: "x"'),
        (b"a,b\n1\n", r"line 2, column b"),
        (b"a,b\n1,nan\n", r"line 2, column b"),
        (b"a,b\n1,1e999\n", r"line 2, column b"),
        (b"a,b\n1,\xe9\n", r"byte 0xe9 at offset 6"),
    ],
)
def test_files_that_are_no_series_are_refused_by_line_and_column(tmp_path: Path, data: bytes, match: str) -> None:
    with pytest.raises(Refused, match=match):
        read(tmp_path, data)


def test_a_file_too_short_is_refused_by_the_frontend(tmp_path: Path) -> None:
    found = read(tmp_path, b"a,b\n1,2\n")
    with pytest.raises(Refused, match="3 time steps or more"):
        frontend.apply(HOW, found[None])


@given(st.sampled_from([(128, 1.0, 30.0), (160, 4.0, 40.0), (256, 0.0, 30.0), (100, 8.0, 50.0)]), st.integers(0, 99))
def test_a_band_is_the_filter_of_scipy(band: tuple[int, float, float], seed: int) -> None:
    rate, low, high = band
    taps = 2 * round(rate / 2) + 1
    upper, lower = (
        signal.firwin(taps, f, fs=rate, scale=False) if 0 < f < rate / 2 else np.eye(taps)[taps // 2] * (f > 0)
        for f in (high, low)
    )
    values = np.random.default_rng(seed).normal(size=(2, taps + 40, 3))
    expected = [[np.convolve(column, upper - lower, "valid") for column in one.T] for one in values]
    found = series.band_pass(values, rate=rate, low=low, high=high)
    np.testing.assert_allclose(found, np.swapaxes(expected, 1, 2), atol=1e-5)


def test_a_band_keeps_what_lies_in_it_in_its_place_and_nothing_else() -> None:
    time = np.arange(1024) / 256
    inside, outside = np.sin(2 * np.pi * 10 * time), np.sin(2 * np.pi * 60 * time)
    found = series.band_pass(np.stack([inside, outside, inside + outside], 1)[None], rate=256, low=2, high=30)[0]
    assert found.shape == (768, 3)
    np.testing.assert_allclose(found[:, 0], inside[128:-128], atol=0.01)
    np.testing.assert_allclose(found[:, 1], 0, atol=0.01)
    np.testing.assert_allclose(found[:, 2], inside[128:-128], atol=0.01)


@pytest.mark.parametrize(("low", "high"), [(5, 5), (-1, 5), (1, 65)])
def test_bands_that_are_none_are_refused(low: float, high: float) -> None:
    step = {"op": "band_pass", "rate": 128, "low": low, "high": high}
    with pytest.raises(Refused, match="must have the arguments it takes"):
        frontend.apply(Frontend("x", "series", (step,)), np.zeros((1, 200, 1)))


def test_a_series_shorter_than_the_filter_is_refused() -> None:
    with pytest.raises(Refused, match="a filter of 129 time steps"):
        series.band_pass(np.zeros((1, 128, 1)), rate=128, low=1, high=30)


def test_steps_are_dropped_means_taken_away_and_ends_cut() -> None:
    values = np.arange(14.0).reshape(1, 7, 2)
    np.testing.assert_array_equal(series.decimate(values, factor=3)[0, :, 0], [0, 6, 12])
    np.testing.assert_allclose(series.centre(values)[0, :, 1], [-6, -4, -2, 0, 2, 4, 6])
    np.testing.assert_array_equal(series.clip(values, low=2, high=5)[0, :3], [[2, 2], [2, 3], [4, 5]])
