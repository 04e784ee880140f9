"""The frontend against Pillow and TensorFlow, which define what its operations mean, and by its own invariants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeproof import frontend
from edgeproof.contract import Frontend
from edgeproof.errors import Refused
from edgeproof.frontend import image

# Pixels reach 255, and both sides keep weights and results in float32 (or better), each off by half of 2^-23 of its
# size: twice that for each of two passes.
ROUNDING = 255 * 4 * 2.0**-23


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Height and width, from and to, within the proportions that resize takes."""
    h, w, height, width = (draw(st.integers(4, 60)) for _ in range(4))
    if max(h * width / (w * height), w * height / (h * width)) > 1.25:
        w, width = h, height
    return h, w, height, width


def pictures(h: int, w: int, n: int = 1, c: int = 1) -> np.ndarray:
    return np.random.default_rng(h * 100 + w).integers(0, 256, (n, h, w, c)).astype(np.float32)


@settings(max_examples=200)
@given(sizes())
def test_resize_is_pillows_bilinear(size: tuple[int, int, int, int]) -> None:
    h, w, height, width = size
    pixels = pictures(h, w)
    theirs = Image.fromarray(pixels[0, ..., 0], "F").resize((width, height), Image.Resampling.BILINEAR)
    ours = image.resize(pixels, height=height, width=width)
    np.testing.assert_allclose(ours[0, ..., 0], np.asarray(theirs), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(("side", "target"), [(8, 28), (28, 8), (28, 20), (13, 32), (96, 31)])
def test_resize_is_tensorflows_antialiased_bilinear(side: int, target: int) -> None:
    tf = pytest.importorskip("tensorflow")
    pixels = pictures(side, side, n=2, c=3)
    theirs = tf.image.resize(pixels, (target, target), "bilinear", antialias=True).numpy()
    # TensorFlow computes positions too in float32, where pixels near the 96th lie 2^-17 apart; values differ by 255.
    np.testing.assert_allclose(image.resize(pixels, height=target, width=target), theirs, rtol=0, atol=255 * 2.0**-17)


@given(st.integers(1, 300), st.integers(1, 300))
def test_weights_of_every_target_pixel_are_an_average(source: int, target: int) -> None:
    weights = image._weights(source, target)
    assert weights.shape == (target, source)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)


@given(sizes(), st.integers(0, 255))
def test_constant_picture_stays_constant(size: tuple[int, int, int, int], value: int) -> None:
    h, w, height, width = size
    resized = image.resize(np.full((1, h, w, 3), value, np.float32), height=height, width=width)
    np.testing.assert_allclose(resized, np.full((1, height, width, 3), value), atol=ROUNDING)


@given(sizes())
def test_resized_values_stay_within_those_of_the_picture(size: tuple[int, int, int, int]) -> None:
    h, w, height, width = size
    pixels = pictures(h, w)
    resized = image.resize(pixels, height=height, width=width)
    assert resized.dtype == np.float32
    assert pixels.min() - ROUNDING <= resized.min() <= resized.max() <= pixels.max() + ROUNDING


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_shrinking_a_ramp_by_a_whole_factor_gives_the_ramp_at_the_new_pixels_centres(factor: int) -> None:
    ramp = np.broadcast_to(np.arange(12 * factor, dtype=np.float32), (12 * factor, 12 * factor))[None, ..., None]
    resized = image.resize(ramp, height=12, width=12)[0, :, :, 0]
    centres = (np.arange(12) + 0.5) * factor - 0.5
    # At the border half of the triangle lies outside the picture.
    np.testing.assert_allclose(resized[:, 1:-1], np.broadcast_to(centres[1:-1], (12, 10)), atol=ROUNDING)


@given(sizes())
def test_resize_commutes_with_mirroring_and_transposition(size: tuple[int, int, int, int]) -> None:
    h, w, height, width = size
    pixels = pictures(h, w)
    resized = image.resize(pixels, height=height, width=width)
    mirrored = image.resize(pixels[:, ::-1, ::-1], height=height, width=width)[:, ::-1, ::-1]
    turned = image.resize(pixels.transpose(0, 2, 1, 3), height=width, width=height).transpose(0, 2, 1, 3)
    np.testing.assert_allclose(mirrored, resized, atol=ROUNDING)
    np.testing.assert_allclose(turned, resized, atol=ROUNDING)


def test_pictures_and_channels_of_a_batch_do_not_mix() -> None:
    pixels = pictures(9, 10, n=3, c=3)
    whole = image.resize(pixels, height=12, width=12)
    for i in range(3):
        for c in range(3):
            alone = image.resize(pixels[i : i + 1, ..., c : c + 1], height=12, width=12)
            np.testing.assert_allclose(whole[i, ..., c], alone[0, ..., 0], atol=ROUNDING)


def test_picture_of_the_right_size_is_left_alone() -> None:
    pixels = pictures(28, 28)
    assert np.array_equal(image.resize(pixels, height=28, width=28), pixels)


@pytest.mark.parametrize(("w", "h"), [(64, 20), (20, 64), (1, 1), (3, 3), (3, 4), (36, 28), (28, 36)])
def test_size_that_would_need_distortion_is_refused(w: int, h: int) -> None:
    with pytest.raises(Refused) as refusal:
        image.resize(pictures(h, w), height=28, width=28)
    assert refusal.value.received == f"{w}x{h} pixels"
    assert "28x28" in refusal.value.rule


@pytest.mark.parametrize(("w", "h"), [(35, 28), (28, 35), (4, 4), (4, 5), (100, 100)])
def test_size_within_the_proportions_is_taken(w: int, h: int) -> None:
    assert image.resize(pictures(h, w), height=28, width=28).shape == (1, 28, 28, 1)


@pytest.mark.parametrize("shape", [(1, 16385, 16385, 1), (1, 0, 0, 1), (1, 0, 28, 1)])
def test_extreme_sizes_are_refused_before_any_work(shape: tuple[int, ...]) -> None:
    pixels = np.broadcast_to(np.float32(0), shape)  # takes no memory
    with pytest.raises(Refused, match="without distortion"):
        image.resize(pixels, height=28, width=28)


def test_grey_of_a_colour_picture_is_pillows() -> None:
    pixels = pictures(16, 16, n=2, c=3).astype(np.uint8)
    grey = image.channels(pixels, channels=1)
    assert grey.shape == (2, 16, 16, 1)
    for ours, colours in zip(grey, pixels, strict=True):
        theirs = np.asarray(Image.fromarray(colours).convert("L"), np.float32)
        # Pillow rounds to whole numbers, with weights of 16 bits.
        np.testing.assert_allclose(ours[..., 0], theirs, atol=0.51)


@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 5, 6, 1)])
def test_grey_picture_is_repeated_as_colour(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    colours = image.channels(pixels, channels=3)
    assert colours.dtype == np.float32
    for c in range(3):
        assert np.array_equal(colours[..., c], pixels.reshape(2, 5, 6))


@pytest.mark.parametrize("channels", [1, 3])
def test_picture_with_the_right_channels_keeps_its_values(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 6, channels), np.uint8)
    assert np.array_equal(image.channels(pixels, channels=channels), pixels)


@pytest.mark.parametrize("shape", [(4,), (4, 4), (1, 4, 4, 2), (1, 4, 4, 4), (1, 1, 4, 4, 3)])
def test_array_that_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(Refused, match="grey"):
        image.channels(np.zeros(shape, np.uint8), channels=3)


def test_scale_and_pad_do_what_their_names_say() -> None:
    pixels = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)
    scaled = image.scale(pixels, factor=1.275 / 255, offset=-0.1)  # ground and ink of LeCun et al. 1998
    np.testing.assert_allclose(scaled.ravel(), [-0.1, 1.175], rtol=1e-6)
    padded = image.pad(scaled, pixels=2, value=-0.1)
    assert padded.shape == (1, 5, 6, 1)
    assert padded.dtype == scaled.dtype == np.float32
    assert np.array_equal(padded[:, 2:-2, 2:-2], scaled)
    frame = np.ones(padded.shape, bool)
    frame[:, 2:-2, 2:-2] = False
    assert (padded[frame] == np.float32(-0.1)).all()


DIGITS = Frontend(
    "image",
    "image",
    (
        {"op": "channels", "channels": 1},
        {"op": "resize", "height": 28, "width": 28},
        {"op": "scale", "factor": 1 / 255.0, "offset": 0.0},
    ),
)


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (60, 50), (28, 28, 3), (40, 40, 1)])
def test_steps_are_applied_in_order(shape: tuple[int, ...]) -> None:
    white = frontend.apply(DIGITS, np.full((2, *shape), 255, np.uint8))
    assert white.shape == (2, 28, 28, 1)
    assert white.dtype == np.float32
    np.testing.assert_allclose(white, 1.0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint16", "bool"])
def test_pixels_of_another_type_are_refused(dtype: str) -> None:
    """Floats in [0, 1] taken for 0 to 255 would give a black picture and an answer."""
    with pytest.raises(Refused, match="unsigned bytes") as refusal:
        frontend.apply(DIGITS, np.zeros((1, 28, 28), dtype))
    assert dtype in refusal.value.received


def test_array_without_steps_passes_unchanged() -> None:
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    assert frontend.apply(Frontend("x"), values) is values


def test_unknown_kind_and_operation_name_the_nearest() -> None:
    with pytest.raises(Refused, match='did you mean "image"'):
        frontend.apply(Frontend("x", "imag"), np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(Refused, match='did you mean "resize"'):
        frontend.apply(Frontend("x", "array", ({"op": "resise"},)), np.zeros((1, 4, 4, 1), np.float32))
    with pytest.raises(Refused, match="operation this version knows"):
        frontend.apply(Frontend("x", "array", ({},)), np.zeros((1, 4, 4, 1), np.float32))


@pytest.mark.parametrize(
    "step",
    [
        {"op": "resize", "height": 28},
        {"op": "resize", "height": "28", "width": 28},
        {"op": "resize", "height": 0, "width": 28},
        {"op": "resize", "height": 28, "width": 28, "extra": 1},
        {"op": "scale", "factor": "much"},
        {"op": "scale", "factor": None},
        {"op": "pad", "pixels": -1},
        {"op": "pad", "pixels": 1.5},
        {"op": "channels", "channels": 2},
        {"op": "channels"},
    ],
)
def test_step_with_arguments_that_it_does_not_take_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        frontend.apply(Frontend("x", "array", (step,)), np.zeros((1, 12, 12, 3), np.float32))


numbers = st.integers(-40, 40) | st.floats(-40, 40) | st.none() | st.booleans() | st.text(max_size=3)
names = st.sampled_from(["height", "width", "channels", "factor", "offset", "pixels", "value", "smallest"])


@given(
    st.sampled_from(sorted(frontend.OPERATIONS)),
    st.dictionaries(names, numbers | st.lists(numbers, max_size=2), max_size=4),
    st.sampled_from([(1,), (2, 8, 8), (2, 8, 8, 1), (1, 8, 9, 3), (0, 8, 8, 1)]),
)
def test_any_step_on_any_array_gives_an_array_or_a_refusal(op: str, arguments: Any, shape: tuple[int, ...]) -> None:
    with np.errstate(all="ignore"):
        try:
            made = frontend.apply(Frontend("x", "array", ({"op": op, **arguments},)), np.zeros(shape, np.float32))
        except Refused:
            return
    assert isinstance(made, np.ndarray)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_and_counted(bad: float) -> None:
    samples = np.zeros((2, 3), np.float32)
    samples[1, 2] = bad
    with pytest.raises(Refused, match="NaN or infinity in 1 places"):
        frontend.apply(Frontend("x"), samples)
