"""A protobuf walker for files that nobody vouches for: it knows the wire format, not the schema.

A field is `(number, kind, a, b)`: a varint has its value in `a`; anything else lies in bytes `a` to `b`. Nothing is
copied and nothing nests by itself, so a caller's own depth is the only recursion there is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from edgeproof.errors import Refused

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Field = tuple[int, int, int, int]

VALUE_COST = 32  # what a value or operator takes from the budget of fields: a quarter of a million are allowed
_MOST_FIELDS = 1 << 23  # a model of fifty thousand operators has two million
_CONTINUED = bytes(range(128, 256))


class Wire:
    """The bytes of one file.

    Args:
        data: the file.
        broken: makes the refusal from what was found wrong.
    """

    __slots__ = ("broken", "data", "left")

    def __init__(self, data: bytes, broken: Callable[[str], Refused]) -> None:
        self.data, self.broken, self.left = data, broken, _MOST_FIELDS

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """The fields of the message in bytes `start` to `stop`."""
        at = start
        while at < stop:
            self.spend(1)
            key, at = self._varint(at, stop)
            number, kind = key >> 3, key & 7
            if not 0 < number < 1 << 29:
                raise self.broken(f"field number {number} before byte {at}")
            if kind == VARINT:
                value, at = self._varint(at, stop)
                yield number, kind, value, at
                continue
            if kind == BYTES:
                length, at = self._varint(at, stop)
            elif kind in (FIXED32, FIXED64):
                length = 4 if kind == FIXED32 else 8
            else:
                raise self.broken(f"wire type {kind} before byte {at}")
            if length > stop - at:
                raise self.broken(f"a field of {length} bytes at byte {at}, past the end of its message at {stop}")
            yield number, kind, at, at + length
            at += length

    def spend(self, cost: int) -> None:
        """Take from the budget: 1 a field, more for what takes more memory than its bytes."""
        self.left -= cost
        if self.left < 0:
            raise self.broken("more parts than any model has")

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= stop:
                raise self.broken(f"a number cut short at byte {at}")
            byte = self.data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & (1 << 64) - 1, at
        raise self.broken(f"a number of more than ten bytes before byte {at}")

    def text(self, start: int, stop: int) -> str:
        """A string; bytes that are not UTF-8 become replacement characters."""
        return self.data[start:stop].decode("utf-8", "replace")

    def integers(self, field: Field) -> Iterator[int]:
        """The signed integers of a repeated field, be it packed or not."""
        _, kind, at, stop = field
        if kind == VARINT:
            yield signed(at)
        elif kind == BYTES:
            while at < stop:
                value, at = self._varint(at, stop)
                yield signed(value)

    def floats(self, field: Field) -> tuple[float, ...]:
        """The float32 numbers of a repeated field, be it packed or not."""
        _, kind, start, stop = field
        if kind not in (FIXED32, BYTES) or (stop - start) % 4:
            raise self.broken(f"float32 numbers of {stop - start} bytes at byte {start}")
        return struct.unpack_from(f"<{(stop - start) // 4}f", self.data, start)

    def count(self, field: Field, width: int) -> int:
        """How many numbers a repeated field adds, of `width` bytes each, or varints (0), without reading them."""
        _, kind, start, stop = field
        if kind == VARINT:
            return 1
        if width:
            return (stop - start) // width
        return len(self.data[start:stop].translate(None, _CONTINUED))


def signed(value: int) -> int:
    """A varint as the signed integer that it encodes."""
    return value - (1 << 64) if value >> 63 else value
