"""Scores that are no share of samples, against scikit-learn; what is decided, and against what it is scored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score, roc_auc_score

from edgeproof import metrics
from edgeproof.contract import Contract, Decode, Frontend, Graph, Score, Tensor
from edgeproof.decode import decided, truth
from edgeproof.errors import Refused

DETECT = Decode("detect", "error", threshold=0.5)


@given(
    scores=st.lists(st.integers(0, 9), min_size=2, max_size=40), positive=st.integers(1, 39), seed=st.integers(0, 99)
)
def test_the_area_is_that_of_scikit_learn_ties_and_all(scores: list[int], positive: int, seed: int) -> None:
    labels = np.zeros(len(scores), int)
    labels[: min(positive, len(scores) - 1)] = 1
    labels = np.random.default_rng(seed).permutation(labels)
    values = metrics.auc(np.array(scores, float)[:, None], labels)
    assert len(values) == len(scores)
    np.testing.assert_allclose(values.mean(), roc_auc_score(labels, scores))


def test_the_spread_of_influences_is_that_of_the_area() -> None:
    """Against the areas of many samples drawn anew, with classes of very different sizes."""
    rng = np.random.default_rng(0)

    def drawn() -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat([0, 1], [400, 40])
        return rng.normal(labels, 1.0), labels

    areas = [roc_auc_score(labels, scores) for scores, labels in (drawn() for _ in range(400))]
    widths = []
    for _ in range(50):
        low, high = metrics.interval(metrics.auc(*drawn()))
        widths.append((high - low) / (2 * 1.96))
    assert 0.85 < np.mean(widths) / np.std(areas) < 1.15


def test_one_class_has_no_curve() -> None:
    with pytest.raises(Refused, match="both kinds"):
        metrics.auc(np.arange(4.0), np.ones(4, int))


@given(n=st.integers(2, 20), width=st.integers(1, 6), seed=st.integers(0, 99))
def test_explained_variance_is_r2_over_all_values(n: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, width)), rng.normal(size=(n, width))
    expected = r2_score(x, y, multioutput="variance_weighted")
    np.testing.assert_allclose(metrics.explained_variance(y, x).mean(), expected, rtol=1e-9)


def test_explained_variance_has_its_ends() -> None:
    x = np.random.default_rng(0).normal(size=(9, 2, 2, 1))
    assert metrics.explained_variance(x, x).tolist() == [1.0] * 9
    mean = np.broadcast_to(x.mean(axis=0), x.shape)
    np.testing.assert_allclose(metrics.explained_variance(mean, x).mean(), 0, atol=1e-12)
    constant = np.ones((3, 2))
    assert metrics.explained_variance(constant, constant).tolist() == [1.0] * 3


def test_intervals_end_at_one() -> None:
    low, high = metrics.interval(np.array([1.0, 0.99, 1.2, 0.98]))
    assert low < high == 1.0


def test_above_the_threshold_the_second_label_holds() -> None:
    found = decided(np.array([[0.4], [0.5], [0.6]]), DETECT)
    assert found is not None
    assert found.tolist() == [0, 0, 1]
    assert decided(np.zeros((2, 3)), Decode("reconstruct", "x")) is None


def test_what_is_scored_against_what() -> None:
    labels, inputs, outputs = np.array([0, 1]), [np.zeros((2, 3))], np.zeros((2, 1))
    assert truth(Decode("reconstruct", "y"), None, inputs, outputs, source="s") is inputs[0]
    assert truth(Decode(), labels, inputs, outputs, source="s") is None
    assert truth(DETECT, None, inputs, outputs, source="s") is None
    found = truth(DETECT, labels, inputs, outputs, source="s")
    assert found is not None
    assert found.tolist() == [0, 1]
    with pytest.raises(Refused, match="from 0 to 1"):
        truth(DETECT, np.array([0, 2]), inputs, outputs, source="s")


# --- a part's contract ---


def whole() -> Contract:
    x, z, y, e = (Tensor(name, (None, width)) for name, width in (("x", 4), ("z", 2), ("y", 4), ("e", 1)))
    graphs = (Graph("main", (x,), (y, e)), Graph("encoder", (x,), (z,)), Graph("decoder", (z,), (y,)),
              Graph("score", (x,), (e,)))  # fmt: skip
    score = Score("explained variance", 0.9, (0.8, 1.0), 10, "d", "test")
    return Contract("model", graphs, "", (Frontend("x"),), Decode("reconstruct", "y"), ("a", "b"), score)


def test_a_part_says_what_is_so_of_it_alone() -> None:
    main, encoder, decoder = (whole().of(name) for name in ("main", "encoder", "decoder"))
    assert main == whole()
    assert [graph.name for graph in encoder.graphs] == ["encoder", "main", "decoder", "score"]
    assert (encoder.decode, encoder.labels, encoder.score) == (Decode(), (), None)
    assert encoder.frontends == (Frontend("x"),)
    # It has the output, but not what that is to be like.
    assert (decoder.decode, decoder.score, decoder.frontends) == (Decode(), None, ())


def test_a_detector_s_part_with_the_error_still_detects() -> None:
    import dataclasses

    detector = dataclasses.replace(whole(), decode=Decode("detect", "e", threshold=0.25))
    assert detector.of("score").decode == detector.decode
    assert detector.of("score").labels == ("a", "b")
    assert detector.of("encoder").decode == Decode()
    assert Contract.from_json(detector.to_json()) == detector
    assert "threshold" in detector.to_json()
    assert "threshold" not in whole().to_json(), "older readers take what they know"
