"""Memory that this process gives back: what conversions leave behind, and what glibc would keep for later."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

# Blocks from this size are given back when they are freed. Left to itself glibc keeps ever larger ones for later, and a
# conversion that copies 350 MB of weights ten times in turn stays at 6 GB instead of 2.8.
_GIVEN_BACK = 4 << 20
_M_MMAP_THRESHOLD = -3
_SWEPT = 2 << 30  # resident bytes from which what is left behind is looked for, which takes 0.2 s
_STATM = Path("/proc/self/statm")


def settle() -> None:
    """From here on large blocks are given back when they are freed."""
    libc("mallopt", _M_MMAP_THRESHOLD, _GIVEN_BACK)


def sweep() -> None:
    """Give back what is left behind, if this process is large: graphs refer to themselves, and go when looked for."""
    if _resident() > _SWEPT:
        gc.collect()
        libc("malloc_trim", 0)


def libc(function: str, *arguments: int) -> None:
    """Call a function of the C library, where it has it."""
    with suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), function)(*arguments)


def _resident() -> int:
    """Bytes that this process holds; 0 without a /proc."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
