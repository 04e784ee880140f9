"""Packing: the same function in fewer bytes, aligned, whatever tool wrote the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeproof import formats as files
from edgeproof.runner import Model
from export import flatbuffer
from export.quantize import apply
from export.quantize.plan import Plan
from export.quantize.ranges import observe

TINY = Path("checkpoints/mlperf-tiny")


@pytest.mark.parametrize(
    "name", ["pretrainedResnet_quant", "ad01_int8", "vww_96_int8", "str_ww_ref_model", "ad01_fp32"]
)
def test_other_peoples_files_answer_the_same_packed_anew_and_smaller(shared: Path, name: str) -> None:
    path = shared / TINY / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in the shared data")
    data = path.read_bytes()
    packed = flatbuffer.pack(flatbuffer.unpack(data))
    assert len(packed) < len(data)
    before, after = files.read_bytes(data, name), files.read_bytes(packed, name)
    assert after.aligned
    assert after.operator_counts == before.operator_counts
    models = [Model(d, s, kernels="xnnpack") for d, s in ((data, before), (packed, after))]
    end = models[0].session.inputs[0]
    x = np.random.default_rng(0).normal(size=(1, *end.shape[1:])).astype(np.float32)
    answers = [next(iter(model.infer({model.session.inputs[0].name: x}).values())) for model in models]
    assert np.array_equal(*answers)


def test_packing_what_was_packed_changes_nothing(chain: Callable[..., bytes]) -> None:
    weight = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    data = chain(("FULLY_CONNECTED", ["x", weight], (1, 4), ("FullyConnectedOptions", {})), inputs={"x": (1, 12)})
    once = flatbuffer.pack(flatbuffer.unpack(data))
    assert flatbuffer.pack(flatbuffer.unpack(once)) == once


def test_scales_and_zero_points_that_are_equal_are_stored_once(chain: Callable[..., bytes]) -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(64, 64)).astype(np.float32)
    step = ("FULLY_CONNECTED", weight, (1, 64), ("FullyConnectedOptions", {}))

    def size(n: int) -> int:
        first = (step[0], ["x", weight], *step[2:])
        rest = [(step[0], [-1, weight], *step[2:]) for _ in range(n - 1)]
        data = chain(first, *rest, inputs={"x": (1, 64)})
        found = {t: v.range("min-max") for t, v in observe(data, {"x": rng.normal(size=(2, 64)).astype("f4")}).items()}
        return len(apply.quantize(data, found, Plan()).data)

    # Nor are the weight's bytes: a second layer of the same weight costs its two tensors and its operator.
    assert size(2) - size(1) < 400
