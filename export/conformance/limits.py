"""What the formats can't do, why, and what to write instead: known limits by the words in which they show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from export.verdict import Result


@dataclass(frozen=True)
class Limit:
    """A limit of a format, its converter or its kernels.

    Attributes:
        formats: as in "tflite:int8", shell patterns.
        shows: regular expression over the reason and the log of the result.
        reason, rewrite: for people.
        cases: names of cases, shell patterns; for a limit of accuracy, which shows in no words.
    """

    formats: tuple[str, ...]
    shows: str
    reason: str
    rewrite: str
    cases: tuple[str, ...] = ("*",)


LIMITS: tuple[Limit, ...] = ()


def explain(case: str, result: Result) -> tuple[str, str] | None:
    """(reason, rewrite) of the first limit that a result shows, None where none is known."""
    from fnmatch import fnmatch

    form, said = f"{result.format}:{result.asked}", f"{result.reason}\n{result.log}"
    for limit in LIMITS:
        if (
            any(fnmatch(form, pattern) for pattern in limit.formats)
            and any(fnmatch(case, pattern) for pattern in limit.cases)
            and (found := re.search(limit.shows, said, re.DOTALL))
        ):
            named: Mapping[str, str] = {k: v or "" for k, v in found.groupdict().items()}
            return limit.reason.format(**named), limit.rewrite
    return None
