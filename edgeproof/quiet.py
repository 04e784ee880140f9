"""Greetings that C++ libraries print when they load, kept from people who did not ask."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def without(*beginnings: bytes) -> Iterator[None]:
    """Hold back what is written to standard error meanwhile, and pass it on afterwards less lines that begin so.

    It works on the file descriptor, which is what C++ writes to. For moments of loading only: what is held back is
    lost if the process dies within.
    """
    with ExitStack() as stack:
        try:
            kept, held = os.dup(2), stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # standard error is closed, or no disk can be written: then greetings are seen
            yield
            return
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not line.startswith(beginnings)))
