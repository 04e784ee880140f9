"""Seeds of the fuzzer: small models in every format, as converters and Keras write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from export.quantize.plan import DEFAULT
from export.worker import Worker

from .campaign import Seeds

# A contract of a step graph, which has parts that the small model's has not.
_STREAM = (
    '{"version": 1, "name": "s", "graphs": [{"name": "step", "inputs": [{"name": "x", "shape": [null, 1, 4], "dtype": '
    '"float32", "layout": "NTC", "meaning": ""}, {"name": "h", "shape": [null, 3], "dtype": "float32", "layout": "NC", '
    '"meaning": ""}], "outputs": [{"name": "y", "shape": [null, 3], "dtype": "float32", "layout": "NC", '
    '"meaning": ""}, {"name": "g", "shape": [null, 3], "dtype": "float32", "layout": "NC", "meaning": ""}], '
    '"stream": {"states": [{"input": "h", "output": "g", "initial": 0.0, "delay": 0}], "outputs": [], "hop": 1}}]}'
)


@pytest.fixture(scope="session")
def fuzz_seeds(small: Any, worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Seeds:
    """Files to damage, by kind."""
    folder = tmp_path_factory.mktemp("seeds")
    found: Seeds = {"h5": [], "keras": [], "tflite": [], "onnx": [], "contract": []}
    for path in worker.call("children:save_seeds", folder=str(folder)):
        found[Path(path).suffix[1:]].append(Path(path).read_bytes())
    with h5py.File(small.checkpoint) as file:
        contract = str(file.attrs["edgeproof.contract"])
    found["h5"].insert(0, small.checkpoint.read_bytes())
    found["contract"] += [contract.encode(), _STREAM.encode()]
    calibration = folder / "calibration.npz"
    worker.call("children:random_tensors", path=str(calibration))
    for kind, precision in (("tflite", "f32"), ("tflite", "int8"), ("onnx", "f32"), ("onnx", "int8")):
        path = folder / f"small.{precision}.{kind}"
        worker.call(
            "export.tasks:convert", checkpoint=str(small.checkpoint), calibration=str(calibration), format=kind,
            precision=precision, path=str(path), contract=contract, plan=DEFAULT.to_dict(),
        )  # fmt: skip
        found[kind].append(path.read_bytes())
    return found
