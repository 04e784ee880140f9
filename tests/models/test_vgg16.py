"""VGG16: exact counts, and weights that go over to and from the one of keras.applications."""

from __future__ import annotations

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from models.vgg16 import CONVOLUTIONS, SIZES, build_vgg16

RNG = np.random.default_rng(0)


def by_hand(size: str, classes: int, top: bool = True) -> int:
    """Simonyan and Zisserman 2015, table 1, configuration D: kernels and biases, and four numbers a normalized map."""
    given = SIZES[size]
    total, before = 0, 3
    for maps, convolutions in zip(given.maps, CONVOLUTIONS, strict=True):
        for _ in range(convolutions):
            total += 9 * before * maps + maps + 4 * maps * given.norm
            before = maps
    wide = (given.side // 32) ** 2 * before
    dense = wide * given.units + given.units + given.units**2 + given.units + given.units * classes + classes
    return total + dense * top


def named(model: keras.Model) -> list[tuple[str, tuple[int, ...]]]:
    return [(weight.path, tuple(weight.shape)) for weight in model.weights]


def test_the_published_count() -> None:
    assert by_hand("full", 1000) == 138_357_544
    assert by_hand("full", 1000, top=False) == 14_714_688  # as keras.applications tells of its own


def test_the_small_one_has_the_published_layers() -> None:
    model = build_vgg16()
    assert model.count_params() == by_hand("small", 10) == 258_802
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == 13
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    assert [model.get_layer(f"block{b}_pool").output.shape[1] for b in range(1, 6)] == [16, 8, 4, 2, 1]


@pytest.mark.all
def test_weights_go_over_to_keras_applications_and_back(tmp_path: Path) -> None:
    """Without the dense layers, which hold nine tenths of the weights; through files in both directions."""
    ours = build_vgg16(size="full", top=False)
    theirs = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
    assert named(ours) == named(theirs)
    # Theirs takes any size where it has no dense layers; ours is run on it through its own layers.
    small = keras.Input((64, 64, 3))
    x = small
    for layer in ours.layers[1:]:
        x = layer(x)
    same = keras.Model(small, x)
    pictures = RNG.normal(size=(2, 64, 64, 3)).astype(np.float32)

    def alike() -> bool:
        one, other = np.asarray(same(pictures)), np.asarray(theirs(pictures))
        return bool(np.allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max()))

    assert not alike()
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert alike()
    ours.set_weights([w + 0.001 for w in ours.get_weights()])
    with h5py.File(tmp_path / "legacy.h5", "w") as file:  # the format of the files that they publish
        legacy_h5_format.save_weights_to_hdf5_group(file, theirs)
    assert not alike()
    ours.load_weights(tmp_path / "legacy.h5")
    assert alike()
    ours.set_weights([w + 0.001 for w in ours.get_weights()])
    theirs.set_weights(ours.get_weights())
    assert alike()


@pytest.mark.all
def test_the_published_network_has_the_weights_of_keras_applications() -> None:
    ours = build_vgg16(size="full", classes=1000)
    assert ours.count_params() == 138_357_544
    found = named(ours)
    del ours  # half a gigabyte each
    assert found == named(keras.applications.VGG16(weights=None))


@pytest.mark.parametrize("wrong", [{"size": "medium"}, {"classes": 1}])
def test_what_vgg16_can_not_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Received"):
        build_vgg16(**wrong)  # type: ignore[arg-type]
