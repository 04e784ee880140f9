"""EDF+ files: written byte by byte here, read back; what is cut off or false is refused with its byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeproof.errors import Refused
from train.data import edf
from train.data.edf import ANNOTATIONS, Annotation

NOTES = 60  # samples of 2 bytes of the annotations' signal
Range = tuple[float, float]


def field(value: object, width: int) -> bytes:
    text = str(value).encode()
    assert len(text) <= width
    return text.ljust(width)


def encode(
    stored: np.ndarray, physical: list[Range], notes: list[list[bytes]], *, duration: float = 1, records: object = None,
    kind: str = "EDF+C",
) -> bytes:  # fmt: skip
    """A file of stored whole numbers (records, signals, samples), with lists of notes a record."""
    count, signals, samples = stored.shape
    labels = [*[f"S{i}" for i in range(signals)], ANNOTATIONS]
    lows, highs = [*[low for low, _ in physical], -1], [*[high for _, high in physical], 1]
    head = field(0, 8) + field("X", 80) + field("X", 80) + field("01.01.00", 8) + field("00.00.00", 8)
    head += field(256 * (signals + 2), 8) + field(kind, 44)
    head += field(count if records is None else records, 8) + field(duration, 8) + field(signals + 1, 4)
    each = [(labels, 16), ([""] * len(labels), 80), (["uV"] * len(labels), 8), (lows, 8), (highs, 8)]
    each += [([-32768] * len(labels), 8), ([32767] * len(labels), 8), ([""] * len(labels), 80)]
    each += [([*[samples] * signals, NOTES], 8), ([""] * len(labels), 32)]
    head += b"".join(field(value, width) for values, width in each for value in values)
    body = b""
    for record, lists in zip(stored, notes, strict=True):
        body += record.astype("<i2").tobytes() + b"".join(lists).ljust(2 * NOTES, b"\0")
    return head + body


def plain(records: int = 3, signals: int = 2, samples: int = 8, seed: int = 0) -> bytes:
    stored = np.random.default_rng(seed).integers(-32768, 32768, (records, signals, samples))
    notes = [[b"+%d\x14\x14\0" % i] for i in range(records)]
    notes[0].append(b"+0.5\x152\x14T1\x14\0")
    return encode(stored, [(-100.0, 100.0)] * signals, notes)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 9), st.sampled_from([1, 0.5, 2]),
    st.lists(st.tuples(st.integers(-800, 800), st.integers(1, 800)), min_size=3, max_size=3),
    st.lists(st.sampled_from(["T0", "T2", "näher dran", "a b"]), max_size=3), st.integers(0, 999),
)  # fmt: skip
def test_what_is_written_is_read(
    tmp_path: Path, records: int, signals: int, samples: int, duration: float, ranges: list[tuple[int, int]],
    texts: list[str], seed: int,
) -> None:  # fmt: skip
    stored = np.random.default_rng(seed).integers(-32768, 32768, (records, signals, samples))
    physical = [(float(low), float(low + span)) for low, span in ranges[:signals]]
    notes = [[b"+%g\x14\x14\0" % (i * duration)] for i in range(records)]
    notes[-1] += [b"+%d\x15%g\x14%s\x14\0" % (i, i / 4, text.encode()) for i, text in enumerate(texts)]
    (tmp_path / "s.edf").write_bytes(encode(stored, physical, notes, duration=duration))
    found = edf.read(tmp_path / "s.edf")
    assert (found.labels, found.rate) == (tuple(f"S{i}" for i in range(signals)), samples / duration)
    assert found.annotations == tuple(Annotation(i, i / 4, text) for i, text in enumerate(texts))
    for i, (low, high) in enumerate(physical):
        expected = low + (stored[:, i].ravel() + 32768) / 65535 * (high - low)
        np.testing.assert_allclose(found.signals[:, i], expected, rtol=1e-5, atol=1e-4 * (high - low))


def test_a_recording_that_is_not_finished_counts_its_own_records(tmp_path: Path) -> None:
    stored, notes = np.zeros((2, 1, 4), np.int64), [[b"+0\x14\x14\0"], [b"+1\x14\x14\0"]]
    (tmp_path / "s.edf").write_bytes(encode(stored, [(-1, 1)], notes, records=-1))
    assert edf.read(tmp_path / "s.edf").signals.shape == (8, 1)


def test_line_ends_that_a_transfer_put_in_are_taken_out(tmp_path: Path) -> None:
    stored = np.full((2, 1, 6), 0x0A41)  # "A\n"
    data = encode(stored, [(-1, 1)], [[b"+0\x14\x14\0"], [b"+1\x14\x14\0"]])
    (tmp_path / "as-it-was.edf").write_bytes(data)
    (tmp_path / "as-text.edf").write_bytes(data.replace(b"\n", b"\r\n"))
    whole, found = edf.read(tmp_path / "as-it-was.edf"), edf.read(tmp_path / "as-text.edf")
    np.testing.assert_array_equal(found.signals, whole.signals)
    assert (whole.restored, found.restored) == (0, 12)
    (tmp_path / "half.edf").write_bytes(data.replace(b"\n", b"\r\n", 5))
    with pytest.raises(Refused, match="after the header"):
        edf.read(tmp_path / "half.edf")


@given(st.integers(0, len(plain()) - 1))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_is_cut_off_is_refused_where_it_ends_or_before(tmp_path: Path, end: int) -> None:
    (tmp_path / "s.edf").write_bytes(plain()[:end])
    with pytest.raises(Refused, match=r"s\.edf, byte \d+") as told:
        edf.read(tmp_path / "s.edf")
    assert int(str(told.value).split("byte ")[1].split(":")[0]) <= end


@given(st.integers(0, len(plain()) - 1), st.integers(0, 255))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_refused_or_read_but_nothing_else(tmp_path: Path, at: int, byte: int) -> None:
    data = bytearray(plain())
    data[at] = byte
    (tmp_path / "s.edf").write_bytes(bytes(data))
    try:
        found = edf.read(tmp_path / "s.edf")
    except Refused:
        return
    assert np.isfinite(found.signals).all()


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "byte 0: 0 bytes"),
        (b"RIFF" + plain()[4:], "byte 0"),
        (plain()[:252] + b"many" + plain()[256:], 'byte 252: "many"'),
        (plain()[:184] + field(512, 8) + plain()[192:], "byte 184: 512"),
        (plain().replace(b"+1\x14\x14", b"+9\x14\x14"), "record 1 at 9 s"),
        (plain().replace(b"+0.5\x152\x14T1\x14\0", b"!0.5\x152\x14T1\x14\0"), r"byte \d+: b'!0.5"),
        (plain().replace(b"-100.0", b"100.0 "), r"S0: 100 to 100 stored"),
        (encode(np.zeros((1, 2, 4), np.int64), [(-1, 1)] * 2, [[]]), "record 0 at no time"),
    ],
)
def test_what_is_false_is_refused_with_its_byte(tmp_path: Path, data: bytes, match: str) -> None:
    (tmp_path / "s.edf").write_bytes(data)
    with pytest.raises(Refused, match=match):
        edf.read(tmp_path / "s.edf")
