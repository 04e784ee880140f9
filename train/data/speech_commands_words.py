"""Every word of a folder in Speech Commands' layout a class, however many there are: `--set classes=35`."""

from __future__ import annotations

from pathlib import Path

from train.data import Dataset, speech_commands


def load(directory: Path | None = None) -> Dataset:
    """As `train.data.speech_commands`, without a class for other words or for noise.

    Raises:
        Refused: as there.
    """
    return speech_commands.words("speech_commands_words", directory)
