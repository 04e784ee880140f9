"""English sentences and their Swedish translations by volunteers of tatoeba.org, as manythings.org gives them out.

https://www.manythings.org/anki, CC BY 2.0 FR. A row of `swe.txt` is an English sentence, a Swedish one and whom to
credit, with tabs between. The splits are fixed by the English sentence: ways to write the same words, with other
capitals and marks, are in one split, and so are all translations of a sentence.
"""

from __future__ import annotations

import unicodedata
import zlib
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import text
from train.data import Dataset, Split, skipping

FILE = "swe.txt"
LONGEST = 60  # characters of either sentence
_PARTS = {"train": range(8, 100), "validation": range(4), "test": range(4, 8)}  # hundredths of the English sentences


def load(directory: Path | None = None) -> Dataset:
    """Pairs of sentences of at most 60 characters: "tokens" in English, "written" in Swedish.

    Raises:
        Refused: no folder or file, bytes that are not UTF-8, or a row that is no pair.
    """
    path = directory / FILE if directory else None
    if path is None or not path.is_file():
        raise Refused(
            f"tatoeba: the folder must hold {FILE}.",
            received=str(path) if path else "no --data-dir",
            fix="pass the folder with --data-dir",
        )
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in _PARTS}
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        pair = _pair(line, f"{path}, line {number}")
        if pair and max(map(len, pair)) <= LONGEST:
            found[_part(pair[0])].append(pair)
    return Dataset(
        name="tatoeba",
        title=f"{sum(map(len, found.values())):,} English sentences of at most {LONGEST} characters and their Swedish "
        "translations, by volunteers of tatoeba.org; no English sentence is in two splits",
        licence="CC BY 2.0 FR",
        synthetic=False,
        **{name: _split(pairs) for name, pairs in found.items()},  # type: ignore[arg-type]
    )


def _pair(line: bytes, where: str) -> tuple[str, str] | None:
    if not line.strip():
        return None
    try:
        cells = unicodedata.normalize("NFC", line.decode("utf-8-sig")).split("\t")
    except UnicodeDecodeError as error:
        skipping.bad(
            "tatoeba: a row must be in UTF-8.",
            received=f"{where}: byte {line[error.start]:#04x}",
            fix="save the file as UTF-8",
        )
        return None
    english, swedish = (" ".join(cell.split()) for cell in (*cells, "", "")[:2])
    if not english or not swedish:
        skipping.bad(
            "tatoeba: a row must be an English and a Swedish sentence, with a tab between.",
            received=f"{where}: {line.decode('utf-8', 'replace')[:80]}",
            fix="delete the row",
        )
        return None
    return english, swedish


def _part(english: str) -> str:
    """The split that a sentence belongs to, by its words alone."""
    words = [word for word in text.split(english) if word[0].isalnum()]
    hundredth = zlib.crc32(" ".join(words).encode()) % 100
    return next(name for name, own in _PARTS.items() if hundredth in own)


def _split(pairs: list[tuple[str, str]]) -> Split:
    # The file is sorted by length; what is taken from the front of a split should be like the rest.
    order = np.random.default_rng(2022).permutation(len(pairs))
    english, swedish = (np.array([pairs[i][side] for i in order], np.str_) for side in (0, 1))
    return Split({"tokens": english, "written": swedish})
