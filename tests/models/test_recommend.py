"""The recommenders: parameters, a forward pass in numpy, what is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.layers import ItemTable
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


def test_neumf_scores_every_item_as_the_paper_does_one_user_and_one_item() -> None:
    """He et al. 2017, equations 8 to 12: two vectors of each user and item, one output over both halves, joined."""
    rng = np.random.default_rng(0)
    items, factors, embedded, hidden = 7, 3, 4, (6, 5)
    p_g, p_m = rng.normal(size=(items, factors)), rng.normal(size=(items, embedded))  # of a user who liked that alone
    q_g, q_m = rng.normal(size=(items, factors)), rng.normal(size=(items, embedded))
    w1, b1 = rng.normal(size=(2 * embedded, hidden[0])), rng.normal(size=hidden[0])
    w2, b2 = rng.normal(size=hidden), rng.normal(size=hidden[1])
    h, bias = rng.normal(size=factors + hidden[1]), rng.normal()
    expected = np.empty((items, items))
    for u, i in np.ndindex(items, items):
        z = np.maximum(np.concatenate([p_m[u], q_m[i]]) @ w1 + b1, 0)
        z = np.maximum(z @ w2 + b2, 0)
        expected[u, i] = np.concatenate([p_g[u] * q_g[i], z]) @ h + bias

    model = build_recommend(variant="neumf", items=items, width=factors + embedded, hidden=hidden)
    count = items * 7 + (7 + 1) * items + 7 * 6 + items * 6 + (6 + 1) * 5 + 5
    assert model.count_params() == count
    nothing = np.zeros
    weights = {
        "user": [np.hstack([p_g, p_m])],
        "products": [np.vstack([(q_g * h[:factors]).T, nothing((embedded, items))]), np.full(items, bias)],
        "dense1": [np.vstack([nothing((factors, hidden[0])), w1[:embedded]])],
        "items": [q_m @ w1[embedded:] + b1],
        "dense2": [w2, b2],
        "added": [h[factors:, None]],
    }
    assert set(weights) == {layer.name for layer in model.layers if layer.weights}
    for name, values in weights.items():
        model.get_layer(name).set_weights(values)
    np.testing.assert_allclose(model.predict(np.eye(items), verbose=0), expected, rtol=1e-4, atol=1e-5)
    assert model.get_layer("user").output.shape == (None, factors + embedded)


def test_an_item_table_comes_back_from_its_configuration() -> None:
    layer = ItemTable(3)
    assert layer(np.ones((2, 4), np.float32)).shape == (2, 3, 4)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, ItemTable)
    assert again.compute_output_shape((None, 4)) == (None, 3, 4)
    with pytest.raises(ValueError, match="ItemTable"):
        ItemTable(0)


@pytest.mark.parametrize("wrong", [{"variant": "svd"}, {"items": 1}, {"width": 0}, {"hidden": ()}, {"hidden": (4, 0)}])
def test_what_it_can_t_build_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="build_recommend"):
        build_recommend(**wrong)
