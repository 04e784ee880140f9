"""Long texts cut into stretches, to learn writing from: Python's own documentation, or tiny Shakespeare.

The embedded text is real: the reference manual as Python ships it (module pydoc_data.topics), each paragraph once, but
for drawn tables. The last tenth of a text is the test's, the twentieth before it validation's. Stretches to learn from
overlap by half.
"""

from __future__ import annotations

import ast
import importlib.util
import platform
import re
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, Split, embedded_only

LENGTH = 80  # characters
_TABLE = re.compile(r"^[|+]", re.MULTILINE)


def load(directory: Path | None = None) -> Dataset:
    """The embedded text.

    Raises:
        Refused: a folder is given, which would be passed over in silence; or Python came without its documentation.
    """
    embedded_only(directory, "the embedded text is Python's own documentation", "shakespeare")
    text = manual()
    return dataset(
        text,
        name="embedded",
        title=f"{len(text):,} characters of the reference manual that Python {platform.python_version()} ships",
        licence="PSF",
    )


def manual() -> str:
    """The paragraphs of the manual, each once and none of them part of a drawn table, read without running the file.

    Raises:
        Refused: there is no such file, or it holds no table of topics.
    """
    spec = importlib.util.find_spec("pydoc_data.topics")
    found = Path(spec.origin) if spec and spec.origin else None
    try:
        tree = ast.parse(found.read_bytes()) if found else ast.Module([], [])
        (topics,) = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    except (SyntaxError, ValueError, OSError) as error:
        raise Refused(
            "data: the embedded text is the documentation in Python's standard library (pydoc_data).",
            received=f"{found or 'no such module'}: {error}",
            fix="install Python whole, or pass --data shakespeare --data-dir DIR",
        ) from error
    paragraphs = dict.fromkeys(part.rstrip() for topic in topics.values() for part in topic.split("\n\n"))
    return "\n\n".join(part for part in paragraphs if part and not _TABLE.search(part)) + "\n"


def dataset(text: str, *, name: str, title: str, licence: str) -> Dataset:
    """A text's three parts in stretches.

    Raises:
        Refused: too short a text.
    """
    ends = (len(text) * 85 // 100, len(text) * 90 // 100, len(text))
    if ends[1] - ends[0] < 2 * LENGTH:
        raise Refused(
            f"data: a text to learn writing from must have {40 * LENGTH:,} characters or more.",
            received=f"{len(text):,}",
            fix="pass a longer one",
        )
    train, validation, test = (
        Split({"tokens": _stretches(text[start:end], step)})
        for start, end, step in zip((0, *ends), ends, (LENGTH // 2, LENGTH, LENGTH), strict=False)
    )
    return Dataset(name, title, licence, False, train, validation, test)


def _stretches(text: str, step: int) -> np.ndarray:
    return np.array([text[at : at + LENGTH] for at in range(0, len(text) - LENGTH + 1, step)])
