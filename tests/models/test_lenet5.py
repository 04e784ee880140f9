"""LeNet-5 against the paper: counts, Table I, and a forward pass written again in numpy, map by map."""

from itertools import combinations
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.stride_tricks import sliding_window_view

from models.layers import DIGITS, EuclideanRBF, ScaledTanh, Subsampling, TableConv2D, bitmap_codes
from models.lenet5 import C3_TABLE, VARIANTS, build_lenet5

# Trainable parameters layer by layer: LeCun et al. 1998, II.B, for "1998"; the usual arithmetic for the others.
COUNTS = {
    "1998": {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164},
    "sigmoid": {"c1": 156, "c3": 2416, "c5": 48120, "f6": 10164, "logits": 850},
    "relu": {"c1": 156, "c3": 2416, "c5": 48120, "f6": 10164, "logits": 850},
}
TOTAL = {"1998": 60_000, "sigmoid": 61_706, "relu": 61_706}

# Table I read by columns: the maps of S2 that each map of C3 sees, as the paper's text groups them.
SEEN = [
    *[{i, (i + 1) % 6, (i + 2) % 6} for i in range(6)],  # "every contiguous subset of three"
    *[{i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6} for i in range(6)],  # "of four"
    *[{0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}],  # "some discontinuous subsets of four"
    {0, 1, 2, 3, 4, 5},  # "all S2 feature maps"
]


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(variant: str) -> keras.Model:
    """A variant with random weights and biases, of a size that keeps squashing functions in their curved part."""
    model = build_lenet5(variant=variant)
    rng = np.random.default_rng(5)
    gain = 6.0 if variant == "sigmoid" else 1.5  # a sigmoid passes a quarter of what enters it
    for layer in model.layers:
        for weight in layer.trainable_weights:
            fan_in = int(np.prod(weight.shape[:-1]))
            weight.assign(rng.normal(0.0, gain / np.sqrt(fan_in) if fan_in > 1 else 0.3, weight.shape))
    return model


def parameters(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def test_layers_have_the_published_parameters(model: keras.Model, variant: str) -> None:
    counted = {layer.name: parameters(layer.trainable_weights) for layer in model.layers}
    assert {name: count for name, count in counted.items() if count} == COUNTS[variant]
    assert parameters(model.trainable_weights) == TOTAL[variant]


def test_only_the_bitmap_codes_are_fixed(model: keras.Model, variant: str) -> None:
    assert parameters(model.non_trainable_weights) == (10 * 7 * 12 if variant == "1998" else 0)


def test_ends_and_maps_have_the_published_shapes(model: keras.Model, variant: str) -> None:
    side = 32 if variant == "1998" else 28
    assert [(t.name, tuple(t.shape)) for t in model.inputs] == [("image", (None, side, side, 1))]
    assert model.output_names == ["logits"]
    assert tuple(model.output.shape) == (None, 10)
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    maps = {"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16), "f6": (84,)}
    assert {name: shapes[name] for name in maps} == maps
    assert np.prod(shapes["c5"]) == 120


def test_classes_can_be_chosen_where_there_are_no_bitmaps() -> None:
    assert tuple(build_lenet5(variant="relu", classes=3).output.shape) == (None, 3)
    assert tuple(build_lenet5().output.shape) == (None, 10)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"variant": "tanh"}, "'tanh'"),
        ({"variant": "relu", "classes": 1}, "1"),
        ({"variant": "1998", "classes": 9}, "9"),
        ({"variant": "1998", "classes": 11}, "11"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: dict[str, Any], received: str) -> None:
    with pytest.raises(ValueError, match=rf"build_lenet5: .* Received: {received}$"):
        build_lenet5(**arguments)


def test_weights_start_within_the_paper_s_range() -> None:
    model = build_lenet5(variant="1998")
    for name, fan_in in {"c1": 25, "c3": 6 * 25, "c5": 400, "f6": 120}.items():
        kernel = np.abs(np.asarray(model.get_layer(name).kernel))
        # Uniform in ±2.4/fan-in: never beyond, and among hundreds of draws one close to the end.
        assert 0.9 * 2.4 / fan_in < kernel.max() <= 2.4 / fan_in, name


# --- the forward pass, in numpy and double precision ---


def weights(model: keras.Model, name: str) -> list[np.ndarray]:
    return [np.asarray(weight, np.float64) for weight in model.get_layer(name).trainable_weights]


def correlate(maps: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Valid correlation of (n, h, w) with (k, k)."""
    windows = sliding_window_view(maps, kernel.shape, axis=(1, 2))
    return np.einsum("nyxab,ab->nyx", windows, kernel)


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Each output map the sum over all input maps."""
    maps = [
        sum(correlate(x[..., i], kernel[:, :, i, o]) for i in range(x.shape[-1])) + bias[o]
        for o in range(kernel.shape[-1])
    ]
    return np.stack(maps, axis=-1)


def convolve_seen(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, seen: list[set[int]]) -> np.ndarray:
    """Each output map the sum over the input maps it sees; kernels are stored by input map, then output map."""
    order = [(i, o) for i in range(x.shape[-1]) for o in range(len(seen)) if i in seen[o]]
    assert kernel.shape[-1] == len(order)
    out = np.zeros((len(x), x.shape[1] - len(kernel) + 1, x.shape[2] - len(kernel) + 1, len(seen)))
    for k, (i, o) in enumerate(order):
        out[..., o] += correlate(x[..., i], kernel[:, :, k])
    return out + bias


def blocks(x: np.ndarray) -> np.ndarray:
    """The four values of each 2x2 block: (n, h, w, c) -> (n, h/2, w/2, c, 4)."""
    return np.stack([x[:, a::2, b::2] for a in (0, 1) for b in (0, 1)], axis=-1)


def squash(a: np.ndarray) -> np.ndarray:
    return 1.7159 * np.tanh(2.0 / 3.0 * a)


def published(model: keras.Model, x: np.ndarray) -> np.ndarray:
    x = squash(convolve(x, *weights(model, "c1")))
    coefficient, bias = weights(model, "s2")
    x = squash(blocks(x).sum(-1) * coefficient + bias)
    x = squash(convolve_seen(x, *weights(model, "c3"), SEEN))
    coefficient, bias = weights(model, "s4")
    x = squash(blocks(x).sum(-1) * coefficient + bias)
    x = squash(convolve(x, *weights(model, "c5"))).reshape(len(x), 120)
    kernel, bias = weights(model, "f6")
    x = squash(x @ kernel + bias)
    codes = [[1.0 if cell == "#" else -1.0 for cell in "".join(picture.split())] for picture in DIGITS]
    return np.array([[-sum((xj - wj) ** 2 for xj, wj in zip(row, code, strict=True)) for code in codes] for row in x])


def taught(model: keras.Model, x: np.ndarray, variant: str) -> np.ndarray:
    activation = {"relu": lambda a: np.maximum(a, 0), "sigmoid": lambda a: 1 / (1 + np.exp(-a))}[variant]
    pool = {"relu": lambda x: blocks(x).max(-1), "sigmoid": lambda x: blocks(x).mean(-1)}[variant]
    x = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    x = pool(activation(convolve(x, *weights(model, "c1"))))
    x = pool(activation(convolve(x, *weights(model, "c3"))))
    x = x.reshape(len(x), -1)
    for name in ("c5", "f6"):
        kernel, bias = weights(model, name)
        x = activation(x @ kernel + bias)
    kernel, bias = weights(model, "logits")
    return x @ kernel + bias


def test_outputs_are_those_of_the_paper_s_equations(model: keras.Model, variant: str) -> None:
    side = 32 if variant == "1998" else 28
    x = np.random.default_rng(7).uniform(-0.1, 1.175, (5, side, side, 1)).astype(np.float32)
    expected = published(model, x.astype(np.float64)) if variant == "1998" else taught(model, x, variant)
    assert np.ptp(expected, axis=0).min() > 1e-3 * np.abs(expected).max(), "the pictures must matter"
    # float32 through seven layers: some 1e-6 of the largest output; a wrong table, order or constant costs 1e-2.
    found = np.asarray(model(x, training=False))
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


# --- Table I ---


def test_c3_sees_what_the_paper_says() -> None:
    table = np.array(C3_TABLE)
    assert table.shape == (6, 16)
    assert table.sum() == 60
    assert [set(np.flatnonzero(column)) for column in table.T] == SEEN


def test_table_s_groups_are_as_the_paper_describes_them() -> None:
    columns = [tuple(column) for column in np.array(C3_TABLE).T]
    assert len(set(columns)) == 16, "different maps must see different sets, which is what breaks the symmetry"

    def runs(column: tuple[int, ...]) -> int:
        return sum(column[i] and not column[i - 1] for i in range(6))  # contiguous around the ring of six

    assert [(sum(column), runs(column)) for column in columns] == [(3, 1)] * 6 + [(4, 1)] * 6 + [(4, 2)] * 3 + [(6, 0)]


# --- layers ---


def tables() -> st.SearchStrategy[np.ndarray]:
    shapes = st.tuples(st.integers(1, 4), st.integers(1, 5))
    return shapes.flatmap(lambda s: hnp.arrays(np.int64, s, elements=st.integers(0, 1))).filter(lambda t: t.any())


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_table_convolution_is_a_sum_over_the_maps_seen(
    table: np.ndarray, side: int, taller: int, wider: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, side + taller, side + wider, len(table))).astype(np.float32)
    layer = TableConv2D(table, side)
    layer.build(x.shape)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape))
    layer.bias.assign(rng.normal(size=layer.bias.shape))
    seen = [set(np.flatnonzero(column)) for column in table.T]
    expected = convolve_seen(x.astype(np.float64), *(np.asarray(w, np.float64) for w in layer.weights), seen)
    found = np.asarray(layer(x))
    assert found.shape == expected.shape == layer.compute_output_shape(x.shape)
    # At most 64 products of numbers near 1, in float32.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("table", [[], [[0, 0]], [[0, 2]], [1, 0], [[0.5]], [[[1]]]])
def test_a_table_must_be_a_matrix_of_zeros_and_ones(table: Any) -> None:
    with pytest.raises(ValueError, match=r"TableConv2D: the table must be a matrix of zeros and ones"):
        TableConv2D(table, 3)


def test_a_table_must_fit_its_input() -> None:
    with pytest.raises(ValueError, match=r"TableConv2D: the table has 2 rows.*\(1, 5, 5, 3\)"):
        TableConv2D([[1], [1]], 3).build((1, 5, 5, 3))


def test_scaled_tanh_maps_one_to_one() -> None:
    found = np.asarray(ScaledTanh()(np.array([1.0, -1.0, 0.0], np.float32)))
    # 1.7159 is the paper's constant to five figures; the exact one would be 1 / tanh(2/3) = 1.71540.
    np.testing.assert_allclose(found, [1.0, -1.0, 0.0], atol=5e-4)


def test_subsampling_starts_as_an_average() -> None:
    x = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(Subsampling()(x)), blocks(x).mean(-1), rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_rbf_is_minus_the_squared_distance(n: int, units: int, dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.choice([-1.0, 1.0], (units, dim))
    x = rng.normal(size=(n, dim)).astype(np.float32)
    expected = -((x[:, None, :].astype(np.float64) - codes) ** 2).sum(-1)
    found = np.asarray(EuclideanRBF(units, codes)(x))
    # ‖x‖² + ‖w‖² of at most some 60 cancel, so the error is absolute.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=5e-5)


def test_rbf_refuses_codes_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"EuclideanRBF: codes must have shape \(3, 4\)\. Received: \(3, 5\)"):
        EuclideanRBF(3, np.ones((3, 5))).build((None, 4))


def test_bitmaps_are_ten_pictures_of_7x12_that_differ() -> None:
    codes = bitmap_codes()
    assert codes.shape == (10, 84)
    assert codes.dtype == np.float32
    assert set(np.unique(codes)) == {-1.0, 1.0}
    assert all([len(row) for row in picture.split()] == [7] * 12 for picture in DIGITS)
    distances = {(a, b): int((codes[a] != codes[b]).sum()) for a, b in combinations(range(10), 2)}
    # The codes of digits that look alike are near, as in the paper: 0 has 6 and 9 beside it, 14 of 84 cells away.
    assert min(distances.values()) == 14 == distances[0, 6] == distances[0, 9]


@pytest.mark.parametrize("pictures", [["#.", "#"], ["#x"]])
def test_bitmaps_of_other_sizes_or_characters_are_refused(pictures: list[str]) -> None:
    with pytest.raises(ValueError, match=r"bitmap_codes: pictures must be of one size"):
        bitmap_codes(pictures)


def test_training_moves_every_weight_and_no_code() -> None:
    model = build_lenet5(variant="1998")
    before = {weight.path: weight.numpy().copy() for weight in model.weights}
    x = np.random.default_rng(1).uniform(-0.1, 1.175, (8, 32, 32, 1)).astype(np.float32)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(x, np.arange(8))
    moved = {weight.path for weight in model.weights if (before[weight.path] != weight.numpy()).any()}
    assert moved == {weight.path for weight in model.trainable_weights}
    np.testing.assert_array_equal(np.asarray(model.get_layer("logits").codes), bitmap_codes())


@pytest.mark.parametrize(
    "layer",
    [
        ScaledTanh(name="squash"),
        Subsampling(name="s2"),
        TableConv2D([[1, 0, 1], [1, 1, 0]], 2, name="c3"),
        TableConv2D([[1], [1]], 3, kernel_initializer="he_normal", name="c4"),
        EuclideanRBF(4, np.eye(4), name="rbf"),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_is_registered_and_comes_back_from_its_config(layer: keras.layers.Layer) -> None:
    assert keras.saving.get_registered_name(type(layer)) == f"edgeproof>{type(layer).__name__}"
    stored = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(stored)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    assert keras.saving.serialize_keras_object(again) == stored


@pytest.mark.filterwarnings("ignore")
def test_a_model_comes_back_from_h5_by_registered_names_alone(model: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    model.save(path)
    again = keras.saving.load_model(path, compile=False)
    x = np.random.default_rng(2).normal(size=(3, *model.inputs[0].shape[1:])).astype(np.float32)
    # Same weights, same operations: the same bits.
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert [w.path for w in again.trainable_weights] == [w.path for w in model.trainable_weights]
