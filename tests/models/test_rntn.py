"""The recursive neural tensor network against the paper's equations in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from edgeproof import trees
from edgeproof.frontend.tree import tree as operation
from models.layers import NeuralTensor
from models.rntn import build_rntn

SAID = ["(0 (1 (2 a) (2 b)) (3 (2 c) (3 (2 a) (2 d))))", "(2 a)"]


def test_the_cell_is_the_paper_s_equation() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    cell = NeuralTensor()
    found = np.asarray(cell([left, right]))
    pair = np.concatenate([left, right], -1)
    slices = np.asarray(cell.tensor).reshape(8, 4, 8)
    wanted = np.einsum("bni,ikj,bnj->bnk", pair, slices, pair) + pair @ np.asarray(cell.matrix)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_network_reads_along_the_tree_and_has_the_paper_s_parameters() -> None:
    model = build_rntn(length=6, levels=4, vocabulary=9, width=3, classes=5)
    assert model.count_params() == 9 * 3 + 3 * 6 * 6 + 6 * 3 + 3 + 3 * 5 + 5 + 3 + 1
    words = list("abcd")
    logits, phrases, _ = model.predict(operation(np.array(SAID), vocabulary=words, length=6, levels=4), verbose=0)
    table = np.asarray(model.get_layer("words").embeddings)
    kernel, bias = (np.asarray(w) for w in model.get_layer("phrases").weights)
    cell = model.get_layer("join")
    for at, said in enumerate(SAID):
        tree = trees.read(said)
        vectors = [np.tanh(table[2 + words.index(word)]) for word in tree.words]
        for left, right in tree.pairs:
            pair = [vectors[left][None, None], vectors[right][None, None]]
            vectors.append(np.tanh(np.asarray(cell(pair)))[0, 0])
        np.testing.assert_allclose(logits[at], vectors[-1] @ kernel + bias, atol=1e-5)
        np.testing.assert_allclose(phrases[at, 0], vectors[0] @ kernel + bias, atol=1e-5)


def test_sizes_that_no_tree_has_are_refused() -> None:
    with pytest.raises(ValueError, match="levels 1 or more"):
        build_rntn(levels=0)
