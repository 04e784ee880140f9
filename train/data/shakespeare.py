"""Tiny Shakespeare: a million characters of his plays (Karpathy 2015, char-rnn), in the public domain."""

from __future__ import annotations

from pathlib import Path

from edgeproof.errors import Refused
from train.data import Dataset, prose

FILE = "input.txt"


def load(directory: Path | None = None) -> Dataset:
    """The makers' file.

    Raises:
        Refused: no folder or file, or a file that is no text.
    """
    path = directory / FILE if directory else None
    if path is None or not path.is_file():
        raise Refused(
            f"shakespeare: the folder must hold {FILE}.",
            received=str(path) if path else "no --data-dir",
            fix="pass the folder with --data-dir",
        )
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise Refused(
            "shakespeare: the file must be in UTF-8.", received=f"{path}: offset {error.start}", fix="get it again"
        ) from error
    title = f"{len(text):,} characters of Shakespeare's plays"
    return prose.dataset(text, name="shakespeare", title=title, licence="public domain")
