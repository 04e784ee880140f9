"""The contract as JSON: what goes in comes out, and nothing else is ever taken for one."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgeproof.contract import (
    DECODES,
    DEFAULT_TOLERANCES,
    PRECISIONS,
    SCORES,
    VERSION,
    Artifact,
    Contract,
    Decode,
    Frontend,
    Graph,
    Provenance,
    Score,
    Tensor,
    Tolerance,
    sample_hashes,
)
from edgeproof.errors import NewerContract, Refused

text = st.text(max_size=8)  # without surrogates, as UTF-8 has none
finite = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**70), 2**70)
scalars = st.none() | st.booleans() | whole | finite | text
json_values = st.recursive(scalars, lambda of: st.lists(of, max_size=3) | st.dictionaries(text, of, max_size=3))
json_objects = st.dictionaries(text, json_values, max_size=3)


def tuples(of: st.SearchStrategy[Any], smallest: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=smallest, max_size=3).map(tuple)


tensors = st.builds(Tensor, text, tuples(st.none() | whole), text, text, text)
graphs = st.builds(Graph, text, tuples(tensors), tuples(tensors))
tolerances = st.builds(Tolerance, *[st.none() | finite] * 4)
scores = st.builds(Score, text, finite, st.tuples(finite, finite), whole, text, text)
provenances = st.builds(
    Provenance, text, json_objects, st.none() | whole, text, text, tuples(text), st.dictionaries(text, text, max_size=3)
)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    held = draw(tuples(graphs, smallest=1))
    name = st.sampled_from([graph.name for graph in held])
    return draw(
        st.builds(
            Contract,
            name=text,
            graphs=st.just(held),
            title=text,
            frontends=tuples(st.builds(Frontend, text, text, tuples(json_objects))),
            decode=st.builds(
                Decode,
                st.sampled_from([kind for kind in DECODES if kind != "transcribe"]),
                text,
                st.sampled_from(SCORES),
            ),
            labels=tuples(text),
            score=st.none() | scores,
            tolerances=st.dictionaries(text, tolerances, max_size=3),
            refused=st.dictionaries(text, text, max_size=3),
            provenance=provenances,
            artifact=st.none() | st.builds(Artifact, text, text, name, json_objects),
        )
    )


FULL = Contract(
    name="full",
    title="one of everything",
    graphs=(Graph("main", (Tensor("image", (None, 8, 8, 1)),), (Tensor("logits", (None, 2)),)), Graph("step", (), ())),
    frontends=(Frontend("image", "image", ({"op": "resize", "height": 8, "width": 8},)),),
    decode=Decode("classify", "logits", "logits"),
    labels=("no", "yes"),
    score=Score("accuracy", 0.75, (0.5, 0.9), 8, "made", "test"),
    tolerances={"int8": Tolerance(drop=1.0)},
    refused={"onnx:int8": "because"},
    provenance=Provenance("full", {"epochs": 3}, 7, "ab", "cd", ("ef",), {"keras": "3"}),
    artifact=Artifact("tflite", "int8", "main", {"scheme": "static"}),
)
PLAIN = json.loads(FULL.to_json())


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value within a JSON value, itself included."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def changed(path: tuple[str | int, ...], value: Any) -> Any:
    """The full contract's JSON with another value at `path`, or without the entry where `value` is ...."""
    if not path:
        return None if value is ... else value
    whole = copy.deepcopy(PLAIN)
    place = whole
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return whole


@given(contracts())
def test_json_gives_the_same_contract_back_and_is_canonical(contract: Contract) -> None:
    text = contract.to_json()
    assert Contract.from_json(text) == contract
    assert Contract.from_json(contract.to_json(indent=2).encode()) == contract
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert Contract.from_json(text).to_json() == text


def test_json_does_not_depend_on_the_order_in_which_dictionaries_were_filled() -> None:
    one, other = (Provenance(settings=settings) for settings in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert dataclasses.replace(FULL, provenance=one).to_json() == dataclasses.replace(FULL, provenance=other).to_json()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_are_not_written(value: float) -> None:
    assert FULL.score is not None
    with pytest.raises(ValueError, match="JSON compliant"):
        dataclasses.replace(FULL, score=dataclasses.replace(FULL.score, value=value)).to_json()


hostile = json_values | st.floats() | st.just(10**400) | st.just("\ud800") | st.just(...)


@settings(max_examples=400)
@given(st.sampled_from(list(places(PLAIN))), hostile)
def test_any_value_at_any_place_gives_a_contract_or_a_refusal(path: tuple[str | int, ...], value: Any) -> None:
    try:
        contract = Contract.from_json(json.dumps(changed(path, value)))
    except Refused:
        return
    # What is taken is whole: it can be written, and read again.
    assert Contract.from_json(contract.to_json()) == contract
    assert contract.graph() in contract.graphs


@given(st.text() | st.binary() | hostile.filter(lambda value: value is not ...).map(json.dumps))
def test_anything_else_is_refused(other: str | bytes) -> None:
    with pytest.raises(Refused):
        Contract.from_json(other)


def test_no_beginning_of_a_contract_is_a_contract() -> None:
    text = FULL.to_json()
    for length in range(len(text)):
        with pytest.raises(Refused):
            Contract.from_json(text[:length])


@pytest.mark.parametrize("text", ["NaN", "1e999", "-Infinity", '"\\ud800"'])
@pytest.mark.parametrize("place", ['"value":0.75', '"epochs":3', '"name":"full"', '"height":8'])
def test_values_that_python_reads_but_json_lacks_are_refused(place: str, text: str) -> None:
    key = place.split(":")[0]
    assert place in FULL.to_json()
    with pytest.raises(Refused):
        Contract.from_json(FULL.to_json().replace(place, f"{key}:{text}"))


def test_number_past_the_largest_float_is_refused() -> None:
    with pytest.raises(Refused, match=r"score\.value"):
        Contract.from_json(FULL.to_json().replace('"value":0.75', '"value":1' + "0" * 400))


@pytest.mark.parametrize("depth", [33, 900, 100_000])
def test_nesting_that_no_reader_could_follow_is_refused(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    with pytest.raises(Refused, match="not JSON"):
        Contract.from_json(FULL.to_json().replace('"epochs":3', f'"epochs":{deep}'))


def test_whole_numbers_serve_as_floats() -> None:
    assert Contract.from_json(json.dumps(changed(("score", "value"), 1))).score == dataclasses.replace(
        FULL.score,
        value=1.0,  # type: ignore[type-var]
    )


def required(kind: Any) -> list[str]:
    missing = dataclasses.MISSING
    return [f.name for f in dataclasses.fields(kind) if f.default is missing and f.default_factory is missing]


@pytest.mark.parametrize(
    "path",
    [
        *((name,) for name in required(Contract)),
        *(("graphs", 0, name) for name in required(Graph)),
        *(("graphs", 0, "inputs", 0, name) for name in required(Tensor)),
        *(("score", name) for name in required(Score)),
        *(("artifact", name) for name in required(Artifact)),
    ],
)
def test_missing_field_is_named(path: tuple[str | int, ...]) -> None:
    with pytest.raises(Refused, match=f"no field .*{path[-1]}"):
        Contract.from_json(json.dumps(changed(path, ...)))


@pytest.mark.parametrize("path", [("extra",), ("score", "extra"), ("graphs", 0, "extra")])
def test_unknown_field_is_named(path: tuple[str | int, ...]) -> None:
    with pytest.raises(Refused, match=r"unknown field .*extra"):
        Contract.from_json(json.dumps(changed(path, 1)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("name",), 3),
        (("labels",), "01"),
        (("labels", 1), None),
        (("graphs", 0, "inputs", 0, "shape", 0), 2.5),
        (("graphs", 0, "inputs", 0, "shape", 0), True),
        (("score", "interval"), [0.1, 0.2, 0.3]),
        (("score", "value"), "0.5"),
        (("tolerances", "int8"), 1.0),
    ],
)
def test_value_of_the_wrong_type_is_named_with_its_place(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(Refused) as refusal:
        Contract.from_json(json.dumps(changed(path, value)), source="some.tflite")
    assert "some.tflite" in refusal.value.rule
    assert str(next(key for key in reversed(path) if isinstance(key, str))) in refusal.value.received


def test_newer_version_says_what_to_install() -> None:
    newer = {"version": VERSION + 1, "anything": "that this version can not know"}
    with pytest.raises(NewerContract) as refusal:
        Contract.from_json(json.dumps(newer), source="some.tflite")
    assert f"version {VERSION + 1} in some.tflite" in refusal.value.received
    assert "newer" in refusal.value.fix


@pytest.mark.parametrize("version", [0, -1, None, True, 1.0, "1", [1]])
def test_other_versions_are_refused_and_not_called_newer(version: Any) -> None:
    with pytest.raises(Refused) as refusal:
        Contract.from_json(json.dumps(changed(("version",), version)))
    assert not isinstance(refusal.value, NewerContract)


def test_contract_without_a_graph_is_refused() -> None:
    with pytest.raises(Refused, match="no graph"):
        Contract.from_json(json.dumps(changed(("graphs",), [])))


def test_artifact_of_a_graph_that_is_not_described_is_refused() -> None:
    with pytest.raises(Refused, match="decoder"):
        Contract.from_json(json.dumps(changed(("artifact", "graph"), "decoder")))


def test_graph_is_the_one_named_or_the_artifacts_or_the_first() -> None:
    step = dataclasses.replace(FULL, artifact=Artifact("tflite", "f32", "step"))
    assert FULL.graph("step").name == "step"
    assert step.graph().name == "step"
    assert dataclasses.replace(FULL, artifact=None).graph().name == "main"
    with pytest.raises(KeyError):
        FULL.graph("decoder")


def test_input_that_no_frontend_mentions_takes_arrays_as_they_are() -> None:
    assert FULL.frontend("image").kind == "image"
    assert FULL.frontend("state") == Frontend("state", "array", ())


def test_stated_tolerance_wins_over_the_default() -> None:
    assert FULL.tolerance("int8") == Tolerance(drop=1.0)
    assert FULL.tolerance("f32") == DEFAULT_TOLERANCES["f32"]


def test_every_precision_has_a_default_that_judges() -> None:
    assert set(DEFAULT_TOLERANCES) == set(PRECISIONS)
    assert all(t.relative is not None or t.relative_l2 is not None for t in DEFAULT_TOLERANCES.values())


def test_contract_can_not_be_changed_by_accident() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.name = "other"  # type: ignore[misc]


def test_sample_hash_is_the_beginning_of_a_sha256_that_anyone_can_repeat() -> None:
    samples = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    expected = hashlib.sha256(b"|u1(2, 2)" + bytes([4, 5, 6, 7])).hexdigest()[:8]
    assert sample_hashes(samples)[1] == expected


batches = arrays.arrays(
    st.sampled_from([np.uint8, np.int8, np.int16, np.float32]),
    arrays.array_shapes(min_dims=1, max_dims=3, max_side=4),
    elements=st.integers(0, 3),
)


@given(batches, batches)
def test_samples_share_a_hash_only_if_they_are_the_same(one: np.ndarray, other: np.ndarray) -> None:
    same = one.dtype == other.dtype and one.shape[1:] == other.shape[1:] and one[0].tobytes() == other[0].tobytes()
    assert (sample_hashes(one)[0] == sample_hashes(other)[0]) == same


@given(batches)
def test_sample_hashes_do_not_depend_on_neighbours_or_on_layout_in_memory(samples: np.ndarray) -> None:
    hashes = sample_hashes(samples)
    assert len(hashes) == len(samples)
    assert hashes == tuple(sample_hashes(samples[i : i + 1])[0] for i in range(len(samples)))
    assert sample_hashes(np.asfortranarray(samples)) == hashes
    assert sample_hashes(samples[::-1]) == hashes[::-1]


def test_a_refusal_stays_short_whatever_a_contract_says() -> None:
    with pytest.raises(Refused) as refused:
        Contract.from_json(json.dumps({"version": 1, "x" * 100_000: 1}))
    assert len(str(refused.value)) < 1000
