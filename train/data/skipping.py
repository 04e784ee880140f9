"""Rows of real files that are not what they should be: refused, or passed over and listed where the user says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from edgeproof.errors import Refused

_SKIPPED: ContextVar[list[str] | None] = ContextVar("_SKIPPED", default=None)


def bad(rule: str, *, received: str, fix: str) -> None:
    """A reader has met a row, or a file of many, that breaks a rule; it goes on without it if this returns.

    Raises:
        Refused: unless `skipping` is on.
    """
    skipped = _SKIPPED.get()
    if skipped is None:
        raise Refused(rule, received=received, fix=f"{fix}; or pass it over with --skip-bad")
    skipped.append(received)


@contextmanager
def skipping(on: bool) -> Iterator[list[str]]:
    """What is bad in here is passed over, if `on`, and listed in what this gives."""
    skipped: list[str] = []
    token = _SKIPPED.set(skipped if on else None)
    try:
        yield skipped
    finally:
        _SKIPPED.reset(token)
