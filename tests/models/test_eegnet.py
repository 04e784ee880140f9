"""EEGNet and the Deep ConvNet: parameters by the papers' tables, and what their norms are bound to."""

from __future__ import annotations

import numpy as np
import pytest

from models.eegnet import build_eegnet


@pytest.mark.parametrize(("length", "channels", "kernel"), [(128, 4, 64), (160, 64, 40), (128, 64, 32)])
def test_eegnet_has_the_parameters_of_its_table(length: int, channels: int, kernel: int) -> None:
    """Lawhern et al. 2018, table 2, F1 = 8, D = 2, F2 = 16, N = 1."""
    model = build_eegnet(length=length, channels=channels, kernel=kernel)
    trainable = 8 * kernel + 2 * 8 + 16 * channels + 2 * 16 + 16 * 16 + 16 * 16 + 2 * 16 + 16 * (length // 32) + 1
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == trainable
    assert model.count_params() == trainable + 2 * (8 + 16 + 16)


@pytest.mark.parametrize(("channels", "flat"), [(4, 800), (64, 800)])
def test_the_deep_network_has_the_parameters_of_its_table(channels: int, flat: int) -> None:
    """Lawhern et al. 2018, table 3, N = 1."""
    model = build_eegnet(variant="deep", channels=channels)
    kernels = 5 * 25 + 25 + 25 * 25 * channels + 5 * (25 * 50 + 50 * 100 + 100 * 200)
    assert model.count_params() == kernels + 4 * (25 + 50 + 100 + 200) + flat + 1


@pytest.mark.parametrize(
    "arguments", [{"variant": "shallow"}, {"length": 31}, {"variant": "deep", "length": 75}, {"channels": 0}]
)
def test_what_can_t_be_built_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="build_eegnet"):
        build_eegnet(**arguments)  # type: ignore[arg-type]


def test_the_shortest_that_are_allowed_can_be_built() -> None:
    assert build_eegnet(length=32).output_shape == build_eegnet(variant="deep", length=76).output_shape == (None, 1)


def test_each_filter_over_electrodes_is_bound_to_length_one() -> None:
    layer = build_eegnet(channels=6).get_layer("space")
    kernel = np.random.default_rng(0).normal(0, 3, layer.kernel.shape)  # (1, electrodes, maps, filters a map)
    bound = np.asarray(layer.depthwise_constraint(kernel))
    length = np.linalg.norm(kernel, axis=(0, 1))
    assert length.min() > 1
    np.testing.assert_allclose(bound, kernel / length, rtol=1e-5)
