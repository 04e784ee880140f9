"""Word vectors by counting, which those that are trained stand beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof import metrics
from edgeproof.frontend import text
from train import skip_grams
from train.data import Dataset


def answered(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """1.0 where vectors by counting, of the same width from the same text and window, answer a test question right."""
    assert dataset.text is not None
    assert dataset.test.labels is not None
    place = {word: i for i, word in enumerate(dataset.labels)}
    rows = [[place[word] for word in text.split(str(line)) if word in place] for line in dataset.text]
    met = skip_grams.pairs(skip_grams.Tokens.of(rows), settings["window"], np.random.default_rng(settings["seed"]))
    unit = vectors(met, len(place), settings["width"])
    (queries,) = dataset.test.samples.values()
    asked = np.array([[place[word] for word in str(query).split()] for query in queries])
    a, b, c = (unit[asked[:, i]] for i in range(3))
    return metrics.recall((b - a + c) @ unit.T, dataset.test.labels, top=1)


def vectors(met: np.ndarray, words: int, width: int) -> np.ndarray:
    """Positive pointwise mutual information of words and contexts, its largest singular vectors times the roots of
    their values (Levy, Goldberg, Dagan 2015, "Improving distributional similarity with lessons learned from word
    embeddings", sections 2.1 and 3.3), as rows of length 1, (words, width)."""
    counts = np.zeros((words, words))
    np.add.at(counts, (met[:, 0], met[:, 1]), 1.0)
    each = counts.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        told = np.log(counts * counts.sum() / (each * each.T))
    left, values, _ = np.linalg.svd(np.where(counts > 0, np.maximum(told, 0.0), 0.0))
    rows = left[:, :width] * np.sqrt(values[:width])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
