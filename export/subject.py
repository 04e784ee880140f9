"""What is exported: the contract of a checkpoint, ours or foreign, and its samples as tensors."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import edgeproof
from edgeproof import answering, frontend, metrics, samples
from edgeproof.contract import Contract, Decode, Frontend, Graph, Provenance, Tensor, sample_hashes
from edgeproof.decode import metric_of, truth
from edgeproof.errors import Refused, nearest
from export import arrays
from export.arrays import Arrays
from export.checkpoint import Opening
from export.worker import Worker


def contract_of(path: Path, facts: Mapping[str, Any], described: Mapping[str, Any]) -> Contract:
    """The checkpoint's own contract, or for a foreign one what can be told from its architecture.

    Raises:
        Refused: its own contract is of another model.
    """
    if facts["contract"]:
        contract = Contract.from_json(facts["contract"])
        _check(contract, described, path)
        provenance = dataclasses.replace(contract.provenance, checkpoint_sha256=facts["sha256"])
        return dataclasses.replace(contract, provenance=provenance)
    inputs = tuple(Tensor.of(*end) for end in described["inputs"])
    outputs = tuple(Tensor.of(*end) for end in described["outputs"])
    classify = described["probabilities"] and len(outputs) == 1 and len(outputs[0].shape) == 2
    return Contract(
        name=path.stem,
        graphs=(Graph("main", inputs, outputs),),
        frontends=tuple(Frontend(tensor.name) for tensor in inputs),
        decode=Decode("classify", outputs[0].name, "probabilities") if classify else Decode(),
        provenance=Provenance(
            checkpoint_sha256=facts["sha256"],
            versions={"edgeproof": edgeproof.__version__, "written by keras": facts["keras_version"] or "unknown"},
        ),
    )


def part_of(opening: Opening, contract: Contract, graph: str) -> tuple[Opening, Contract]:
    """A graph of a checkpoint as a model of its own, with its contract; "" is the first, the whole model.

    Raises:
        Refused: there is no such graph.
    """
    names = [held.name for held in contract.graphs]
    if graph and graph not in names:
        raise Refused("export: --graph names a graph of the checkpoint.", received=graph, fix=nearest(graph, names))
    if graph in ("", names[0]):
        return opening, contract
    own = contract.of(graph)
    return opening.of_graph(own.graph()), own


def stepping(contract: Contract) -> str:
    """The graph that is stepped where none is named, "" the whole model: of parts that answer, the one that writes."""
    ends = [graph.name for graph in contract.graphs if contract.decode.output in {t.name for t in graph.outputs}]
    return ends[-1] if answering.writes(contract) and ends[-1] != contract.graphs[0].name else ""


def within(
    worker: Worker, opening: Opening, contract: Contract, names: Iterable[str], tensors: Arrays, scratch: Path
) -> Arrays:
    """What tensors of these names are, the inputs of parts, while the whole model runs on tensors of its own."""
    wanted = dict.fromkeys(names)
    inner = tuple(name for name in wanted if name not in tensors)
    found = {name: tensors[name] for name in wanted if name in tensors}
    if inner:
        ends = tuple(tensor.name for tensor in contract.graph().inputs), inner
        given, out = scratch / "whole.npz", scratch / "within.npz"
        arrays.write(given, tensors)
        upto = dataclasses.replace(opening, ends=ends)
        worker.call("export.tasks:reference", checkpoint=str(upto), tensors=str(given), out=str(out))
        found |= arrays.read(out)
    return {name: found[name] for name in wanted}


def samples_path(given: Path | None, path: Path) -> Path:
    """The samples file: the one given, or the one beside the checkpoint.

    Raises:
        Refused: there is neither.
    """
    if given:
        return given
    beside = path.parent / "samples.npz"
    if beside.is_file():
        return beside
    raise Refused(
        "export: every artifact is compared with its checkpoint on samples.",
        received=f"no --samples, and no samples.npz beside {path}",
        fix='pass --samples FILE, an .npz with "evaluation_x" (and "calibration_x" for integer precisions)',
    )


def described(given: samples.Samples) -> dict[str, Any]:
    """Which samples these are: how many, what they are called, and their digest."""
    hashes = [digest for array in given.evaluation.values() for digest in sample_hashes(array)]
    if given.labels is not None:
        hashes += [str(label) for label in given.labels]
    return {
        "n": len(next(iter(given.evaluation.values()))),
        "data": str(given.manifest.get("data", Path(given.source).name)),
        "sha256": hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:16],
    }


def tensors(contract: Contract, raw: Mapping[str, np.ndarray], source: str) -> Arrays:
    """Raw samples as input tensors, their shapes checked against the graph.

    Raises:
        Refused: samples that the frontend or the graph does not take.
    """
    ready: Arrays = {}
    wanted = {tensor.name: tensor for tensor in contract.graph().inputs}
    for name, values in raw.items():
        tensor = frontend.apply(contract.frontend(name), values)
        shape = wanted[name].shape[1:]
        fits = tensor.ndim == len(shape) + 1 and all(
            side in (None, got) for side, got in zip(shape, tensor.shape[1:], strict=True)
        )
        if not fits:
            raise Refused(
                f'samples: input "{name}" takes samples of shape {shape}.',
                received=f"{source}: samples of shape {tensor.shape[1:]}",
                fix="write the samples as the frontend or the model takes them, one row a sample",
            )
        ready[name] = tensor.astype(wanted[name].dtype)
    return ready


def truth_of(given: samples.Samples, inputs: Arrays, reference: Arrays, contract: Contract) -> np.ndarray | None:
    """What the decoded output is scored against (`edgeproof.decode.truth`), or None where there is nothing.

    Args:
        inputs: the evaluation samples as tensors.
        reference: the checkpoint's outputs for them.
    """
    decode = contract.decode
    if decode.output not in reference:
        return None
    first = [inputs[tensor.name] for tensor in contract.graph().inputs]
    return truth(decode, given.labels, first, reference[decode.output], source=given.source)


def scored(contract: Contract, given: samples.Samples, reference: Arrays, wanted: np.ndarray | None) -> Contract:
    """The contract with the checkpoint's score on these samples, and with the hashes of those it is calibrated on."""
    hashes = tuple(digest for array in given.calibration.values() for digest in sample_hashes(array))
    score = contract.score
    if wanted is not None:
        metric = metric_of(contract)
        values = metrics.METRICS[metric](reference[contract.decode.output], wanted)
        data = str(given.manifest.get("data", Path(given.source).name))
        score = metrics.score(metric, values, data=data, split="test" if given.manifest else "evaluation")
    provenance = dataclasses.replace(contract.provenance, calibration=hashes)
    return dataclasses.replace(contract, provenance=provenance, score=score)


def _check(contract: Contract, described: Mapping[str, Any], path: Path) -> None:
    """A contract that came with a checkpoint must be about that model, and name it as a file may be named.

    Raises:
        Refused: it is not.
    """
    graph = contract.graph()
    ends = {"inputs": [t.name for t in graph.inputs], "outputs": [t.name for t in graph.outputs]}
    wrong = [
        f"{kind} {', '.join(names)}, where the model has {', '.join(found)}"
        for kind, names in ends.items()
        if names != (found := [name for name, *_ in described[kind]])
    ]
    if contract.decode.kind != "values" and contract.decode.output not in ends["outputs"]:
        wrong.append(f'decisions from an output "{contract.decode.output}"')
    if contract.score and contract.score.metric not in metrics.METRICS:
        wrong.append(f'a score in "{contract.score.metric}"')
    if contract.name != Path(contract.name).name or contract.name[:1] in ("", ".") or not contract.name.isprintable():
        wrong.append(f'the name "{contract.name}", which no file may have')
    if wrong:
        raise Refused(
            "contract: the checkpoint's contract must describe its model.",
            received=f"{path}: {'; '.join(wrong)}",
            fix="train again; a contract is not meant to be edited by hand",
        )
