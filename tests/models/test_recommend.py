"""The recommenders: parameters, a forward pass in numpy, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.recommend import build_recommend


@pytest.mark.parametrize(
    ("variant", "parameters"), [("factors", 12 * 3 + 3 * 12 + 12), ("autoencoder", 12 * 3 + 3 + 48)]
)
def test_it_is_two_products_with_what_lies_between(variant: str, parameters: int) -> None:
    model = build_recommend(variant=variant, items=12, width=3)
    assert model.count_params() == parameters
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    history = rng.uniform(size=(5, 12)).astype(np.float32)
    p, *bias, q, b = [w.numpy() for w in model.weights]
    user = history @ p
    if variant == "autoencoder":
        user = 1 / (1 + np.exp(-(user + bias[0])))
    np.testing.assert_allclose(model.predict(history, verbose=0), user @ q + b, rtol=1e-4, atol=1e-5)
    assert model.get_layer("user").output.shape == (None, 3)


@pytest.mark.parametrize("wrong", [{"variant": "svd"}, {"items": 1}, {"width": 0}])
def test_what_it_can_t_build_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="build_recommend"):
        build_recommend(**wrong)
