"""What recipes over series share: their frontend, and what forecasts are told beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof.contract import Frontend
from edgeproof.metrics import explained_variance
from train.data import Dataset, Split

_STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)


def columns(length: int) -> Frontend:
    """Input "series": the last time steps of the data set's columns, standardised as the training split is."""
    steps = ({"op": "columns", "names": None, "length": length}, {"op": "standardise", "mean": None, "deviation": None})
    return Frontend("series", "series", steps)


def season_before(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """The explained variance of each test sample, (n,), if the last season came again."""
    given, wanted = _parts(dataset, dataset.test)
    return explained_variance(given[:, -settings["horizon"] :], wanted)


def linear(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """The same of a linear function of all that is seen, its penalty chosen on the validation split."""
    from sklearn.linear_model import Ridge

    (given, wanted), (held, right), (unseen, truth) = (
        _parts(dataset, split) for split in (dataset.train, dataset.validation, dataset.test)
    )

    def flat(values: np.ndarray) -> np.ndarray:
        return values.reshape(len(values), -1)

    fitted = [Ridge(alpha=strength).fit(flat(given), flat(wanted)) for strength in _STRENGTHS]

    def forecast(model: Ridge, values: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(flat(values))).reshape(len(values), *wanted.shape[1:])

    best = min(fitted, key=lambda model: float(np.square(forecast(model, held) - right).mean()))
    return explained_variance(forecast(best, unseen), truth)


def _parts(dataset: Dataset, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """What is seen and what comes, in the training split's standard units."""
    (name,) = split.samples
    rows = dataset.train.samples[name].reshape(-1, split.samples[name].shape[-1]).astype(np.float64)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    assert split.labels is not None
    return (split.samples[name] - mean) / deviation, (split.labels - mean) / deviation
