"""The chorales by Bach in the package music21, where that is installed: its files are read, nothing of it is run.

Scores in four parts, soprano, alto, tenor and bass, on a grid of eighth notes. Splits are by file, in an order that
the files' names decide; of pieces that are there twice one is taken. A melody may be harmonised in several of them.
"""

from __future__ import annotations

import hashlib
import importlib.util
from importlib.metadata import version
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from train.data import Dataset, chorales, embedded_only, musicxml

GRID = 2
VOICES = ("soprano", "alto", "tenor", "bass")
FEWEST = 100  # scores, else it is not the corpus


def load(directory: Path | None = None) -> Dataset:
    """The corpus.

    Raises:
        Refused: a folder is given, which would be passed over in silence; music21 or its corpus is not there.
    """
    embedded_only(directory, "these chorales come from the package music21", "chorales")
    spec = importlib.util.find_spec("music21")
    root = Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
    files = sorted((root / "corpus" / "bach").glob("*.mxl")) if root else []
    pieces = {path.name: notes for path in files if (notes := four_voices(path)) is not None}
    if len(pieces) < FEWEST:
        raise Refused(
            "data: these chorales come from the package music21, with its corpus.",
            received="it is not installed" if root is None else f"{len(pieces)} chorales in {root}",
            fix="pip install music21, or leave --data out",
        )
    order = sorted(pieces, key=lambda name: hashlib.sha256(name.encode()).digest())
    distinct = {pieces[name].tobytes(): name for name in reversed(order)}
    kept = {name: pieces[name] for name in order if name in set(distinct.values())}
    return chorales.dataset(
        chorales.shared(kept),
        GRID,
        name="music21",
        title=f"chorales by J. S. Bach from the corpus of music21 {version('music21')}",
        licence="as the corpus of music21 (BSD-3) has them, by permission of their encoders",
    )


def four_voices(path: Path) -> np.ndarray | None:
    """The four voices of a score, (time, 4) int8; None where it has others."""
    parts = {name.lower(): notes for name, notes in musicxml.read(path, grid=GRID).items()}
    if not set(VOICES) <= set(parts):
        return None
    length = min(len(parts[voice]) for voice in VOICES)
    return np.stack([parts[voice][:length] for voice in VOICES], axis=1)
