"""The graph of word vectors: parameters, a forward pass in numpy, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.word_vectors import build_word_vectors


def test_it_scores_every_word_by_the_fourth_term_of_an_analogy() -> None:
    model = build_word_vectors(words=7, width=3)
    assert model.count_params() == 9 * 3 + 3 * 7
    rng = np.random.default_rng(0)
    table, kernel = rng.normal(size=(9, 3)), rng.normal(size=(3, 7))
    model.set_weights([table, kernel])
    query = rng.integers(0, 9, (5, 3)).astype(np.int32)
    expected = (table[query[:, 1]] - table[query[:, 0]] + table[query[:, 2]]) @ kernel
    np.testing.assert_allclose(model.predict(query, verbose=0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"words": 3}, {"width": 0}])
def test_what_it_can_t_build_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="build_word_vectors"):
        build_word_vectors(**wrong)
