"""Networks over trees: every phrase has a label, and is to be told from what is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof import parsing, trees
from train.data import Dataset, Split
from train.objectives.descent import Descent
from train.objectives.objective import Ready, Task

_NEAR = 8  # batches whose trees are put in order of height together


class Recursive(Descent):
    """See `train.fits.Recursive`. The model is `models.rntn.build_rntn`'s.

    A batch holds trees of like height and is joined level by level, all its trees at once, no further than the highest.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        self._moods: dict[int, np.ndarray] = {}
        self._heights = np.zeros(0, np.int64)
        super().__init__(model, settings, dataset, task)
        read = _read(dataset.train)
        self._heights = np.array([tree.heights()[-1] for tree in read])
        self._others = others(read, settings["length"])

    def ready(self, split: Split, what: str) -> Ready:
        found = super().ready(split, what)
        self._moods[id(found)] = labels(_read(split), self.settings["length"])
        return found

    def targets(self, ready: Ready) -> np.ndarray:
        """The label of each row of the model's nodes, (n, 2 length); -1 where there is none."""
        return self._moods[id(ready)]

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        inputs = {name: tensor[chosen] for name, tensor in ready.tensors.items()}
        levels = np.int32(self._heights[chosen].max())
        return {**inputs, "others": self._others[chosen], "levels": levels}, self.targets(ready)[chosen]

    def orders(self, index: int, n: int) -> Iterator[tuple[np.ndarray, np.random.Generator]]:
        """As of every objective, with trees of like height in one batch and the batches in any order."""
        rng, size = np.random.default_rng([self.settings["seed"], index]), int(self.settings["batch"])
        order, batches = rng.permutation(n), list[np.ndarray]()
        for start in range(0, n, _NEAR * size):
            near = order[start : start + _NEAR * size]
            near = near[np.argsort(self._heights[near], kind="stable")]
            batches += [near[at : at + size] for at in range(0, len(near), size)]
        for at in rng.permutation(len(batches)):
            yield batches[at], rng

    def call(self, inputs: Any, *, training: bool) -> dict[str, Any]:
        if "others" not in inputs:
            return super().call(inputs, training=training)
        layer, tree = self.model.get_layer, inputs["tree"]
        leaf = layer("leaf")(layer("words")(tree[:, :, 0]))

        def joined(nodes: Any, lefts: Any, rights: Any) -> Any:
            pair = [tf.gather(nodes, rows, batch_dims=1) for rows in (lefts, rights)]
            return tf.tanh(layer("join")(pair))

        def level(at: Any, parent: Any) -> tuple[Any, Any]:
            return at + 1, joined(tf.concat([leaf, parent], axis=1), tree[:, :, 1], tree[:, :, 2])

        _, parent = tf.while_loop(lambda at, parent: at < inputs["levels"], level, (tf.constant(0), leaf))
        nodes = tf.concat([leaf, parent], axis=1)
        wrong, far = inputs["others"], joined(nodes, inputs["others"][..., 0], inputs["others"][..., 1])
        return {
            "phrases": layer("phrases")(nodes),
            "score": layer("score")(parent)[..., 0],
            "others": layer("score")(far)[..., 0],
            "is other": tf.cast(wrong[..., 0] != wrong[..., 1], nodes.dtype),
        }

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        """Cross-entropy a phrase; in training also of two neighbours' being one, times `parsing`."""
        known = tf.cast(targets >= 0, outputs["phrases"].dtype)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(targets, 0), outputs["phrases"])
        found = tf.reduce_sum(each * known) / tf.reduce_sum(known)
        if "others" not in outputs:
            return found
        right = known[:, known.shape[1] // 2 :]
        joint = tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(outputs["score"]), outputs["score"])
        apart = tf.nn.sigmoid_cross_entropy_with_logits(tf.zeros_like(outputs["others"]), outputs["others"])
        both = tf.reduce_sum(joint * right) + tf.reduce_sum(apart * outputs["is other"])
        count = tf.reduce_sum(right) + tf.reduce_sum(outputs["is other"])
        return found + self.settings["parsing"] * both / count

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """Every phrase of the test split; and its sentences parsed by score."""
        ready = self.ready(dataset.test, "the test split")
        wanted = self.targets(ready)
        found = self.outputs(ready.tensors)["phrases"].argmax(axis=-1)
        count = int((wanted >= 0).sum())
        right = ((found == wanted) & (wanted >= 0)).sum() / count
        brackets, roots = self._parsed(dataset.test, ready)
        return {
            "test accuracy of phrases": f"**{right:.2%}** of {count:,}",
            "parsed by score": f"{brackets:.2%} of the brackets are the treebank's, root accuracy {roots:.2%}",
        }

    def _parsed(self, split: Split, ready: Ready) -> tuple[float, float]:
        """Share of the brackets of greedily parsed sentences that the trees have too, and accuracy of their roots."""
        layer = self.model.get_layer

        @tf.function(reduce_retracing=True)
        def step(left: Any, right: Any) -> tuple[Any, Any]:
            parent = tf.tanh(layer("join")([left[None], right[None]]))
            return parent[0], layer("score")(parent)[0, :, 0]

        def join(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            size = self.settings["length"]  # of one size, or every length of sentence is traced anew
            parent, score = step(*(np.resize(side, (size, side.shape[1])) for side in (left, right)))
            return parent.numpy()[: len(left)], score.numpy()[: len(left)]

        rows = ready.tensors["tree"][:, :, 0]
        leaves = layer("leaf")(layer("words")(rows)).numpy()
        same, total, tops = 0, 0, []
        for tree, vectors in zip(_read(split), leaves, strict=True):
            found, nodes = parsing.greedy(tree.words, vectors[: len(tree.words)], join)
            own, given = ({*one.spans()[len(tree.words) :]} for one in (found, tree))
            same, total = same + len(own & given), total + len(given)
            tops.append(nodes[-1])
        decided = layer("phrases")(np.stack(tops)[:, None]).numpy()[:, 0].argmax(axis=-1)
        assert split.labels is not None
        return same / max(total, 1), float((decided == split.labels).mean())


def labels(read: list[trees.Tree], length: int) -> np.ndarray:
    """The label of each row of trees as `edgeproof.frontend.tree` has them, (n, 2 length); -1 where there is none."""
    rows = np.full((len(read), 2 * length), -1, np.int32)
    for row, tree in zip(rows, read, strict=True):
        n, told = len(tree.words), [int(label) for label in tree.labels]
        row[:n], row[length : length + n - 1] = told[:n], told[n:]
    return rows


def others(read: list[trees.Tree], length: int) -> np.ndarray:
    """Rows of neighbours that are no phrase, (n, most, 2); equal ones fill up.

    A node's left part and the first part of its right one are neighbours, as are the last part of its left one and its
    right one, at any depth: what a parser could join by mistake.
    """
    found = [list(_apart(tree)) for tree in read]
    rows = np.zeros((len(read), max(1, *map(len, found)), 2), np.int32)
    for row, tree, pairs in zip(rows, read, found, strict=True):
        n = len(tree.words)
        for at, pair in enumerate(pairs):
            row[at] = [node if node < n else length + node - n for node in pair]
    return rows


def _apart(tree: trees.Tree) -> Iterator[tuple[int, int]]:
    n = len(tree.words)
    for left, right in tree.pairs:
        ends, starts = [left], [right]
        while ends[-1] >= n:
            ends.append(tree.pairs[ends[-1] - n][1])
        while starts[-1] >= n:
            starts.append(tree.pairs[starts[-1] - n][0])
        yield from ((end, start) for end in ends for start in starts if (end, start) != (left, right))


def _read(split: Split) -> list[trees.Tree]:
    (texts,) = split.samples.values()
    return [trees.read(str(text)) for text in texts]
