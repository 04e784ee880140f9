"""How much time and memory a child process may take."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from edgeproof.errors import Refused

_SHARE = 0.75  # of the machine's memory: the rest is the parent's, the page cache's and other people's
_LEAST_BYTES = 1 << 30  # TensorFlow takes half of it before it has seen a model
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_ENDLESS = 1 << 60  # what control groups say when they have no limit
_CGROUPS = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Limits:
    """What one call may take.

    Attributes:
        seconds: of wall-clock time.
        bytes: of resident memory, of the child and its own children together; 0: a share of the machine's. Watched
            where there is a /proc.
    """

    seconds: float = 900.0
    bytes: int = 0

    @property
    def memory(self) -> int:
        """Bytes, 0 where neither the limit nor the machine's memory is known."""
        return self.bytes or int(machine_memory() * _SHARE)

    def within(self, seconds: float) -> Limits:
        """The same with no more than this time."""
        return replace(self, seconds=min(self.seconds, seconds))


DEFAULT = Limits()


@cache
def machine_memory(root: Path = Path("/")) -> int:
    """Bytes of memory that this process may ever have: the machine's, or its container's; 0 where that is unknown."""
    known = []
    try:
        found = re.search(r"^MemTotal:\s+(\d+) kB", (root / "proc/meminfo").read_text(), re.MULTILINE)
        known += [int(found[1]) << 10] if found else []
    except OSError:
        return 0
    for name in _CGROUPS:
        try:
            text = (root / name).read_text().strip()
        except OSError:
            continue
        known += [int(text)] if text.isdigit() and 0 < int(text) < _ENDLESS else []
    return min(known, default=0)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that limit child processes, the same for every command that has some."""
    group = parser.add_argument_group("limits of one conversion or run, each in a process of its own")
    group.add_argument(
        "--memory-limit", metavar="SIZE", help=f"such as 4G (default: {_SHARE:.0%} of the machine's)".replace("%", "%%")
    )
    group.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help=f"(default: {DEFAULT.seconds:g})"
    )  # fmt: skip


def given(args: argparse.Namespace) -> Limits:
    """The limits that a command line asks for.

    Raises:
        Refused: a size or time that can't be meant.
    """
    limits = DEFAULT
    if args.time_limit is not None:
        if not 1 <= args.time_limit < float("inf"):
            raise Refused(
                "limits: --time-limit is in seconds, at least 1.",
                received=f"{args.time_limit:g}",
                fix=f"--time-limit {limits.seconds:g}",
            )
        limits = replace(limits, seconds=args.time_limit)
    if args.memory_limit is not None:
        limits = replace(limits, bytes=_size(args.memory_limit))
    return limits


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE | re.ASCII)
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found and len(text) < 20 else 0
    if size < _LEAST_BYTES:
        raise Refused(
            "limits: --memory-limit is a size of at least 1G; TensorFlow alone takes half of that.",
            received=text[:80],
            fix="--memory-limit 4G",
        )
    return size
