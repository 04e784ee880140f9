"""A long recording, window by window."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof import formats, windows
from edgeproof.contract import Contract, Decode, Frontend, Graph, Tensor
from edgeproof.errors import Refused
from edgeproof.runner import Model

STEPS = ({"op": "columns", "names": ["a"], "length": 4}, {"op": "band_pass", "rate": 2, "low": 0, "high": 1})


@pytest.fixture(scope="session")
def total(build_onnx: Callable[..., bytes]) -> Callable[..., Model]:
    """Whether the sum of two time steps is above zero."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def build(*, kind: str = "series", steps: tuple[dict[str, object], ...] = STEPS) -> Model:
        floats = onnx.TensorProto.FLOAT
        graph = Graph("main", (Tensor("x", (None, 2, 1)),), (Tensor("sum", (None, 1)),))
        frontends = (Frontend("x", kind, steps),)
        data = build_onnx(
            [("ReduceSum", ["x", "axis"], ["rows"]), ("Squeeze", ["rows", "axis"], ["sum"])],
            [("x", floats, ["n", 2, 1])],
            [("sum", floats, ["n", 1])],
            {"axis": np.array([1], np.int64)},
            contract=Contract(
                "total", (graph,), frontends=frontends, decode=Decode("detect", "sum"), labels=("low", "high")
            ),
        )
        return Model(data, formats.read_bytes(data, "total.onnx"))

    return build


@given(st.integers(0, 30), st.integers(1, 8), st.integers(1, 8))
def test_every_window_lies_whole_in_the_recording(time: int, length: int, hop: int) -> None:
    recording = np.arange(time * 2).reshape(time, 2)
    found = list(windows.slide(recording, length, hop))
    assert [begin for begin, _ in found] == [b for b in range(0, time, hop) if b + length <= time]
    for begin, window in found:
        np.testing.assert_array_equal(window, recording[begin : begin + length])


def test_each_window_is_answered_as_a_sample_of_its_own(total: Callable[..., Model]) -> None:
    model = total()
    recording = np.array([-3, -3, -3, -3, 5, 5, 5, 5, 5], float)[:, None]
    found = list(windows.answers(model, recording, 1.0))
    assert [(begin, end) for begin, end, _ in found] == [(0, 2), (1, 3), (2, 4)]
    for begin, end, prediction in found:
        alone = model.predict(recording[int(2 * begin) : int(2 * end)])
        assert (prediction.label, prediction.outputs["sum"]) == (alone.label, alone.outputs["sum"])
    assert [prediction.label for _, _, prediction in found][0::2] == ["low", "high"]


@pytest.mark.parametrize(
    ("hop", "rows", "match"),
    [(0.0, 9, "a time step or more"), (float("nan"), 9, "a time step or more"), (1.0, 3, "a window of 4 time steps")],
)
def test_hops_and_recordings_that_are_too_short_are_refused(
    total: Callable[..., Model], hop: float, rows: int, match: str
) -> None:
    with pytest.raises(Refused, match=match):
        list(windows.answers(total(), np.zeros((rows, 1)), hop))


def test_a_file_that_does_not_say_its_rate_has_no_windows(total: Callable[..., Model]) -> None:
    for model in (total(kind="array", steps=()), total(steps=STEPS[:1])):
        with pytest.raises(Refused, match="how long a window is"):
            list(windows.answers(model, np.zeros((9, 1)), 1.0))
