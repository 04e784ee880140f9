"""What several rooms' tests share: one exported LeNet-5, and the folder of public data beside the checkout."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated

ROOT = Path(__file__).resolve().parents[1]

# The same kernels, and so the same figures, with and without a GPU; read when TensorFlow is first imported.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


# How long one example takes says more about what else the machine does than about the code. In continuous integration
# the examples follow from the test alone, so that a change is judged by itself; elsewhere each run draws others.
hypothesis.settings.register_profile(
    "edgeproof",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.load_profile("edgeproof")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with public data and third-party checkpoints: $EDGEPROOF_SHARED, or `shared` beside the checkout."""
    folder = Path(os.environ.get("EDGEPROOF_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} (EDGEPROOF_SHARED)")
    return folder


@pytest.fixture(scope="session")
def schema() -> Any:
    """The reader and writer of .tflite files that flatbuffers' compiler makes of their schema: the oracle for ours."""
    return schema_py_generated


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as training and export leave it, to read and not to write in:

        lenet5.h5      LeNet-5 (relu) with its contract, right on some 90% of the digits
        samples.npz    450 labelled evaluation samples and 200 for calibration, of scikit-learn's digits
        sample.png     the first evaluation sample, a zero
        export/        lenet5.f32.tflite, lenet5.int8.tflite, lenet5.f32.onnx, report.json, report.html

    Nothing is trained: the layers are as they were drawn, and the last one is solved for by least squares. The
    pictures are 8x8, so that every reader resizes them.
    """

    def make(folder: Path) -> None:
        _checkpoint(folder)
        # A network that never learned to keep classes apart loses more to rounding than the default half point.
        command = [sys.executable, "-m", "export", str(folder), "--max-drop", "5", "--to"]
        command += ["tflite:f32", "tflite:int8", "onnx:f32"]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr

    return once("exported", make, tmp_path_factory)


def once(name: str, make: Callable[[Path], None], factory: pytest.TempPathFactory) -> Path:
    """A folder that one of the processes that share the tests makes, and all of them read."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = factory.getbasetemp() if alone else factory.getbasetemp().parent
    whole, part = base / name, base / f"{name}-{os.getpid()}"
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            part.mkdir()
            make(part)
            part.rename(whole)
    return whole


def _checkpoint(folder: Path) -> None:
    import keras
    from PIL import Image
    from sklearn.datasets import load_digits

    from edgeproof import frontend
    from edgeproof.contract import Contract, Decode, Frontend, Graph, Provenance, Tensor
    from edgeproof.samples import Samples
    from models.lenet5 import build_lenet5
    from train import checkpoint

    digits = load_digits()
    pixels, labels = np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target.astype(np.int64)
    steps = (
        {"op": "channels", "channels": 1},
        {"op": "resize", "height": 28, "width": 28},
        {"op": "scale", "factor": 1 / 255.0, "offset": 0.0},
    )
    image = Frontend("image", "image", steps)

    keras.utils.set_random_seed(1)
    model = build_lenet5()
    below = keras.Model(model.inputs, model.get_layer("f6").output)
    features = np.asarray(below.predict(frontend.apply(image, pixels), verbose=0), np.float64)
    features = np.column_stack([features, np.ones(len(features))])
    fitted = features[450:]
    weights = np.linalg.solve(
        fitted.T @ fitted + 1e-3 * np.eye(fitted.shape[1]), fitted.T @ np.eye(10)[labels[450:]] * 10
    )
    model.get_layer("logits").set_weights([weights[:-1], weights[-1]])

    ends = (Tensor("image", (None, 28, 28, 1), "float32", "NHWC"),), (Tensor("logits", (None, 10), "float32", "NC"),)
    contract = Contract(
        name="lenet5",
        title="LeNet-5 (relu)",
        graphs=(Graph("main", *ends),),
        frontends=(image,),
        decode=Decode("classify", output="logits", scores="logits"),
        labels=tuple("0123456789"),
        provenance=Provenance(recipe="lenet5", seed=1),
    )
    checkpoint.write(folder / "lenet5.h5", model, contract)
    manifest = {"data": "digits", "evaluation": "the first 450", "calibration": "200 of the rest"}
    Samples({"image": pixels[:450]}, {"image": pixels[450:650]}, labels[:450], manifest).write(folder / "samples.npz")
    Image.fromarray(pixels[0]).save(folder / "sample.png")
