"""Stepping is the whole sequence: for drawn architectures in float, and refused where it could not be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeproof.errors import Refused
from export.worker import Worker

UNITS = st.integers(1, 5)
RECURRENT = st.one_of(
    st.tuples(st.just("LSTM"), st.fixed_dictionaries({"units": UNITS, "use_bias": st.booleans()})),
    st.tuples(st.just("GRU"), st.fixed_dictionaries({"units": UNITS, "reset_after": st.booleans()})),
    st.tuples(st.just("SimpleRNN"), st.fixed_dictionaries({"units": UNITS})),
).map(lambda layer: [layer[0], {**layer[1], "return_sequences": True}])
WINDOWED = st.one_of(
    st.tuples(
        st.just("Conv1D"),
        st.fixed_dictionaries(
            {
                "filters": UNITS,
                "kernel_size": st.integers(1, 4),
                "strides": st.integers(1, 2),
                "padding": st.sampled_from(["causal", "valid"]),
                "activation": st.sampled_from(["relu", "tanh"]),
            }
        ),
    ),
    st.tuples(
        st.just("Conv1D"),
        st.fixed_dictionaries(
            {
                "filters": UNITS,
                "kernel_size": st.integers(2, 3),
                "dilation_rate": st.integers(2, 3),
                "padding": st.sampled_from(["causal", "valid"]),
            }
        ),
    ),
    st.tuples(
        st.sampled_from(["MaxPooling1D", "AveragePooling1D"]),
        st.fixed_dictionaries({"pool_size": st.integers(1, 3), "strides": st.integers(1, 2)}),
    ),
    st.tuples(st.just("DepthwiseConv1D"), st.fixed_dictionaries({"kernel_size": st.integers(1, 3)})),
    st.tuples(st.just("Cropping1D"), st.fixed_dictionaries({"cropping": st.tuples(st.integers(0, 2), st.just(0))})),
).map(list)
EACH = st.sampled_from(
    [
        ["Dense", {"units": 3, "activation": "relu"}],
        ["LayerNormalization", {}],
        ["BatchNormalization", {}],
        ["Dropout", {"rate": 0.5}],
        ["Activation", {"activation": "tanh"}],
        ["EinsumDense", {"equation": "...x,xy->...y", "output_shape": [3], "bias_axes": "y"}],
    ]
)
END = st.sampled_from(
    [
        [],
        [["LSTM", {"units": 3}]],
        [["GRU", {"units": 2}], ["Dense", {"units": 2}]],
        [["GlobalMaxPooling1D", {}], ["Dense", {"units": 2}]],
        [["GlobalAveragePooling1D", {}], ["Dense", {"units": 2}]],
    ]
)
NETWORKS = st.tuples(st.lists(st.one_of(RECURRENT, WINDOWED, EACH), min_size=1, max_size=4), END).map(
    lambda parts: parts[0] + parts[1]
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(layers=NETWORKS, features=st.integers(1, 4), seed=st.integers(0, 1000))
def test_stepping_is_the_whole_sequence(worker: Worker, layers: list[Any], features: int, seed: int) -> None:
    try:
        found = worker.call("steppers:compare", layers=layers, features=features, time=48, seed=seed)
    except Refused as refusal:
        assume(not any(words in refusal.received for words in ("when 48 time steps are over", "cuts within a step")))
        raise
    ours, whole = found["shapes"]
    assert ours == whole
    # Kernels sum a step's products in another order than a sequence's; recurrence carries the last bit on.
    assert found["relative"] < 1e-5
    assert found["names"][0] == found["names"][1]


@pytest.mark.parametrize(
    ("layers", "hop", "states"),
    [
        ([["LSTM", {"units": 4, "name": "lstm_1"}]], 1, [["lstm_1.h", 0], ["lstm_1.c", 0]]),
        ([["GRU", {"units": 4, "name": "gru"}]], 1, [["gru.h", 0]]),
        ([["Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal", "name": "c"}]], 1, [["c.past", 0]]),
        (
            [["Conv1D", {"filters": 2, "kernel_size": 3, "name": "c"}], ["LSTM", {"units": 2, "name": "l"}]],
            1,
            [["c.past", 0], ["l.h", 2], ["l.c", 2]],
        ),
        (
            [
                ["MaxPooling1D", {"pool_size": 2}],
                ["AveragePooling1D", {"pool_size": 2}],
                ["GRU", {"units": 2, "name": "g"}],
            ],
            4,
            [["g.h", 0]],
        ),
        ([["RNN", {"cell": None, "name": "r"}]], 1, [["r.s0", 0], ["r.s1", 0], ["r.s2", 0]]),
    ],
)
def test_states_have_stable_names_and_delays(worker: Worker, layers: list[Any], hop: int, states: list[Any]) -> None:
    if layers[0][0] == "RNN":
        found = worker.call("steppers:compare_cells", time=24)
    else:
        found = worker.call("steppers:compare", layers=layers, features=3, time=24, seed=0)
    assert (found["hop"], found["states"]) == (hop, states)
    assert found["relative"] < 1e-6


REFUSED = [
    (["Bidirectional", {}], "from the end of the sequence"),
    (["Flatten", {}], "lays time out"),
    (["Reshape", {"target_shape": [-1]}], "lays time out"),
    (["Permute", {"dims": [2, 1]}], "lays time out"),
    (["Conv1D", {"filters": 2, "kernel_size": 3, "padding": "same"}], "looks ahead"),
    (["MaxPooling1D", {"pool_size": 2, "padding": "same"}], "looks ahead"),
    (["Masking", {}], "feed the stream only the steps that count"),
    (["LSTM", {"units": 2, "go_backwards": True}], "runs from the end"),
    (["LayerNormalization", {"axis": 1}], "along the axis of time"),
    (["BatchNormalization", {"axis": 1}], "along the axis of time"),
    (["Softmax", {"axis": 1}], "along the axis of time"),
    (["PReLU", {}], "a slope for every time step"),
    (["GroupNormalization", {"groups": 1}], "LayerNormalization"),
    (["EinsumDense", {"equation": "abc,bd->adc", "output_shape": [5, 4]}], "mixes time steps"),
    (["UpSampling1D", {}], "repeats steps"),
    (["ZeroPadding1D", {}], "not known to act on each time step"),
    (["Conv1D", {"filters": 2, "kernel_size": 2, "data_format": "channels_first"}], "data_format='channels_last'"),
]


@pytest.mark.parametrize(("layer", "said"), REFUSED, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_what_needs_more_than_the_past_is_refused(worker: Worker, layer: list[Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        worker.call("steppers:refuse", layer=layer)
    assert said in str(refused.value)
    assert refused.value.fix


def test_frames_that_a_stream_would_hold_back_are_refused(worker: Worker) -> None:
    layers = [["Conv1D", {"filters": 2, "kernel_size": 2}], ["MaxPooling1D", {"pool_size": 1, "strides": 2}]]
    with pytest.raises(Refused, match="when 48 time steps are over"):
        worker.call("steppers:compare", layers=layers, features=2, time=48, seed=0)


def test_strides_that_make_no_stream_are_refused(worker: Worker) -> None:
    layers = [["MaxPooling1D", {"pool_size": 8}]] * 3
    with pytest.raises(Refused, match="strides over time may multiply"):
        worker.call("steppers:compare", layers=layers, features=2, time=1024, seed=0)


def test_graphs_with_branches_and_shared_layers_step(worker: Worker) -> None:
    assert worker.call("steppers:compare_branches", time=20) < 1e-6


def test_a_model_whose_branches_run_at_different_times_is_refused(worker: Worker) -> None:
    with pytest.raises(Refused, match="different times"):
        worker.call("steppers:uneven_branches")


def test_attention_over_the_sequence_is_refused(worker: Worker) -> None:
    with pytest.raises(Refused, match="the whole sequence"):
        worker.call("steppers:attend")


@pytest.mark.parametrize(
    ("variant", "longest", "states"),
    [
        ("lstm", 0, ["writer.h", "writer.c"]),
        (
            "transformer",
            7,
            ["seen", *(f"write{i}_attention.{part}" for i in (1, 2) for part in ("key", "value"))],
        ),
    ],
)
def test_what_writes_steps_with_what_it_reads_held(
    worker: Worker, variant: str, longest: int, states: list[str]
) -> None:
    found = worker.call("steppers:compare_writer", variant=variant)
    assert found["relative"] < 1e-5
    assert (found["constants"], found["longest"], found["states"]) == (["memory"], longest, states)


def test_steps_behind_an_answer_s_end_are_not_calibrated_on(worker: Worker) -> None:
    found = worker.call("steppers:calibrated_writer")
    wanted = [[0, 0]] * 3 + [[3, 1], [4, 2]] + [[token, place] for place, token in enumerate(range(5, 11), start=1)]
    assert found == sorted(wanted)


def test_a_sequence_that_is_there_as_a_whole_joins_no_stream(worker: Worker) -> None:
    with pytest.raises(Refused, match="one that is there as a whole"):
        worker.call("steppers:join_memory")
