"""Keyword networks: their shapes and parameters, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

from models.keyword import BANDS, FRAMES, VARIANTS, build_keyword


@pytest.mark.parametrize(("width", "classes"), [(48, 10), (16, 3)])
def test_parameters_layer_by_layer(width: int, classes: int) -> None:
    norm, answer = 4 * width, width * classes + classes
    pictures = 10 * 4 * width + norm + 4 * (9 * width + norm + width * width + norm) + answer
    frames = 3 * BANDS * width + norm + 4 * (5 * width + width * width + norm) + answer
    for variant, wanted in (("ds_cnn", pictures), ("stream", frames)):
        assert build_keyword(variant=variant, width=width, classes=classes).count_params() == wanted
    assert width != 48 or (pictures, frames) == (15_082, 17_386)


def test_a_frame_of_the_stream_hears_what_came_before_it_and_no_more() -> None:
    """3 frames, then 4 more times 1, 2, 4 and 8: 63 in all."""
    import keras

    model = build_keyword(variant="stream")
    frames = keras.Model(model.input, model.get_layer("block4_relu").output)
    x = np.random.default_rng(0).normal(size=(1, FRAMES, BANDS)).astype(np.float32)
    assert frames.output.shape[1] == FRAMES - 63 + 1
    changed = x.copy()
    changed[:, 63:] += 1.0
    one, other = np.asarray(frames(x)), np.asarray(frames(changed))
    np.testing.assert_array_equal(one[:, 0], other[:, 0])
    assert (one[:, 1:] != other[:, 1:]).any()


def test_unknown_forms_are_refused() -> None:
    assert VARIANTS == ("ds_cnn", "stream")
    with pytest.raises(ValueError, match="variant must be one of"):
        build_keyword(variant="gru")
    with pytest.raises(ValueError, match="classes must be 2 or more"):
        build_keyword(classes=1)
