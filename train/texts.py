"""What recipes over texts share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof import trees
from edgeproof.contract import Frontend
from train.data import Dataset, Split
from train.recipe import Settings

REFUSED: Mapping[str, str] = {
    "tflite:int16x8": "the converter keeps the table of token vectors in 16 bits, so most of the file is not in 8; "
    "use int8, or float16",
}


def words(settings: Settings) -> Frontend:
    """Input "tokens": so many words of a text, of a vocabulary so large."""
    step = {"op": "words", "vocabulary": settings["vocabulary"], "length": settings["length"]}
    return Frontend("tokens", "text", (step,))


def script(tensor: str, op: str, vocabulary: int, length: int, fill: str = "before") -> Frontend:
    """An input of so many tokens of a text, of a vocabulary of so many numbers.

    Args:
        op: what the tokens are, "characters", "words" or "pairs".
    """
    return Frontend(tensor, "text", ({"op": op, "vocabulary": vocabulary, "length": length, "fill": fill},))


def bag_of_words(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """1.0 where a logistic regression on weighted word counts, of as large a vocabulary, is right: (n,).

    Counts are weighted by inverse document frequency and rows have length 1 (Salton, Buckley 1988), its strength
    against over-fitting is chosen on the validation split.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    training, validation, test = (_sentences(split) for split in (dataset.train, dataset.validation, dataset.test))
    counts = TfidfVectorizer(max_features=settings["vocabulary"], token_pattern=r"(?u)\b\w+\b")
    rows = counts.fit_transform(training)
    held = counts.transform(validation)
    # Thousands of short steps: the threads of OpenMP and BLAS would wait for each other in each, on a busy machine
    # for minutes.
    with threadpool_limits(limits=1):
        fitted = [LogisticRegression(C=c, max_iter=1000).fit(rows, dataset.train.labels) for c in (0.3, 1, 3, 10, 30)]
    best = max(fitted, key=lambda model: float(model.score(held, dataset.validation.labels)))
    found = best.predict(counts.transform(test))
    return np.asarray(found == dataset.test.labels, np.float64)


def _sentences(split: Split) -> list[str]:
    """The texts of a split; of trees their words alone."""
    (samples,) = split.samples.values()
    return [trees.read(str(text)).text() if "tree" in split.samples else str(text) for text in samples]
