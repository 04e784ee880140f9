"""Figures of time and memory: how they are made, not how large they are."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from edgeproof import timing
from edgeproof.backends import Port


def test_quantiles_are_those_of_single_calls_after_a_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    durations = itertools.chain(
        [10**9] * 10, (10**6 * i for i in range(1, 101))
    )  # ns: a slow warm-up, then 1 to 100 ms
    clock = [0]

    def act() -> None:
        clock[0] += next(durations)

    monkeypatch.setattr(timing.time, "perf_counter_ns", lambda: clock[0])
    median, high = timing.quantiles(act, 100)
    assert median == pytest.approx(50.5)
    assert high == pytest.approx(90.1)


@pytest.mark.parametrize(("runs", "warm"), [(1, 5), (100, 10)])
def test_every_run_is_made_and_a_warm_up_before(runs: int, warm: int) -> None:
    calls: list[int] = []
    median, high = timing.quantiles(lambda: calls.append(1), runs)
    assert len(calls) == warm + runs
    assert 0 <= median <= high


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the oracle is Linux's /proc")
def test_peak_memory_is_what_the_kernel_says() -> None:
    np.ones(4_000_000)  # so that it is not the first page that decides
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    # The kernel counts pages in batches a thread, so the two readings may differ a little.
    assert timing.peak_bytes() == pytest.approx(int(found[1]) * 1024, rel=0.02)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool"])
@pytest.mark.parametrize("scale", [0.0, 0.5])
def test_noise_fits_the_port_and_is_not_all_zero(dtype: str, scale: float) -> None:
    port = Port("x", (None, 40, 3), np.dtype(dtype), scale)
    (noise,) = timing.noise([port])
    assert noise.shape == (1, 40, 3)
    assert noise.dtype == dtype
    assert len(np.unique(noise)) > 1
    assert np.array_equal(noise, timing.noise([port])[0])


def test_noise_for_whole_numbers_without_a_scale_can_serve_as_indices() -> None:
    (noise,) = timing.noise([Port("tokens", (1, 100), np.dtype("int64"))])
    assert set(np.unique(noise)) == {0, 1}


def test_ports_do_not_share_their_noise() -> None:
    one, other = timing.noise([Port("a", (1, 9), np.dtype("float32")), Port("b", (1, 9), np.dtype("float32"))])
    assert not np.array_equal(one, other)
