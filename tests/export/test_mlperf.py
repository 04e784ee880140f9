"""Checkpoints of MLPerf Tiny, exported here, against the files that their makers published, on the same inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeproof.metrics import closeness
from edgeproof.runner import load
from export import pipeline

pytestmark = pytest.mark.all


def outputs(path: Path, values: np.ndarray) -> np.ndarray:
    """The only output of a file for many samples."""
    model = load(path)
    (result,) = model.outputs({model.session.inputs[0].name: values}).values()
    return result


@pytest.mark.parametrize(
    ("name", "published", "lowest", "highest"),
    [
        # The same weights on the same kernels: what is left is the order of sums.
        ("pretrainedResnet", "pretrainedResnet.tflite", 0.0, 1e-5),
        # Published beside the .h5, but of other weights: 1.4% away from it, which is nothing that export could mend.
        ("ad01", "ad01_fp32.tflite", 3e-3, 5e-2),
    ],
)
def test_float_files_are_the_checkpoint_and_as_far_from_their_makers_as_that_is(
    shared: Path, tmp_path: Path, export: Callable[..., pipeline.Outcome], name: str, published: str,
    lowest: float, highest: float,
) -> None:  # fmt: skip
    folder = shared / "checkpoints" / "mlperf-tiny"
    if not (folder / f"{name}.h5").is_file():
        pytest.skip(f"no {name}.h5 in {folder}")
    rng = np.random.default_rng(0)
    # Pixels from 0 to 255 for the one, log-mel energies in dB for the other, as their readmes say.
    pixels, energies = rng.uniform(0, 255, (200, 32, 32, 3)), rng.normal(-30, 15, (200, 640))
    values = np.float32(pixels if name == "pretrainedResnet" else energies)
    np.savez(tmp_path / "s.npz", evaluation_x=values)
    outcome = export(folder / f"{name}.h5", "tflite:f32", "onnx:f32", samples=tmp_path / "s.npz", out=tmp_path / "out")
    assert [r.status for r in outcome.results] == ["verified", "verified"], [r.reason for r in outcome.results]
    (reference,) = outcome.reference.values()
    theirs = outputs(folder / published, values)
    for result in outcome.results:
        ours = outputs(outcome.out / result.file, values)
        assert closeness(reference, ours).relative_l2 < 1e-5
        assert lowest <= closeness(theirs.reshape(ours.shape), ours).relative_l2 <= highest


def test_integer_files_are_no_further_from_the_checkpoint_than_their_makers(
    shared: Path, tmp_path: Path, export: Callable[..., pipeline.Outcome]
) -> None:
    folder = shared / "checkpoints" / "mlperf-tiny"
    if not (folder / "pretrainedResnet.h5").is_file():
        pytest.skip(f"no pretrainedResnet.h5 in {folder}")
    sample_images = pytest.importorskip("sklearn.datasets").load_sample_images().images
    # Natural pictures: crops of two photographs, every third pixel.
    rng = np.random.default_rng(0)
    crops = []
    for i in range(300):
        picture = sample_images[i % 2]
        y, x = rng.integers(0, picture.shape[0] - 96), rng.integers(0, picture.shape[1] - 96)
        crops.append(picture[y : y + 96 : 3, x : x + 96 : 3])
    values = np.stack(crops).astype(np.float32)
    np.savez(tmp_path / "samples.npz", evaluation_x=values[:200], calibration_x=values[200:])
    outcome = export(
        folder / "pretrainedResnet.h5", "tflite:int8", samples=tmp_path / "samples.npz", out=tmp_path / "o"
    )
    (result,) = outcome.results
    assert result.precision == "int8"
    (reference,) = outcome.reference.values()
    ours = closeness(reference, outputs(outcome.out / result.file, values[:200])).relative_l2
    theirs = closeness(reference, outputs(folder / "pretrainedResnet_quant.tflite", values[:200])).relative_l2
    # Theirs was calibrated on CIFAR-10, ours on pictures like those compared: it must not be the worse one.
    assert ours <= theirs * 1.1
