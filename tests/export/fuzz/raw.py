"""Damage to bytes that knows no format: what disks, networks and hex editors do."""

from __future__ import annotations

import random
import struct

_LENGTHS = (0, 1, 4, 0x7F, 0x80, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)
_LONG = (0, 1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def change(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """`data` with bits flipped, runs of bytes replaced, repeated, lost, cut off, spliced with `other`."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16, 64))):
        if not changed:
            break
        # Structure lies at the ends of files as a rule, and weights between them.
        near = rng.random() < 0.5
        at = rng.randrange(min(len(changed), 4096)) if near else rng.randrange(len(changed))
        if near and rng.random() < 0.5:
            at = len(changed) - 1 - at
        match rng.randrange(11):
            case 0 | 1 | 2:
                changed[at] ^= 1 << rng.randrange(8)
            case 3:
                changed[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 4:
                run = rng.choice((2, 8, 64, 512))
                changed[at : at + run] = rng.choice((b"\0", b"\xff", rng.randbytes(1))) * run
            case 5:
                changed[at : at + 4] = struct.pack(rng.choice("<>") + "I", rng.choice(_LENGTHS))
            case 6:
                changed[at : at + 8] = struct.pack(rng.choice("<>") + "Q", rng.choice(_LONG))
            case 7:
                changed[at:at] = changed[at : at + rng.choice((1, 4, 64, 4096))]
            case 8:
                del changed[at : at + rng.choice((1, 4, 64, 4096))]
            case 9 if rng.random() < 0.3:
                del changed[at:]
            case 10 if other:
                start = rng.randrange(len(other))
                run = rng.choice((4, 64, 1024, len(other)))
                changed[at : at + run] = other[start : start + run]
    return bytes(changed)
