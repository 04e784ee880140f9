"""What recipes over EEG share: their frontend, and the linear discriminant that they are told beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof import frontend, metrics
from edgeproof.contract import Frontend
from train import learned
from train.data import Dataset, Split

LOW, HIGH, SECONDS = 1.0, 30.0, 1.0
_FARTHEST = 5.0


def windows() -> Frontend:
    """Input "series": the last time steps of the data set's electrodes, 1 to 30 Hz, at half their rate, standardised.

    Half a second on either side is what the filter takes. Values farther than five standard deviations from the mean,
    blinks and loose electrodes, are cut down to that: eight bits have to hold the others.
    """
    return Frontend(
        "series",
        "series",
        (
            {"op": "columns", "names": None, "length": None},
            {"op": "band_pass", "rate": None, "low": LOW, "high": HIGH, "seconds": SECONDS},
            {"op": "decimate", "factor": 2},
            {"op": "centre"},
            {"op": "standardise", "mean": None, "deviation": None},
            {"op": "clip", "low": -_FARTHEST, "high": _FARTHEST},
        ),
    )


def discriminant(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """Values of the area under the ROC curve, (n,), of a shrunken linear discriminant on means of eight time steps.

    Blankertz et al. 2011, "Single-trial analysis and classification of ERP components".
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    how = learned.whole(windows(), dataset)

    def features(split: Split) -> np.ndarray:
        series = frontend.apply(how, split.samples["series"])
        steps = series.shape[1] // 8 * 8
        return series[:, :steps].reshape(len(series), steps // 8, 8, -1).mean(axis=2).reshape(len(series), -1)

    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(
        features(dataset.train), dataset.train.labels
    )
    assert dataset.test.labels is not None
    return metrics.auc(fitted.decision_function(features(dataset.test)), dataset.test.labels)
