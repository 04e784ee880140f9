"""The one way in which Edgeproof says no: the rule, what was received, the fix."""

from __future__ import annotations

from collections.abc import Iterable


class Refused(ValueError):
    """A request or a file that breaks a rule; the command line ends with exit status 2.

    Args:
        rule: what must hold, in one sentence that names the stage.
        received: what was found instead.
        fix: what the reader can do about it.
    """

    def __init__(self, rule: str, *, received: str, fix: str) -> None:
        self.rule, self.received, self.fix = rule, received, fix
        super().__init__(f"{rule}\n  received: {received}\n  fix: {fix}")


class Unwritable(Refused):
    """The disk is full, or the folder can't be written: nothing further in the request can succeed."""


class NewerContract(Refused):
    """The contract was written by a newer Edgeproof than the one that reads it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`, as a phrase for a fix: `did you mean "int8"? known: ...`."""
    import difflib  # costs as much to import as the rest of this package, and is seldom needed

    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    listing = "known: " + ", ".join(known)
    return f'did you mean "{close[0]}"? {listing}' if close else listing
