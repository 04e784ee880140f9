"""A system in parts: a folder of artifacts, each a graph of one checkpoint, run together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof import formats, parsing, trees
from edgeproof.contract import Contract
from edgeproof.decode.classes import probabilities
from edgeproof.errors import Refused
from edgeproof.frontend import text
from edgeproof.runner import Model, load

_PRECISIONS = ("int8", "f16", "f32")  # taken by themselves, the first that is whole
_SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx"}
FOLDED = ("leaf", "compose", "classify")


@dataclass(frozen=True)
class Phrase:
    """A node of a tree: its words, its label and the probability of that."""

    words: str
    label: str
    probability: float


class Folder:
    """The parts of one checkpoint in one format and precision.

    Attributes:
        contract: the whole model's.
        parts: graph -> its file, opened.
        precision: of all of them.
    """

    def __init__(self, contract: Contract, parts: dict[str, Model], precision: str) -> None:
        self.contract, self.parts, self.precision = contract, parts, precision

    def read(self, sentence: str) -> tuple[trees.Tree, list[Phrase]]:
        """A tree with every phrase told, words first, the whole last; a sentence without brackets is parsed by score.

        Raises:
            Refused: a text that is no tree, or larger than the graphs.
        """
        step = self.contract.frontends[0].steps[-1]
        given = trees.read(sentence) if trees.is_tree(sentence) else None
        words = given.words if given else tuple(text.split(sentence, lower=False))
        if not 0 < len(words) <= step["length"]:
            raise Refused(f"tree: a sentence may have {step['length']} words.", received=f"{len(words)}", fix="cut it")
        table, lower = text.table(step["vocabulary"]), step.get("lower", True)
        numbers = [table.get(word.lower() if lower else word, text.UNKNOWN) for word in words]
        (leaves,) = self._run("leaf", np.array(numbers, np.int32))
        if given:
            tree, vectors = given, parsing.fold(given, leaves, self._join)
        else:
            tree, vectors = parsing.greedy(words, leaves, self._join)
        (logits,) = self._run("classify", vectors.astype(np.float32))
        found = probabilities(logits, self.contract.decode)
        phrases = [
            Phrase(" ".join(words[first:end]), self.contract.labels[int(row.argmax())], float(row.max()))
            for (first, end), row in zip(tree.spans(), found, strict=True)
        ]
        return tree, phrases

    def _join(self, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parent, score = self._run("compose", left, right)
        return parent, score[:, 0]

    def _run(self, graph: str, *values: np.ndarray) -> list[np.ndarray]:
        """The outputs of a part, in the contract's order, for rows (n, ...), filled up to as many as it takes."""
        model, n = self.parts[graph], len(values[0])
        held = self.contract.graph(graph)
        feeds = {}
        for tensor, value in zip(held.inputs, values, strict=True):
            rows = np.zeros((1, int(tensor.shape[1] or n), *value.shape[1:]), value.dtype)
            rows[0, :n] = value
            feeds[tensor.name] = rows
        outputs = model.infer(feeds)
        return [outputs[tensor.name][0, :n] for tensor in held.outputs]


def load_folder(
    path: Path, *, form: str = "tflite", precision: str = "", kernels: str = "", threads: int = 1
) -> Folder:
    """Open the parts of a system that lie in a folder, as `python -m export` writes them.

    Args:
        form: "tflite" or "onnx".
        precision: of all parts; "": the smallest in which all are there.

    Raises:
        Refused: parts that are missing, of several checkpoints, or of a system that is not run in parts.
    """
    found: dict[str, dict[str, Path]] = {}
    makers: dict[str, set[str]] = {}
    for file in sorted(path.glob(f"*{_SUFFIXES[form]}")):
        contract = formats.read_bytes(formats.read_file(file), str(file)).contract
        if contract and contract.artifact:
            key, graph = contract.artifact.precision, contract.artifact.graph
            found.setdefault(key, {})[graph] = file
            makers.setdefault(key, set()).add(contract.provenance.checkpoint_sha256)
    wanted: Sequence[str] = (precision,) if precision else _PRECISIONS
    for name in wanted:
        files = found.get(name, {})
        if {"main", *FOLDED} <= files.keys():
            if len(makers[name]) > 1:
                raise Refused(
                    "folder: its files of one precision must be of one checkpoint.",
                    received=f"{path}: {name} of {len(makers[name])} checkpoints",
                    fix="export it again into a folder of its own",
                )
            parts = {graph: load(files[graph], kernels=kernels, threads=threads) for graph in FOLDED}
            contract = formats.read_bytes(formats.read_file(files["main"]), str(files["main"])).contract
            assert contract is not None
            return Folder(contract, parts, name)
    there = "; ".join(f"{name}: {', '.join(files)}" for name, files in sorted(found.items()))
    raise Refused(
        f"folder: it must hold the graphs main, {', '.join(FOLDED)} in one precision, as .{form} files.",
        received=f"{path}: {there or 'none'}",
        fix="export the checkpoint of a system over trees, such as the recipe rntn's",
    )
