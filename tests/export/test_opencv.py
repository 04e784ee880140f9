"""The frozen GraphDef on a reader that people have: OpenCV's dnn module, which follows simple graphs only."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.lenet5 import VARIANTS, build_lenet5

# Float32 sums in another order: the largest difference of any output, relative to the largest output.
TOLERANCE = 1e-5


@pytest.mark.parametrize("variant", VARIANTS)
def test_opencv_gives_the_outputs_of_the_model(variant: str, tmp_path: Path) -> None:
    import keras

    from export.formats.graphdef import FORMAT
    from export.source import Source

    keras.utils.set_random_seed(7)
    model = build_lenet5(variant=variant)
    model.save(tmp_path / "model.h5")
    FORMAT.convert(Source(tmp_path / "model.h5"), "f32", tmp_path / "model.pb")

    net = cv2.dnn.readNetFromTensorflow(str(tmp_path / "model.pb"))
    samples = np.random.default_rng(0).random((5, *model.input_shape[1:]), np.float32)
    expected = model(samples).numpy()
    for sample, row in zip(samples, expected, strict=True):
        net.setInput(sample.transpose(2, 0, 1)[None])
        np.testing.assert_allclose(net.forward()[0], row, atol=TOLERANCE * np.abs(expected).max())
