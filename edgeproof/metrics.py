"""How good, how sure, how alike: the figures of cards, reports and `edgeproof eval`, in numpy."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeproof import ctc
from edgeproof.contract import Score
from edgeproof.errors import Refused

_Z95 = 1.959963984540054


def decisions(outputs: np.ndarray) -> np.ndarray:
    """The class of each row: (n, classes) -> (n,). Ties go to the lowest index, as on every runtime."""
    return np.asarray(np.argmax(outputs.reshape(len(outputs), -1), axis=1))


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1.0 where the decision is the label, else 0.0: (n,)."""
    return np.asarray(decisions(outputs) == labels, np.float64)


def accuracy_a_step(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Share of each sample's time steps whose decision is the label: (n, steps, classes), (n, steps) -> (n,)."""
    return np.asarray((np.argmax(outputs, axis=-1) == labels).mean(axis=-1), np.float64)


def compression(outputs: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """1 - bits / 8 a token, (n,): what a coder that knows the probabilities saves of eight bits (Shannon 1948).

    Args:
        outputs: logits of the token that follows each, (n, steps, tokens); those of the last step count for nothing.
        tokens: (n, steps) whole numbers.
    """
    logits, wanted = np.asarray(outputs[:, :-1], np.float64), np.asarray(tokens[:, 1:], np.int64)
    most = logits.max(axis=-1, keepdims=True)
    told = np.take_along_axis(logits - most, wanted[..., None], axis=-1)[..., 0]
    nats = np.log(np.exp(logits - most).sum(axis=-1)) - told
    return np.asarray(1.0 - nats.mean(axis=1) / math.log(2.0) / 8.0)


def exact_match(outputs: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """1.0 where every token of an answer is the likeliest one, its end among them, else 0.0: (n,).

    Each is judged behind the true ones before it; as long as all are right that is what a writer that always takes the
    likeliest meets, so that this is the share of answers that it writes to the letter.

    Args:
        outputs: logits of each token, (n, steps, tokens), 0 being the end and 1 the unknown, which is never written.
        tokens: (n, steps) whole numbers; what stands behind the first 0 counts for nothing.
    """
    return np.asarray(((written(outputs) == tokens) | behind_end(tokens)).all(axis=-1), np.float64)


def written(outputs: np.ndarray) -> np.ndarray:
    """The likeliest token at each step but the unknown, number 1; in the last, where there is room for no other, the
    end, 0: (n, steps, tokens) -> (n, steps)."""
    found = np.argmax(outputs, axis=-1)
    found[:, -1] = 0
    unknown = found == 1
    if unknown.any():
        rows = np.array(outputs[unknown])
        rows[:, 1] = -np.inf
        found[unknown] = np.argmax(rows, axis=-1)
    return np.asarray(found)


def behind_end(tokens: np.ndarray) -> np.ndarray:
    """Whether an end, 0, stands before: (n, steps)."""
    ended = np.cumsum(tokens == 0, axis=-1) > 0
    return np.asarray(np.concatenate([np.zeros_like(ended[:, :1]), ended[:, :-1]], axis=1))


def word_accuracy(outputs: np.ndarray, strings: np.ndarray) -> np.ndarray:
    """1 - edits / words, (n,): a sample's edits over the mean number of words, so that their mean is 1 less the word
    error rate over all words together. Below 0 where more is made up than was said.

    Args:
        outputs: (n, steps, classes), whose best path is taken (`edgeproof.ctc`).
        strings: (n, longest + 1) classes, each row filled up with the blank: at least its last one is it.
    """
    blank = int(strings[0, -1])
    said, found = spelled(strings, blank), spelled(ctc.best_path(outputs, blank), blank)
    edits = np.array([ctc.edits(a, b) for a, b in zip(said, found, strict=True)], np.float64)
    return np.asarray(1.0 - edits / max(float(np.mean([len(words) for words in said])), 1e-9))


def spelled(strings: np.ndarray, blank: int) -> list[list[int]]:
    """Rows filled up with the blank as lists without it."""
    return [[int(c) for c in row if c != blank] for row in strings]


def explained_variance(outputs: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """1 - ‖input - output‖² / mean ‖input - mean input‖², (n,); its mean is R² over all values together.

    0 is what the mean of these samples gives for every one, 1 the samples themselves.
    """
    x, y = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (inputs, outputs))
    spread = np.square(x - x.mean(axis=0)).sum(axis=1).mean()
    return np.asarray(1.0 - np.square(x - y).sum(axis=1) / (spread if spread > 0 else 1.0))


def auc(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Each sample's influence on the area under the ROC curve, (n,); their mean is the area, label 1 being positive.

    A positive sample's placement is the share of negative ones below it, ties half, and the other way round (DeLong,
    DeLong, Clarke-Pearson 1988); about the area it is stretched by n over the size of its class, so that the spread of
    the mean is the area's.

    Raises:
        Refused: samples of one class only, which have no such curve.
    """
    scores, positive = np.asarray(outputs, np.float64).reshape(len(outputs)), np.asarray(labels) == 1
    if positive.all() or not positive.any():
        raise Refused(
            "auc: the samples must be of both kinds.",
            received=f"{int(positive.sum())} of {len(positive)} are positive",
            fix="evaluate on samples of both",
        )
    up, down = np.sort(scores[~positive]), np.sort(scores[positive])

    def below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
        both = np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")
        return both / (2.0 * len(others))

    placements = np.empty(len(scores))
    placements[positive] = below(scores[positive], up)
    placements[~positive] = 1.0 - below(scores[~positive], down)
    area = placements[positive].mean()
    share = np.where(positive, positive.mean(), 1.0 - positive.mean())
    return np.asarray(area + (placements - area) / share)


def recall(outputs: np.ndarray, wanted: np.ndarray, *, top: int = 20) -> np.ndarray:
    """Share of the wanted items among the first `top`, of as many as can be there, (n,).

    Hits over min(top, wanted), as in Liang et al. 2018, "Variational autoencoders for collaborative filtering". Of
    equal scores the item with the lower index is first.

    Args:
        outputs: scores (n, items).
        wanted: (n, items): 1 wanted, 0 not, -1 not to be ranked at all. Each sample wants one item or more.
    """
    hits = _ranked(outputs, wanted, top) == 1
    return np.asarray(hits.sum(axis=1) / np.minimum(top, (wanted == 1).sum(axis=1)), np.float64)


def ndcg(outputs: np.ndarray, wanted: np.ndarray, *, top: int = 20) -> np.ndarray:
    """As `recall`, a hit at rank r counting 1 / log2(r + 1), over what the best order has (Järvelin, Kekäläinen 2002),
    (n,)."""
    hits = _ranked(outputs, wanted, top) == 1
    gains = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    best = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(hits.shape[1], (wanted == 1).sum(axis=1))]
    return np.asarray(hits @ gains / best, np.float64)


def _ranked(outputs: np.ndarray, wanted: np.ndarray, top: int) -> np.ndarray:
    """What `wanted` says of the items with the largest scores, (n, top)."""
    scores = np.where(wanted < 0, -np.inf, np.asarray(outputs, np.float64))
    return np.take_along_axis(wanted, np.argsort(-scores, axis=1, kind="stable")[:, :top], axis=1)


# name -> values a sample, whose mean is the score and is better when larger; from the decoded output and the truth,
# as `edgeproof.decode` finds it
METRICS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "accuracy": accuracy,
    "auc": auc,
    "accuracy a step": accuracy_a_step,
    "compression": compression,
    "exact match": exact_match,
    "word accuracy": word_accuracy,
    "explained variance": explained_variance,
    "recall@1": functools.partial(recall, top=1),
    "recall@20": recall,
    "ndcg@20": ndcg,
}


def wilson(successes: float, n: int, z: float = _Z95) -> tuple[float, float]:
    """95% interval of a proportion (Wilson 1927): honest near 0 and 1, where the normal one is not."""
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))  # p lies within, but for rounding


def score(metric: str, values: np.ndarray, *, data: str, split: str) -> Score:
    """The score that values a sample (n,) make, with its 95% interval."""
    return Score(metric, float(np.mean(values)), interval(values), len(values), data, split)


def interval(values: np.ndarray) -> tuple[float, float]:
    """95% interval of the mean of values a sample, (n,): Wilson's of a proportion, else the normal one, up to 1, which
    no metric here passes."""
    if np.isin(values, (0.0, 1.0)).all():
        return wilson(float(values.sum()), len(values))
    mean, error = float(values.mean()), float(values.std(ddof=1 if len(values) > 1 else 0)) / math.sqrt(len(values))
    return mean - _Z95 * error, min(1.0, mean + _Z95 * error)


def paired_bootstrap(
    before: np.ndarray, after: np.ndarray, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95% interval of mean(before - after) over samples drawn with replacement, pairs kept together.

    Args:
        before: value a sample of the checkpoint, (n,).
        after: value of the same samples from the artifact, (n,).
        resamples: number of draws.
        seed: fixed, so that a verdict does not change between runs.
    """
    difference = before - after
    rng = np.random.default_rng(seed)
    n = len(difference)
    # The mean of a draw needs only how often each distinct difference was drawn.
    values, counts = np.unique(difference, return_counts=True)
    draws = rng.multinomial(n, counts / n, size=resamples) @ values / n
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class Closeness:
    """Elementwise comparison of an artifact's outputs with the checkpoint's.

    Attributes:
        max_abs: largest |difference|.
        relative: `max_abs` over the largest |value| among the checkpoint's outputs.
        relative_l2: ‖difference‖ / ‖checkpoint‖ over all samples.
        cosine: smallest cosine between corresponding rows.
    """

    max_abs: float
    relative: float
    relative_l2: float
    cosine: float


def closeness(reference: np.ndarray, candidate: np.ndarray) -> Closeness:
    """Compare (n, ...) outputs. A value that is not finite in `candidate` only gives infinities."""
    a = reference.reshape(len(reference), -1).astype(np.float64)
    b = candidate.reshape(len(candidate), -1).astype(np.float64)
    if not np.isfinite(b).all():
        return Closeness(math.inf, math.inf, math.inf, -1.0)
    difference = np.abs(a - b)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    dots = np.einsum("ij,ij->i", a, b)
    same = ~difference.any(axis=1)
    cosine = np.where(norms > 0, dots / np.where(norms > 0, norms, 1.0), np.where(same, 1.0, 0.0))
    return Closeness(
        max_abs=float(difference.max()),
        relative=_ratio(float(difference.max()), float(np.abs(a).max())),
        relative_l2=_ratio(float(np.linalg.norm(a - b)), float(np.linalg.norm(a))),
        cosine=float(np.clip(cosine.min(), -1.0, 1.0)),
    )


def _ratio(part: float, whole: float) -> float:
    return 0.0 if part == 0 else (part / whole if whole > 0 else math.inf)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
