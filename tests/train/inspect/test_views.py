"""Each view against what numpy, or the mathematics of a small network, says it must show."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cnn_6c_12c import build_cnn_6c_12c
from models.lenet5 import build_lenet5
from models.locally_connected import build_locally_connected
from models.mlp import build_mlp
from train.inspect import tiles
from train.inspect.layout import layered
from train.inspect.subject import Absent, Subject
from train.inspect.views import VIEWS, gradcam, graph, kernels, maps, maximisation, saliency

Look = Callable[..., Subject]


# --- saliency ---


@pytest.mark.parametrize("ending", ["linear", "softmax", "layer"])
def test_saliency_of_a_linear_model_is_its_largest_weight_by_pixel(look: Look, ending: str) -> None:
    # score_c = Σ w x + b, so |∂ score / ∂ x| = |w| whatever the picture and whatever squashes the scores after it.
    image = keras.Input((5, 4, 3), name="photo")
    x = keras.layers.Flatten(name="flat")(image)
    x = keras.layers.Dense(2, activation="softmax" if ending == "softmax" else None, name="scores")(x)
    if ending == "layer":
        x = keras.layers.Softmax(name="softmax")(x)
    model = keras.Model(image, x)
    weights = model.get_layer("scores").get_weights()[0]
    for index in (0, 1):
        expected = np.abs(weights[:, index]).reshape(5, 4, 3).max(axis=-1)
        np.testing.assert_allclose(saliency.saliency(look(model), index), expected, rtol=1e-6)


def test_saliency_of_a_hidden_layer_is_the_chain_rule(look: Look) -> None:
    image = keras.Input((4, 4, 1), name="photo")
    x = keras.layers.Flatten(name="flat")(image)
    x = keras.layers.Dense(6, activation="tanh", name="hidden")(x)
    subject = look(keras.Model(image, keras.layers.Dense(3, name="scores")(x)))
    (a, b), (c, _) = (subject.model.get_layer(name).get_weights() for name in ("hidden", "scores"))
    hidden = np.tanh(subject.sample[0].reshape(-1) @ a + b)
    expected = np.abs(a @ ((1 - hidden**2) * c[:, 1])).reshape(4, 4)
    # Sums of terms that may cancel: what is left rounds as they do.
    np.testing.assert_allclose(saliency.saliency(subject, 1), expected, rtol=1e-5, atol=1e-6)


# --- Grad-CAM ---


def test_gradcam_before_average_pooling_is_cam(look: Look, cam: keras.Model) -> None:
    # score = Σ_k w_k mean(A^k), so α_k = w_k / places, and the map is CAM (Zhou et al. 2016) up to that factor.
    subject = look(cam)
    kernel, bias = cam.get_layer("conv").get_weights()
    weights = cam.get_layer("classes").get_weights()[0]
    photo = subject.sample[0][0].astype(np.float64)
    patches = np.lib.stride_tricks.sliding_window_view(photo, (3, 3), axis=(0, 1))  # (7, 7, 3, 3, 3)
    maps_ = np.maximum(np.einsum("ijchw,hwck->ijk", patches, kernel) + bias, 0)
    for index in range(4):
        expected = np.maximum(maps_ @ weights[:, index] / 49, 0)
        found = gradcam.gradcam(subject, gradcam.layer(subject), index)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert expected.shape == (7, 7)


def test_gradcam_weighs_maps_by_the_mean_of_their_derivatives(look: Look) -> None:
    # A dense layer over the flattened maps: ∂ score / ∂ A^k is its weights, which differ from place to place.
    image = keras.Input((6, 6, 1), name="photo")
    x = keras.layers.Conv2D(3, 3, name="conv")(image)
    model = keras.Model(image, keras.layers.Dense(2, name="scores")(keras.layers.Flatten(name="flat")(x)))
    subject = look(model)
    maps_ = np.asarray(keras.Model(image, x)(subject.sample[0]))[0]
    weights = model.get_layer("scores").get_weights()[0].reshape(4, 4, 3, 2)
    expected = np.maximum(maps_ @ weights[..., 1].mean(axis=(0, 1)), 0)
    np.testing.assert_allclose(gradcam.gradcam(subject, gradcam.layer(subject), 1), expected, atol=1e-6)


def test_gradcam_takes_the_last_maps_that_are_no_pooling(look: Look) -> None:
    assert gradcam.layer(look(build_lenet5())).name == "c3"
    assert gradcam.layer(look(build_lenet5(variant="1998"))).name == "s4_squash"  # not s4, a subsampling
    assert gradcam.layer(look(build_lenet5(), layer="s2")).name == "s2"
    with pytest.raises(Absent, match="several places"):
        gradcam.layer(look(build_mlp()))
    with pytest.raises(Absent, match='layer "f6"'):
        gradcam.layer(look(build_lenet5(), layer="f6"))


# --- maximisation ---


def test_maximisation_raises_every_class_s_score(look: Look) -> None:
    keras.utils.set_random_seed(2)
    subject = look(build_cnn_6c_12c(activation="relu"))
    found = maximisation.maximise(subject, subject.scores, list(range(10)))
    assert (found.after > found.before).all()
    # and makes it the decision, before which it was one of ten
    assert (np.argmax(subject.model.predict(found.inputs, verbose=0), axis=1) == np.arange(10)).mean() >= 0.9
    low, high = subject.bounds(0)
    assert low <= found.inputs.min() < found.inputs.max() <= high


def test_maximisation_of_a_linear_score_finds_the_signs_of_its_weights(look: Look) -> None:
    # On a box the maximum of a linear function lies in the corner that its signs name; decay and blur are left out.
    image = keras.Input((6, 6, 1), name="photo")
    model = keras.Model(image, keras.layers.Dense(2, name="scores")(keras.layers.Flatten()(image)))
    subject = look(model)
    how = maximisation.Ascent(steps=200, rate=0.1, decay=0.0, blur=0.0)
    found = maximisation.maximise(subject, subject.scores, [0, 1], how)
    weights = model.get_layer("scores").get_weights()[0].T.reshape(2, 6, 6, 1)
    low, high = subject.bounds(0)
    clear = np.abs(weights) > 0.05
    np.testing.assert_allclose(found.inputs[clear], np.where(weights > 0, high, low)[clear], atol=1e-6)


def test_maximisation_of_a_layer_climbs_its_channels(look: Look) -> None:
    subject = look(build_lenet5(), layer="c3")
    activation, told = maximisation.target(subject)
    assert tuple(activation.shape) == (None, 16)
    assert "c3" in told
    found = maximisation.maximise(subject, activation, [3, 7])
    assert (found.after > found.before).all()


# --- kernels ---


def test_kernels_are_the_weights_of_the_first_convolution(look: Look) -> None:
    model = build_lenet5()
    name, found = kernels.first(look(model))
    assert name == "c1"
    weights = model.get_layer("c1").get_weights()[0]
    for unit in range(6):
        np.testing.assert_array_equal(found[unit, :, :, 0], weights[:, :, 0, unit])
    sheet = tiles.grid(found[..., 0], 3)
    np.testing.assert_array_equal(sheet[6:11, 12:17], weights[:, :, 0, 5])
    assert np.isnan(sheet[5]).all()
    assert kernels.first(look(model, layer="c3"))[1].shape == (16, 5, 5, 6)


def test_kernels_of_dense_layers_lie_over_the_pixels(look: Look) -> None:
    model = build_mlp(hidden=(7,))
    name, found = kernels.first(look(model))
    assert (name, found.shape) == ("dense1", (7, 28, 28, 1))
    np.testing.assert_array_equal(found[2].ravel(), model.get_layer("dense1").get_weights()[0][:, 2])
    flat = keras.Sequential([keras.Input((64,), name="pixels"), keras.layers.Dense(3, name="first")])
    subject = look(keras.Model(flat.inputs, flat.outputs))
    assert kernels.first(subject)[1].shape == (3, 8, 8, 1)


def test_kernels_of_a_locally_connected_layer_are_those_of_its_middle(look: Look) -> None:
    model = build_locally_connected()
    name, found = kernels.first(look(model))
    assert (name, found.shape) == ("h1", (8, 5, 5, 1))
    np.testing.assert_array_equal(found[4].ravel(), model.get_layer("h1").kernel.numpy()[72, :, 4])


def test_a_layer_without_kernels_over_space_is_said_to_have_none(look: Look) -> None:
    with pytest.raises(Absent, match="over the pixels"):
        kernels.first(look(build_lenet5(), layer="s2"))
    with pytest.raises(Absent, match="over the pixels"):  # over features, not pixels
        kernels.first(look(build_mlp(), layer="dense2"))


# --- feature maps ---


def test_maps_are_what_each_layer_gives(look: Look) -> None:
    subject = look(build_mlp(hidden=(4,), dropout=0.5))
    found = {call.name: value for call, value in maps.activations(subject)}
    assert list(found) == ["image", "flatten", "dense1", "relu1", "dropout1", "logits"]
    (a, b), (c, d) = (subject.model.get_layer(name).get_weights() for name in ("dense1", "logits"))
    before = found["image"].ravel() @ a + b
    np.testing.assert_allclose(found["dense1"], before, atol=1e-5)
    np.testing.assert_allclose(found["dropout1"], np.maximum(before, 0), atol=1e-5)  # out of training nothing drops
    np.testing.assert_allclose(found["logits"], np.maximum(before, 0) @ c + d, atol=1e-5)


@given(n=st.integers(1, 30), h=st.integers(1, 7), w=st.integers(1, 7), columns=st.integers(1, 9), gap=st.integers(0, 3))
def test_a_grid_holds_every_tile_once(n: int, h: int, w: int, columns: int, gap: int) -> None:
    cells = np.arange(n * h * w, dtype=float).reshape(n, h, w)
    sheet = tiles.grid(cells, columns, gap)
    kept = sheet[~np.isnan(sheet)]
    assert sorted(kept) == list(range(n * h * w))
    across = min(columns, n)
    last = n - 1
    top, left = last // across * (h + gap), last % across * (w + gap)
    np.testing.assert_array_equal(sheet[top : top + h, left : left + w], cells[last])


# --- the graph ---


def branched() -> keras.Model:
    image = keras.Input((8, 8, 3), name="photo")
    x = keras.layers.Conv2D(4, 3, padding="same", name="stem")(image)
    y = keras.layers.ReLU(name="relu")(keras.layers.Conv2D(4, 3, padding="same", name="conv")(x))
    z = keras.layers.MaxPooling2D(3, 1, "same", name="pool")(x)
    x = keras.layers.Add(name="add")([x, y, z])
    shared = keras.layers.Dense(5, name="shared")
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, [shared(x), shared(x * 2)])


def test_the_graph_names_every_layer_once_with_shape_and_parameters(look: Look) -> None:
    subject = look(branched())
    figure = graph.picture(subject.calls, layered(subject.calls))
    texts = [text.get_text() for text in figure.axes[0].texts]
    names = [text.splitlines()[0] for text in texts]
    layers = {operation.name for operation in subject.model.operations}
    assert {layer.name for layer in subject.model.layers} < layers  # `x * 2` is an operation
    assert layers | {"shared (2)"} == set(names)
    assert len(names) == len(set(names))
    assert "stem\nConv2D: 8 x 8 x 4, 112" in texts
    assert "relu\nReLU: 8 x 8 x 4" in texts


@pytest.mark.parametrize("build", [branched, build_lenet5, build_mlp])
def test_the_graph_s_rows_follow_the_edges_and_no_two_boxes_overlap(
    look: Look, build: Callable[[], keras.Model]
) -> None:
    calls = look(build()).calls
    layout = layered(calls)
    for call in calls:
        for source in call.inputs:
            assert layout.places[source][1] < layout.places[call.name][1]
    assert {edge for edge, _ in layout.edges} == {(s, call.name) for call in calls for s in call.inputs}
    by_row: dict[float, list[float]] = {}
    for column, row in layout.places.values():
        by_row.setdefault(row, []).append(column)
    for (source, end), points in layout.edges:
        assert points[0] == layout.places[source]
        assert points[-1] == layout.places[end]
        for column, row in points[1:-1]:  # an edge that passes a row by runs beside its boxes
            by_row[row].append(column)
    for columns in by_row.values():
        assert (np.diff(sorted(columns)) >= 0.5).all()


# --- all of them ---


@pytest.mark.parametrize("name", VIEWS.names())
def test_every_view_draws_or_says_why_not(look: Look, cam: keras.Model, name: str) -> None:
    pictures = VIEWS.load(name).draw(look(cam))
    assert pictures
    for picture in pictures:
        assert picture.png.startswith(b"\x89PNG")
        assert picture.name.startswith(name)
        assert picture.caption.endswith(".")
    without = Subject(look(cam).path, cam, source="no file")
    if name in ("gradcam", "maps", "saliency"):
        with pytest.raises(Absent, match="no file"):
            VIEWS.load(name).draw(without)
    else:
        assert VIEWS.load(name).draw(without)
