"""A system over trees: a part for words, a part that joins two phrases, a part that tells what a phrase is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeproof import parsing, trees
from edgeproof.decode.classes import probabilities
from edgeproof.errors import Refused
from edgeproof.folder import Parts
from edgeproof.frontend import text

FOLDED = ("leaf", "compose", "classify")


@dataclass(frozen=True)
class Phrase:
    """A node of a tree: its words, its label and the probability of that."""

    words: str
    label: str
    probability: float


class Folded:
    """A system that is folded over a tree; `contract` is the whole model's.

    Raises:
        Refused: the whole model's own file is not there, whose contract knows how a sentence becomes a tree.
    """

    def __init__(self, parts: Parts) -> None:
        if parts.whole is None:
            raise Refused(
                "folder: beside the parts of a system over trees must lie the whole model in the same form.",
                received=f"{parts.source}: {', '.join(parts.models)}",
                fix="export the system again, or copy that file too",
            )
        self.contract, self.parts = parts.whole, parts.models

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
