"""A child process with all that it starts: what they take together, and their common end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_MARK = "EDGEPROOF_FAMILY"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROUNDS = 20  # of killing what was forked while the others were killed


def marked() -> dict[str, str]:
    """An environment variable by which processes are known as one family, whoever starts them."""
    return {_MARK: os.urandom(16).hex()}


def resident(session: int) -> int:
    """Bytes of memory that the processes of a session hold; pages that they share count in each. 0 without a /proc."""
    total = 0
    for _, fields in _processes():
        if int(fields[3]) == session:
            total += int(fields[21]) * _PAGE
    return total


def end(session: int, mark: str) -> None:
    """Kill the processes of a session, and those that left it but carry its mark."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    wanted = f"{_MARK}={mark}".encode()
    for _ in range(_ROUNDS):
        found = False
        for pid, fields in _processes():
            if fields[0] in "ZX" or pid == os.getpid():
                continue
            if int(fields[3]) == session or _carries(pid, wanted):
                found = True
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.005)


def mark_of(environment: dict[str, str]) -> str:
    """The family's mark in an environment."""
    return environment[_MARK]


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Every process with the fields of its `stat` from its state on: state, parent, group, session, ..."""
    if not _PROC.is_dir():
        return
    for name in os.listdir(_PROC):
        if name.isdigit():
            with suppress(OSError, IndexError):  # it ended meanwhile
                yield int(name), (_PROC / name / "stat").read_text().rpartition(")")[2].split()


def _carries(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # another user's, or ended
        return False
