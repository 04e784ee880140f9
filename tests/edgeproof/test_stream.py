"""Streams: states that come back, belong to one stream each, and start anew; on files built node by node."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof import formats
from edgeproof.backends import Port
from edgeproof.contract import Contract, Emission, Graph, State, Stream, Tensor
from edgeproof.errors import Refused
from edgeproof.runner import Model
from edgeproof.stream import Following
from edgeproof.stream import Stream as Running

ENDS = (
    (Tensor("x", (None, 1, 2)), Tensor("sum", (None, 2))),
    (Tensor("y", (None, 2)), Tensor("sum.next", (None, 2))),
)
PLAN = Stream((State("sum", "sum.next"),), (Emission("y", False),))


@pytest.fixture(scope="session")
def counter(build_onnx: Callable[..., bytes]) -> Callable[..., Model]:
    """A step that adds its frame (1, 2) to its state and gives twice the sum."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def build(plan: Stream | None = PLAN) -> Model:
        graph = Graph("step", *ENDS, stream=plan)
        floats = onnx.TensorProto.FLOAT
        data = build_onnx(
            [
                ("Squeeze", ["x", "axis"], ["frame"]),
                ("Add", ["frame", "sum"], ["sum.next"]),
                ("Add", ["sum.next", "sum.next"], ["y"]),
            ],
            [("x", floats, ["n", 1, 2]), ("sum", floats, ["n", 2])],
            [("y", floats, ["n", 2]), ("sum.next", floats, ["n", 2])],
            {"axis": np.array([1], np.int64)},
            contract=Contract("counter", (graph,)),
        )
        return Model(data, formats.read_bytes(data, "counter.onnx"))

    return build


def frames(*values: float) -> np.ndarray:
    """A sequence (1, time, 2)."""
    return np.repeat(np.array(values, np.float32)[None, :, None], 2, axis=2)


def test_a_stream_carries_its_state(counter: Callable[..., Model]) -> None:
    stream = counter().stream()
    answers = [stream.step(frames(value))["y"][0, 0] for value in (1.0, 2.0, 3.0)]
    assert answers == [2.0, 6.0, 12.0]


def test_a_reset_stream_starts_anew(counter: Callable[..., Model]) -> None:
    stream = counter().stream()
    stream.step(frames(5.0))
    stream.reset()
    assert stream.steps == 0
    assert stream.step(frames(1.0))["y"][0, 0] == 2.0


def test_streams_of_one_model_do_not_mix(counter: Callable[..., Model]) -> None:
    model = counter()
    one, other = model.stream(), model.stream()
    alone = [one.step(frames(v))["y"] for v in (1.0, 2.0)]
    one.reset()
    mixed = []
    for value in (1.0, 2.0):
        mixed.append(one.step(frames(value))["y"])
        other.step(frames(100.0))
        model.infer({"x": frames(7.0, 7.0)})
    np.testing.assert_array_equal(mixed, alone)


def test_a_step_file_answers_whole_sequences_and_each_by_itself(counter: Callable[..., Model]) -> None:
    model = counter()
    assert [port.name for port in model.inputs] == ["x"]
    found = model.outputs({"x": np.concatenate([frames(1, 2, 3), frames(4, 5, 6)])})["y"]
    np.testing.assert_array_equal(found, [[12, 12], [30, 30]])
    np.testing.assert_array_equal(model.predict(frames(1, 2, 3)[0]).outputs["y"], [12, 12])


def test_sequences_side_by_side(counter: Callable[..., Model]) -> None:
    stream = counter().stream()
    both = np.concatenate([frames(1, 2), frames(10, 20)])
    last = list(stream.over({"x": both}))[-1]["y"]
    np.testing.assert_array_equal(last, [[6, 6], [60, 60]])


def test_what_flows_before_the_delay_is_kept_from_state_and_outputs(counter: Callable[..., Model]) -> None:
    plan = Stream((State("sum", "sum.next", delay=2),), (Emission("y", False, delay=2),))
    stream = counter(plan).stream()
    found = [stream.step(frames(value)) for value in (50.0, 60.0, 1.0, 2.0)]
    assert found[:2] == [{}, {}]
    assert [one["y"][0, 0] for one in found[2:]] == [2.0, 6.0]


def test_a_state_starts_from_its_initial_value(counter: Callable[..., Model]) -> None:
    plan = Stream((State("sum", "sum.next", initial=-3.0),), (Emission("y", False),))
    assert counter(plan).stream().step(frames(1.0))["y"][0, 0] == -4.0


def test_a_sequence_too_short_for_an_answer_is_refused(counter: Callable[..., Model]) -> None:
    plan = Stream((State("sum", "sum.next"),), (Emission("y", False, delay=2),))
    with pytest.raises(Refused, match="at least 3 time steps"):
        counter(plan).infer({"x": frames(1.0, 2.0)})


def test_a_file_of_no_step_gives_no_stream(counter: Callable[..., Model]) -> None:
    with pytest.raises(Refused, match="must hold a step"):
        counter(None).stream()


class Quantized:
    """A session in integers that hands its state on as it is: (x, state) -> (y, state)."""

    def __init__(self, into: Port, out: Port) -> None:
        self.inputs = (Port("x", (1, 1, 1), np.dtype("int8"), 0.5), into)
        self.outputs = (out, Port("y", (1, 1), np.dtype("int8"), 0.5))
        self.given: list[np.ndarray] = []

    def __call__(self, feeds: list[np.ndarray]) -> list[np.ndarray]:
        self.given.append(feeds[1])
        return [feeds[1].astype(self.outputs[0].dtype), feeds[0][:, 0]]

    def reset(self) -> None: ...


HELD = Stream((State("s", "s.next", initial=1.0),), (Emission("y", False),))
SCALES = st.floats(1e-4, 1e3)


@given(scale=SCALES, zero=st.integers(-128, 127), value=st.integers(-128, 127))
def test_a_state_keeps_its_integers_where_both_ends_mean_the_same(scale: float, zero: int, value: int) -> None:
    port = Port("s", (1, 1), np.dtype("int8"), float(scale), zero)
    session = Quantized(port, dataclasses.replace(port, name="s.next"))
    stream = Running(session, HELD)
    stream.step(np.zeros((1, 1, 1), np.float32))
    stream.states["s"] = np.array([[value]], np.int8)
    for _ in range(20):
        stream.step(np.zeros((1, 1, 1), np.float32))
    assert stream.states["s"].item() == value


@given(scale=st.floats(2**-10, 2**10), into=st.integers(-20, 20), out=st.integers(-20, 20))
def test_a_state_whose_ends_differ_is_requantized(scale: float, into: int, out: int) -> None:
    session = Quantized(
        Port("s", (1, 1), np.dtype("int8"), scale, into), Port("s.next", (1, 1), np.dtype("int8"), scale, out)
    )
    stream = Running(session, HELD)
    start = stream.states["s"].item()
    stream.step(np.zeros((1, 1, 1), np.float32))
    assert stream.states["s"].item() == np.clip(start - out + into, -128, 127)


def test_the_lowest_number_becomes_the_lowest_integer() -> None:
    port = Port("s", (1, 3), np.dtype("int8"), 0.1, 5)
    lowest = Stream((State("s", "s.next", initial=float(np.finfo(np.float32).min)),), (Emission("y", False),))
    stream = Running(Quantized(port, dataclasses.replace(port, name="s.next")), lowest)
    assert (stream.states["s"] == -128).all()


def test_ends_that_the_graph_has_not_are_refused() -> None:
    port = Port("other", (1, 1), np.dtype("int8"), 0.1)
    with pytest.raises(Refused, match="no s"):
        Running(Quantized(port, port), HELD)


def contract(graph: Graph) -> str:
    return Contract("counter", (graph,)).to_json()


def test_a_stream_goes_through_json() -> None:
    graph = Graph("step", *ENDS, stream=dataclasses.replace(PLAN, hop=3))
    assert Contract.from_json(contract(graph)).graph() == graph


def test_a_graph_without_a_stream_reads_as_before() -> None:
    assert "stream" not in contract(Graph("main", *ENDS))
    assert Contract.from_json(contract(Graph("main", *ENDS))).graph().stream is None


@pytest.mark.parametrize(
    "plan",
    [
        Stream((State("none", "sum.next"),), PLAN.outputs),
        Stream((State("sum", "y"),), PLAN.outputs),
        Stream(PLAN.states, ()),
        Stream((*PLAN.states, *PLAN.states), PLAN.outputs),
        Stream(PLAN.states, PLAN.outputs, hop=0),
        Stream((State("sum", "sum.next", delay=-1),), PLAN.outputs),
        Stream((State("x", "sum.next"),), PLAN.outputs),
    ],
)
def test_a_stream_that_does_not_fit_its_graph_is_refused(plan: Stream) -> None:
    with pytest.raises(Refused, match="stream"):
        Contract.from_json(contract(Graph("step", *ENDS, stream=plan)))


def test_a_foreign_file_that_keeps_state_answers_every_sample_alike(tmp_path: Path) -> None:
    """tf-keras's LSTM becomes one fused operator, which would go on from the sample before."""
    tf_keras = pytest.importorskip("tf_keras")
    tf = pytest.importorskip("tensorflow")
    model = tf_keras.Sequential([tf_keras.Input((5, 3), batch_size=1), tf_keras.layers.LSTM(4)])
    data = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    summary = formats.read_bytes(data, "fused.tflite")
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in summary.operator_counts
    x = np.random.default_rng(0).normal(size=(1, 5, 3)).astype(np.float32)
    run = Model(data, summary, kernels="builtin")
    name = run.inputs[0].name
    first, second = (next(iter(run.infer({name: x}).values())) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, model(x).numpy(), rtol=1e-5, atol=1e-6)


@settings(max_examples=20)
@given(time=st.integers(1, 12), hop=st.integers(1, 4))
def test_time_steps_that_fill_no_hop_are_left_over(time: int, hop: int) -> None:
    session = Quantized(Port("s", (1, 1), np.dtype("int8"), 0.1), Port("s.next", (1, 1), np.dtype("int8"), 0.1))
    session.inputs = (Port("x", (1, hop, 1), np.dtype("int8"), 0.5), session.inputs[1])
    stream = Running(session, dataclasses.replace(HELD, hop=hop))
    found = list(stream.over({"x": np.zeros((1, time, 1), np.float32)}))
    assert len(found) == time // hop


class Adding:
    """A session whose one logit vector is a sum: (constant, token, state) -> (logits, state)."""

    def __init__(self) -> None:
        floats, whole = np.dtype("float32"), np.dtype("int32")
        self.inputs = (Port("held", (1, 4), floats), Port("token", (1, 1), whole), Port("s", (1, 4), floats))
        self.outputs = (Port("logits", (1, 1, 4), floats), Port("s.next", (1, 4), floats))
        self.runs = 0

    def __call__(self, feeds: list[np.ndarray]) -> list[np.ndarray]:
        self.runs += 1
        held, token, state = feeds
        now = np.float32(0.5) * state + held + np.eye(4, dtype=np.float32)[token[:, 0] % 4]
        return [now[:, None], now]

    def reset(self) -> None: ...


GOING = Stream((State("s", "s.next"),), (Emission("logits", True),), constants=("held",), longest=6)
HELD_VALUE = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)


def whole_of(row: tuple[int, ...]) -> np.ndarray:
    """The last logits of a row stepped from the start."""
    stream = Running(Adding(), GOING)
    return np.asarray(stream({"held": HELD_VALUE, "token": np.array([row], np.int32)})["logits"][0, -1])


@given(data=st.data())
def test_rows_that_go_on_from_others_are_as_if_stepped_from_the_start(data: st.DataObject) -> None:
    session = Adding()
    stream = Running(session, GOING)
    stream.reset({"held": HELD_VALUE})
    following = Following(stream, lambda outputs: outputs["logits"])
    rows: list[tuple[int, ...]] = [(0,)]
    taken = 0
    for _ in range(4):
        np.testing.assert_array_equal(following(rows), [whole_of(row) for row in rows])
        taken += len(rows)
        assert session.runs == taken  # one step a row, whatever its length
        kept = data.draw(st.lists(st.sampled_from(rows), min_size=1, max_size=3))
        rows = [(*row, data.draw(st.integers(0, 3))) for row in kept]


def test_a_prompt_of_several_tokens_is_stepped_through() -> None:
    stream = Running(Adding(), GOING)
    stream.reset({"held": HELD_VALUE})
    following = Following(stream, lambda outputs: outputs["logits"])
    np.testing.assert_array_equal(following([(3, 1, 2)])[0], whole_of((3, 1, 2)))


def test_a_stream_without_its_constants_is_refused() -> None:
    with pytest.raises(Refused, match="before the first"):
        Running(Adding(), GOING).step(np.array([[1]], np.int32))


def test_constants_hold_until_others_come() -> None:
    stream = Running(Adding(), GOING)
    assert [port.name for port in stream.frames] == ["token"]
    assert [port.name for port in stream.inputs] == ["held", "token"]
    stream.reset({"held": HELD_VALUE})
    token = np.array([[1]], np.int32)
    first = stream.step(token)["logits"]
    stream.reset()
    np.testing.assert_array_equal(stream.step(token)["logits"], first)
    stream.reset({"held": HELD_VALUE + 1})
    np.testing.assert_allclose(stream.step(token)["logits"], first + 1)


def test_a_sequence_longer_than_the_graph_remembers_is_refused() -> None:
    stream = Running(Adding(), GOING)
    with pytest.raises(Refused, match="no more steps"):
        stream({"held": HELD_VALUE, "token": np.zeros((1, 7), np.int32)})


@pytest.mark.parametrize(
    "plan",
    [
        dataclasses.replace(PLAN, constants=("x",)),
        dataclasses.replace(PLAN, constants=("sum",)),
        dataclasses.replace(PLAN, constants=("none",)),
        dataclasses.replace(PLAN, longest=-1),
    ],
)
def test_constants_that_do_not_fit_the_graph_are_refused(plan: Stream) -> None:
    with pytest.raises(Refused, match="stream"):
        Contract.from_json(contract(Graph("step", *ENDS, stream=plan)))
