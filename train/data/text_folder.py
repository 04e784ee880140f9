"""A folder of texts, one folder a class: DIR/train/NAME/*.txt, DIR/test/NAME/*.txt and, if there is, DIR/validation.

The layout of the usual collections of reviews and articles, such as aclImdb's train/pos, train/neg, test/pos, test/neg.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeproof.frontend import files
from train.data import Dataset, folder

LONGEST = 2000  # characters of a text that are kept: the beginning


def load(directory: Path | None = None) -> Dataset:
    """Texts in UTF-8, each on one line, their beginnings.

    Raises:
        Refused: as `train.data.folder.read`.
    """
    return folder.read(directory, folder.Kind("text", ".txt", "tokens", _read))


def _read(path: Path) -> np.ndarray:
    return np.array(" ".join(str(files.read_text(path)).split())[:LONGEST])
