"""Folders of parts: what makes one system, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeproof import folder as folders
from edgeproof import system
from edgeproof.backends import Port
from edgeproof.contract import Artifact, Contract, Decode, Frontend, Graph, Provenance, Tensor
from edgeproof.decode.search import Manner
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

    def after(self, given: Mapping[str, np.ndarray], written: str, rows: np.ndarray) -> dict[str, np.ndarray]:
        wanted = np.append(given["memory"][0].astype(int), 0)
        return {"logits": np.repeat(np.eye(6)[wanted][None] * 20, len(rows), axis=0)}

    def decoded(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        return outputs["logits"]


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


def test_mixtures_and_lost_parts_are_refused(folder: Any) -> None:
    with pytest.raises(Refused, match="no part"):
        system.load(folder())
    place = folder(a=artifact("decoder"))
    with pytest.raises(Refused, match="no encoder"):
        system.load(place)
    with pytest.raises(Refused, match="one checkpoint") as refusal:
        system.load(folder(b=artifact("encoder", origin="2" * 64)))
    assert "11111111, 22222222" in refusal.value.received
