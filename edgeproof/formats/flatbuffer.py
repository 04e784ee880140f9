"""A FlatBuffers reader for files that nobody vouches for: every offset and length is checked before it is followed.

Reading costs a budget. Offsets in a FlatBuffer may point anywhere, so a small file can name one long string a million
times; what is read of the structure (weights are never read, only located) is therefore bounded by the file's size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from edgeproof.errors import Refused

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_SIZES = {"b": 1, "B": 1, "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8, "d": 8}

_LARGEST_STRUCTURE = 1 << 25  # bytes of names, shapes and tables; real models stay below a tenth of it
_TABLE_COST = 64  # what a table becomes in memory is larger than what it takes in the file


class Reader:
    """The bytes of one file.

    Args:
        data: the file.
        broken: makes the refusal from what was found wrong.
    """

    __slots__ = ("broken", "data", "left", "size")

    def __init__(self, data: bytes, broken: Callable[[str], Refused]) -> None:
        self.data, self.broken, self.size = data, broken, len(data)
        # Each byte may be read a few times, as writers do share strings and vectors.
        self.left = min(4 * self.size + (1 << 16), _LARGEST_STRUCTURE)

    def root(self) -> Table:
        """The table at which the file begins."""
        return Table(self, self.follow(0))

    def follow(self, at: int) -> int:
        """Where the offset stored at `at` leads."""
        if not 0 <= at <= self.size - 4:
            raise self.broken(f"an offset at byte {at}, past the end ({self.size} bytes)")
        target = at + int(_U32.unpack_from(self.data, at)[0])
        if target > self.size - 4:
            raise self.broken(f"an offset at byte {at} to byte {target}, past the end ({self.size} bytes)")
        return target

    def vector(self, at: int, item: int) -> tuple[int, int]:
        """Where the first entry of the vector at `at` lies, and how many entries of `item` bytes there are."""
        count = int(_U32.unpack_from(self.data, at)[0])
        if count * item > self.size - at - 4:
            raise self.broken(f"a vector of {count} entries at byte {at}, past the end ({self.size} bytes)")
        return at + 4, count

    def spend(self, cost: int) -> None:
        """Take `cost` bytes from the budget."""
        self.left -= cost
        if self.left < 0:
            raise self.broken("tables that share or repeat their parts more than any model does")


class Table:
    """One table; fields are named by their number in the schema, and an absent field gives its default."""

    __slots__ = ("_at", "_fields", "_reader", "_size", "_vtable")

    def __init__(self, reader: Reader, at: int) -> None:
        reader.spend(_TABLE_COST)
        data, size = reader.data, reader.size
        vtable = at - int(_I32.unpack_from(data, at)[0])
        if not 0 <= vtable <= size - 4:
            raise reader.broken(f"a table at byte {at} whose field list lies at byte {vtable}, outside the file")
        listed, occupied = int(_U16.unpack_from(data, vtable)[0]), int(_U16.unpack_from(data, vtable + 2)[0])
        if listed < 4 or listed % 2 or vtable + listed > size or occupied < 4 or at + occupied > size:
            raise reader.broken(f"a table at byte {at} of {occupied} bytes with a field list of {listed} bytes")
        self._reader, self._at, self._vtable = reader, at, vtable
        self._size, self._fields = occupied, (listed - 4) // 2

    def _field(self, number: int, width: int) -> int | None:
        """Where a field's `width` bytes lie."""
        if number >= self._fields:
            return None
        offset = int(_U16.unpack_from(self._reader.data, self._vtable + 4 + 2 * number)[0])
        if not offset:
            return None
        if offset < 4 or offset + width > self._size:
            raise self._reader.broken(f"field {number} of the table at byte {self._at}, outside that table")
        return self._at + offset

    def _target(self, number: int) -> int | None:
        at = self._field(number, 4)
        return None if at is None else self._reader.follow(at)

    def integer(self, number: int, code: str, default: int = 0) -> int:
        """An integer or Boolean; `code` is its `struct` letter."""
        at = self._field(number, _SIZES[code])
        return default if at is None else int(struct.unpack_from("<" + code, self._reader.data, at)[0])

    def has(self, number: int) -> bool:
        """Whether the field is there at all."""
        return self._field(number, 1) is not None

    def text(self, number: int) -> str:
        """A string; bytes that are not UTF-8 become replacement characters."""
        start, stop = self.span(number) or (0, 0)
        self._reader.spend(stop - start)
        return self._reader.data[start:stop].decode("utf-8", "replace")

    def span(self, number: int) -> tuple[int, int] | None:
        """Where the bytes of a string or byte vector begin and end, without reading them."""
        at = self._target(number)
        if at is None:
            return None
        start, count = self._reader.vector(at, 1)
        return start, start + count

    def numbers(self, number: int, code: str) -> tuple[int, ...]:
        """A vector of integers."""
        return self._scalars(number, code)

    def floats(self, number: int) -> tuple[float, ...]:
        """A vector of float32."""
        return self._scalars(number, "f")

    def _scalars(self, number: int, code: str) -> tuple[int, ...]:
        at = self._target(number)
        if at is None:
            return ()
        start, count = self._reader.vector(at, _SIZES[code])
        self._reader.spend(count * _SIZES[code])
        return struct.unpack_from(f"<{count}{code}", self._reader.data, start)

    def table(self, number: int) -> Table | None:
        """A table within this one."""
        at = self._target(number)
        return None if at is None else Table(self._reader, at)

    def tables(self, number: int) -> Iterator[Table]:
        """A vector of tables, one at a time."""
        at = self._target(number)
        if at is None:
            return
        start, count = self._reader.vector(at, 4)
        for index in range(count):
            yield Table(self._reader, self._reader.follow(start + 4 * index))
