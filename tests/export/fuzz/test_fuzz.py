"""Files made to harm: no code runs, nothing hangs, nothing is written elsewhere, memory stays bounded, and every one is
taken or refused with one reason."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .campaign import Campaign, Seeds

PEAK = 512 << 20  # above a process that has read nothing; files are of kilobytes, and announce at most megabytes
KERNELS = {"tflite": ("xnnpack", "reference", "builtin"), "onnx": ("onnxruntime",)}


@pytest.fixture
def campaign(fuzz_seeds: Seeds, tmp_path: Path) -> Iterator[Campaign]:
    with Campaign(fuzz_seeds, tmp_path) as campaign:
        yield campaign


def judged(campaign: Campaign, begun: float) -> None:
    account = campaign.account
    print(f"{account}\n{sum(account.counts.values())} files tried in {time.monotonic() - begun:.0f} s")
    wrong = [line for line in account.wrong if not line.startswith("note ")]
    assert not wrong, "\n".join(wrong[:20])
    assert not campaign.strays()
    assert all(account.peak[entry] < PEAK for entry in ("read", "summary", "contract") if entry in account.peak)


def test_some_hundred_files(campaign: Campaign) -> None:
    begun = time.monotonic()
    campaign.checkpoints("h5", 150, loads=0)
    campaign.checkpoints("keras", 100, loads=0)
    campaign.artifacts("tflite", 150, ())
    campaign.artifacts("onnx", 150, KERNELS["onnx"])
    campaign.contracts(150)
    judged(campaign, begun)


@pytest.mark.all
@pytest.mark.timeout(1200)
def test_ten_thousand_files(campaign: Campaign) -> None:
    begun = time.monotonic()
    campaign.checkpoints("h5", 2500, loads=250)
    campaign.checkpoints("keras", 1500, loads=150)
    campaign.artifacts("tflite", 2000, KERNELS["tflite"])
    campaign.artifacts("onnx", 2000, KERNELS["onnx"])
    campaign.contracts(2000)
    judged(campaign, begun)


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_what_would_run_code_or_open_files_is_never_built(campaign: Campaign, kind: str) -> None:
    """Every bait in every place of an otherwise good checkpoint: refused when read, or loaded without a trace."""
    for number, data in enumerate(campaign.baited(kind)):
        campaign.checkpoint(kind, number, data, load=True)
    judged(campaign, time.monotonic())
    assert sum(campaign.account.counts.values()) > 40


def test_the_auditor_sees_what_it_is_for(campaign: Campaign) -> None:
    """The oracle itself: a reader that opens, writes or runs is caught."""
    for deed in ("run", "write", "read", "shell"):
        campaign.try_("read", "h5", 0, "misbehave", deed=deed, path=str(campaign.outside))
    seen = " ".join(campaign.account.wrong)
    for trace in ("code was run", "to write", "to read", "os.system"):
        assert trace in seen, campaign.account.wrong
