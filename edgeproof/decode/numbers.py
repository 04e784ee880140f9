"""Outputs that are numbers: of nothing in particular, the input again, or what comes next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeproof.contract import Decode
from edgeproof.decode.kind import Answer, Kind, first_input, no_words
from edgeproof.errors import Refused


def _nothing(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    return None


def _future(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, source: str
) -> np.ndarray | None:
    """The numbers that came, as the outputs have them: standardised."""
    if labels is None:
        return None
    if labels.shape != outputs.shape or labels.dtype.kind not in "biuf" or not np.isfinite(labels).all():
        raise Refused(
            f"labels: {source} must hold the numbers that are forecast, {outputs.shape[1:]} a sample.",
            received=f"{labels.dtype} of shape {labels.shape}, for {len(outputs)} samples",
            fix="give what came after each sample, step by step, in finite numbers",
        )
    return standardised(labels, decode)


def standardised(values: np.ndarray, decode: Decode) -> np.ndarray:
    """Numbers in their own units as outputs are: (values - mean) / deviation along the last axis."""
    if not decode.mean:
        return np.asarray(values, np.float64)
    return np.asarray((np.asarray(values, np.float64) - np.array(decode.mean)) / np.array(decode.deviation))


def own(values: np.ndarray, decode: Decode) -> np.ndarray:
    """Outputs in their own units."""
    if not decode.mean:
        return np.asarray(values)
    return np.asarray(np.asarray(values, np.float64) * np.array(decode.deviation) + np.array(decode.mean))


def _told(outputs: np.ndarray, decode: Decode, labels: Sequence[str]) -> Answer:
    return Answer(values=own(outputs, decode))


VALUES = Kind(_nothing, no_words)
RECONSTRUCT = Kind(first_input, no_words, "explained variance")
FORECAST = Kind(_future, _told, "explained variance", labelled=True)
