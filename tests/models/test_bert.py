"""BERT, small: parameters, that it looks both ways, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.bert import build_bert, build_student


def test_its_parameters_are_those_of_a_transformer_s_encoder() -> None:
    model = build_bert(length=6, vocabulary=11, units=8, blocks=3, heads=2, classes=3)
    block = 4 * (8 * 8 + 8) + (8 * 32 + 32) + (32 * 8 + 8) + 2 * 16
    assert model.count_params() == 11 * 8 + 6 * 8 + 3 * block + 16 + 8 * 3 + 3
    assert model.get_layer("encoded").output.shape == (None, 6, 8)


def test_a_student_is_a_small_one() -> None:
    model, large = build_student(), build_bert()
    block = 4 * (4 * 4 + 4) + (4 * 16 + 16) + (16 * 4 + 4) + 2 * 8
    assert model.count_params() == 64 * 4 + 24 * 4 + block + 8 + 4 * 2 + 2
    assert [t.shape for t in model.inputs + model.outputs] == [t.shape for t in large.inputs + large.outputs]


def test_the_first_token_s_answer_hangs_on_every_other() -> None:
    model = build_bert(length=6, vocabulary=11, units=8, heads=2)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    row = np.array([[0, 2, 3, 4, 5, 6]], np.int32)
    first = model.predict(row, verbose=0)
    for at in range(1, 6):
        other = row.copy()
        other[0, at] = 9
        assert np.abs(model.predict(other, verbose=0) - first).max() > 1e-4, at
    swapped = row[:, [0, 2, 1, 3, 4, 5]]
    assert np.abs(model.predict(swapped, verbose=0) - first).max() > 1e-4, "the order counts"


@pytest.mark.parametrize("wrong", [{"length": 1}, {"classes": 1}, {"blocks": 0}, {"units": 9}, {"heads": 0}])
def test_what_it_can_t_build_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="build_bert"):
        build_bert(**wrong)
