"""Folders of parts: what makes one system, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeproof import folder as folders
from edgeproof import system
from edgeproof.backends import Port
from edgeproof.contract import (
    Artifact,
    Contract,
    Decode,
    Emission,
    Frontend,
    Graph,
    Provenance,
    State,
    Stream,
    Tensor,
)
from edgeproof.decode.search import Manner, Tokens
from edgeproof.errors import Refused

STEP = {"op": "characters", "length": 5}
WHOLE = Contract(
    name="said",
    graphs=(
        Graph("main", (Tensor("tokens", (None, 4), "int32"), Tensor("written", (None, 5), "int32")), ()),
        Graph("encoder", (Tensor("tokens", (None, 4), "int32"),), (Tensor("memory", (None, 4)),)),
        Graph(
            "decoder",
            (Tensor("memory", (None, 4)), Tensor("written", (None, 5), "int32")),
            (Tensor("logits", (None, 5, 6)),),
        ),
    ),
    frontends=(
        Frontend("tokens", "text", ({**STEP, "vocabulary": "abcd", "length": 4},)),
        Frontend("written", "text", ({**STEP, "vocabulary": "abcd", "fill": "shifted"},)),
    ),
    decode=Decode("answer", "logits"),
    provenance=Provenance(checkpoint_sha256="1" * 64),
)


def artifact(graph: str, precision: str = "int8", origin: str = "1" * 64) -> Contract:
    own = dataclasses.replace(WHOLE.of(graph), artifact=Artifact("tflite", precision, graph))
    return dataclasses.replace(own, provenance=Provenance(checkpoint_sha256=origin))


class Part:
    """A part that copies: the memory is the tokens, and each step's logits call for the token at its place."""

    def __init__(self, data: Any, summary: Any, **_: Any) -> None:
        self.contract: Contract = summary.contract
        graph = self.contract.graph()
        self.inputs = tuple(Port(t.name, t.shape, np.dtype(t.dtype)) for t in graph.inputs)
        outputs = tuple(Port(t.name, t.shape, np.dtype(t.dtype)) for t in graph.outputs)
        self.session = SimpleNamespace(outputs=outputs)
        self.runs = 0

    def feeds(self, raw: Mapping[str, Any], ports: list[Port]) -> dict[str, np.ndarray]:
        return {port.name: np.array([[0, *("  abcd".index(c) for c in raw[port.name])][-4:]]) for port in ports}

    def infer(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.runs += 1
        return {"memory": feeds["tokens"].astype(np.float32)}

    def following(self, given: Mapping[str, np.ndarray]) -> Callable[[list[Tokens]], np.ndarray]:
        wanted = np.append(given["memory"][0].astype(int), 0)
        return lambda told: np.repeat(np.eye(6)[wanted[len(told[0])]][None] * 20, len(told), axis=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that fills a folder with files of these contracts."""
    held: dict[str, Contract] = {}
    monkeypatch.setattr(folders.formats, "read_bytes", lambda data, source: SimpleNamespace(contract=held[source]))
    monkeypatch.setattr(folders, "Model", Part)

    def fill(**contracts: Contract) -> Path:
        for name, contract in contracts.items():
            path = tmp_path / f"{name}.tflite"
            path.write_bytes(b"-")
            held[str(path)] = contract
        return tmp_path

    return fill


def test_parts_are_run_as_the_whole(folder: Any) -> None:
    whole = dataclasses.replace(WHOLE, artifact=Artifact("tflite", "int8", "main"))
    found = system.load(folder(a=artifact("decoder"), b=artifact("encoder"), c=whole))
    assert [port.name for port in found.inputs] == ["tokens"]
    assert found.predict("dbca").label == "dbca"
    answer = found.predict("dbca", Manner(beam=3))
    assert answer.ranking[0] == ("dbca", pytest.approx(1.0, abs=1e-6))
    assert len(answer.ranking) == 3


def test_several_sets_are_told_apart_by_name(folder: Any) -> None:
    sets = {f"{graph}{p[:1]}{p[1:]}": artifact(graph, p) for graph in ("encoder", "decoder") for p in ("f32", "int8")}
    place = folder(**sets)
    with pytest.raises(Refused, match="one format and precision"):
        system.load(place)
    with pytest.raises(Refused, match="tflite:f16 is asked for"):
        system.load(place, parts="tflite:f16")
    assert system.load(place, parts="tflite:int8").predict("ab").label == ""  # padding comes first, and ends it


def step(origin: str = "1" * 64) -> Contract:
    """Of a file that holds a step of the decoder."""
    memory = WHOLE.graph("decoder").inputs[0]
    graph = Graph(
        "decoder.step",
        (memory, Tensor("written", (None, 1), "int32"), Tensor("h", (None, 2))),
        (Tensor("logits", (None, 1, 6)), Tensor("h.next", (None, 2))),
        Stream((State("h", "h.next"),), (Emission("logits", True),), constants=("memory",), of="decoder"),
    )
    own = dataclasses.replace(WHOLE, graphs=(graph,), artifact=Artifact("tflite", "int8", "decoder.step"))
    return dataclasses.replace(own, provenance=Provenance(checkpoint_sha256=origin))


@pytest.mark.parametrize("beside", [True, False])
def test_a_part_is_stepped_where_its_step_is_there(folder: Any, beside: bool) -> None:
    files = {"a": artifact("encoder"), "b": step(), **({"c": artifact("decoder")} if beside else {})}
    assert folders.opened(folder(**files)).models["decoder"].contract.graph().name == "decoder.step"


def test_a_step_of_another_checkpoint_is_refused(folder: Any) -> None:
    with pytest.raises(Refused, match="one checkpoint"):
        folders.opened(folder(a=artifact("encoder"), b=artifact("decoder"), c=step(origin="3" * 64)))


def test_mixtures_and_lost_parts_are_refused(folder: Any) -> None:
    with pytest.raises(Refused, match="no part"):
        system.load(folder())
    place = folder(a=artifact("decoder"))
    with pytest.raises(Refused, match="no encoder"):
        system.load(place)
    with pytest.raises(Refused, match="one checkpoint") as refusal:
        system.load(folder(b=artifact("encoder", origin="2" * 64)))
    assert "11111111, 22222222" in refusal.value.received
