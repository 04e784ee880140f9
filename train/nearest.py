"""What was answered to the training sample most like another: an answer without a network."""

from __future__ import annotations

import numpy as np

_TOGETHER = 500  # samples whose likeness to all of training is worked out at a time


def copied(known: np.ndarray, answers: np.ndarray, given: np.ndarray) -> list[str]:
    """For each text the answer to the known text nearest to it; of equally near ones that which comes first.

    Nearness is the cosine between counts of character n-grams, one to four characters within words, logarithmic and
    weighted by inverse document frequency (Salton, Buckley 1988).

    Args:
        known, answers: (n,) texts.
        given: (m,) texts.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    counts = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    rows = counts.fit_transform(known)
    found: list[str] = []
    for start in range(0, len(given), _TOGETHER):
        alike = (counts.transform(given[start : start + _TOGETHER]) @ rows.T).toarray()
        found += [str(answers[i]) for i in alike.argmax(axis=1)]
    return found
