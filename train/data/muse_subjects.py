"""The Muse recordings split by subject: who is tested is recorded nowhere else."""

from __future__ import annotations

from pathlib import Path

from train.data import Dataset, muse


def load(directory: Path | None = None) -> Dataset:
    """Everybody but the first subject is tested; the last recording of the first is for validation.

    Raises:
        Refused: as `train.data.muse.dataset`.
    """

    def split(subject: str, left: int) -> str:
        return "test" if subject != "subject1" else "validation" if left < 1 else "train"

    return muse.dataset("muse_subjects", directory, split, "the test set's subject is in no other split")
