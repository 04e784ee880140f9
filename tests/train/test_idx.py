"""Reading idx files: what is written comes back, and what is damaged is refused."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeproof.errors import Refused
from train.data import idx

Encode = Callable[[np.ndarray], bytes]

PICTURES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
# The files are rewritten for every example.
REUSED = [HealthCheck.function_scoped_fixture]


@settings(max_examples=60, deadline=None, suppress_health_check=REUSED)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6)), st.booleans())
def test_what_was_written_is_read(tmp_path: Path, idx_bytes: Encode, array: np.ndarray, packed: bool) -> None:
    path = tmp_path / ("file.gz" if packed else "file")
    path.write_bytes(gzip.compress(idx_bytes(array), 1) if packed else idx_bytes(array))
    found = idx.read(path, dimensions=array.ndim)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array)


@settings(max_examples=150, deadline=None, suppress_health_check=REUSED)
@given(st.binary(max_size=40), st.integers(1, 3))
@example(bytes((0, 0, 8, 1, 0, 0, 0, 2, 5, 6)), 1)
@example(bytes((0, 0, 8, 1, 0, 0, 0)), 1)
@example(bytes((0, 0, 8, 1)), 1)
@example(bytes((0, 0, 8, 3)) + b"\xff" * 12, 3)
def test_any_bytes_are_an_array_of_exactly_these_bytes_or_refused(
    tmp_path: Path, idx_bytes: Encode, data: bytes, dimensions: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    try:
        found = idx.read(path, dimensions=dimensions)
    except Refused:
        return
    assert idx_bytes(found) == data


@settings(max_examples=60, deadline=None, suppress_health_check=REUSED)
@given(st.data())
def test_a_damaged_gz_never_gives_another_array(tmp_path: Path, idx_bytes: Encode, data: st.DataObject) -> None:
    whole = bytearray(gzip.compress(idx_bytes(PICTURES), 9, mtime=0))
    at = data.draw(st.integers(0, len(whole) - 1), label="at")
    whole[at] ^= data.draw(st.integers(1, 255), label="flip")
    path = tmp_path / "file.gz"
    path.write_bytes(whole)
    try:
        found = idx.read(path, dimensions=3)
    except Refused:
        return
    # Some bytes of a gzip header (time, system) mean nothing for the content; CRC-32 keeps the rest.
    np.testing.assert_array_equal(found, PICTURES)


def test_a_gz_cut_anywhere_is_refused(tmp_path: Path, idx_bytes: Encode) -> None:
    whole = gzip.compress(idx_bytes(PICTURES))
    path = tmp_path / "file.gz"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Refused, match="idx: "):
            idx.read(path, dimensions=3)


@pytest.mark.parametrize(
    ("head", "received"),
    [
        (bytes((0, 0, 8, 1)), "00000801"),  # labels where pictures are meant
        (bytes((0, 0, 0x0D, 3)), "00000d03"),  # floats
        (bytes((1, 0, 8, 3)), "01000803"),
        (b"\x89PNG", "89504e47"),
        (b"\x00\x00", "0000"),
        (b"", "an empty file"),
    ],
)
def test_another_magic_is_told_in_hex(tmp_path: Path, head: bytes, received: str) -> None:
    path = tmp_path / "pictures"
    path.write_bytes(head + bytes(36) if len(head) == 4 else head)
    with pytest.raises(Refused, match="idx: pictures must begin with 00000803") as refused:
        idx.read(path, dimensions=3)
    assert refused.value.received == received


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda whole: whole[:-1], "23 bytes"),
        (lambda whole: whole[:16], "0 bytes"),
        (lambda whole: whole + b"x", "more than 24 bytes"),
        (lambda whole: whole * 9, "more than 24 bytes"),
    ],
    ids=["one short", "no body", "one more", "much more"],
)
def test_the_body_must_be_as_long_as_the_header_says(
    tmp_path: Path, idx_bytes: Encode, change: Callable[[bytes], bytes], received: str
) -> None:
    path = tmp_path / "pictures.gz"
    path.write_bytes(gzip.compress(change(idx_bytes(PICTURES))))
    with pytest.raises(Refused, match=r"24 for sizes \(2, 3, 4\)") as refused:
        idx.read(path, dimensions=3)
    assert refused.value.received == received


def test_a_header_cut_within_a_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(bytes((0, 0, 8, 1, 0, 0, 0)))
    with pytest.raises(Refused, match=r"the header of labels must go on with 1 size") as refused:
        idx.read(path, dimensions=1)
    assert refused.value.received == "3 bytes"


def test_a_header_that_promises_the_moon_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "pictures.gz"
    path.write_bytes(gzip.compress(bytes((0, 0, 8, 3)) + b"\xff" * 12 + bytes(100)))
    with pytest.raises(Refused, match="as many bytes as its header says"):
        idx.read(path, dimensions=3)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.gz", tmp_path):
        with pytest.raises(Refused, match="idx: the file must exist"):
            idx.read(path, dimensions=1)


def test_plain_bytes_called_gz_are_refused(tmp_path: Path, idx_bytes: Encode) -> None:
    path = tmp_path / "pictures.gz"
    path.write_bytes(idx_bytes(PICTURES))
    with pytest.raises(Refused, match="idx: the file must unpack whole"):
        idx.read(path, dimensions=3)
