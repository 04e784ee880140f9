"""What recipes over sounds share: their frontend, and what labels of frames are told beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof import frontend
from edgeproof.contract import Frontend
from edgeproof.metrics import accuracy_a_step
from train import learned
from train.data import Dataset, Split

_MOST = 20_000  # frames that a linear discriminant is fitted to


def bands(*, whole: bool = False) -> Frontend:
    """Input "features": logarithms of 40 mel bands up to half the data set's rate, of 25 ms each 10 ms.

    Args:
        whole: a longer sound than the data set's is refused; else its middle is taken.
    """
    return Frontend(
        "features",
        "sound",
        (
            {"op": "samples", "rate": None, "length": None, **({"whole": True} if whole else {})},
            {"op": "log_mel", "rate": None, "window": 0.025, "hop": 0.010, "bands": 40, "low": 20.0},
            {"op": "scale", "factor": 1 / 3, "offset": 3.0},  # from -14 (silence) to -3 into about -1.6 to 2
        ),
    )


def frequent(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """Accuracy a step, (n,), if every frame were of the class that the most are of."""
    labels, counts = np.unique(_labels(dataset.train), return_counts=True)
    return np.asarray((_labels(dataset.test) == labels[np.argmax(counts)]).mean(axis=1), np.float64)


def single(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """Accuracy a step, (n,), of a linear discriminant on the mel bands of the middle frame alone."""
    return _discriminant(dataset, 0)


def spliced(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """The same on all the frames that the network sees of each label, five on either side."""
    return _discriminant(dataset, None)


def _discriminant(dataset: Dataset, beside: int | None) -> np.ndarray:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    how = learned.whole(bands(), dataset)

    def features(split: Split) -> np.ndarray:
        """(n, steps, numbers)."""
        heard = frontend.apply(how, split.samples["features"])
        wide = heard.shape[1] - _labels(split).shape[1] + 1  # frames to each label
        windows = np.lib.stride_tricks.sliding_window_view(heard, wide, axis=1)
        kept = windows if beside is None else windows[..., wide // 2 - beside : wide // 2 + beside + 1]
        return kept.reshape(*kept.shape[:2], -1)

    rows, labels = features(dataset.train), _labels(dataset.train).ravel()
    rows = rows.reshape(-1, rows.shape[-1])
    some = np.linspace(0, len(rows) - 1, min(len(rows), _MOST)).astype(np.int64)
    fitted = LinearDiscriminantAnalysis().fit(rows[some], labels[some])
    found = []
    for each in features(dataset.test):
        found.append(fitted.decision_function(each))
    return accuracy_a_step(np.array(found), np.searchsorted(fitted.classes_, _labels(dataset.test)))


def _labels(split: Split) -> np.ndarray:
    assert split.labels is not None
    return split.labels
