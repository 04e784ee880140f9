"""What every objective is made of: a model, ready tensors, the model's outputs and its score."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof import frontend, metrics
from edgeproof.contract import Decode, Frontend
from edgeproof.decode import KINDS, truth
from edgeproof.errors import Refused
from train.data import Dataset, Split

_EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Ready:
    """A split as the model takes it: tensors (n, ...) by input, and what its outputs should be, where that is told."""

    tensors: dict[str, np.ndarray]
    labels: np.ndarray | None

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def flat(self) -> np.ndarray:
        """The one input's samples as rows, (n, features)."""
        (values,) = self.tensors.values()
        return values.reshape(len(values), -1)


@dataclass(frozen=True)
class Task:
    """How samples become inputs, which output is decoded and how, and the name of the metric that scores it."""

    frontends: tuple[Frontend, ...]
    decode: Decode
    metric: str


@dataclass(frozen=True)
class Picture:
    """A drawing for the card: its file, and what it shows."""

    file: str
    title: str


class Objective:
    """A model with its data, ready to be stepped by `train.loop`.

    Args:
        model: functional, with named ends.
        settings: of the run; those of the recipe's `fit` among them.
        dataset: raw samples.
        task: what is asked of it.

    Raises:
        Refused: labels that the model has no class for, or outputs that this objective does not decode.
    """

    decodes = ("", "")  # the one kind of decoding that it is for, and the rule in words; "": any
    culprit = ""  # where an epoch met what is not finite: the first tensor that was not, in words

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        kind, rule = self.decodes
        if kind and task.decode.kind != kind:
            raise Refused(rule, received=f"outputs decoded as {task.decode.kind}", fix=f'decode them as "{kind}"')
        self.model = model
        self.called = model  # what `call` runs: the model, or one of the same weights that gives more besides
        self.settings = settings
        self.decode = task.decode
        self.metric = metrics.METRICS[task.metric]
        self.frontends = {f.input: f for f in task.frontends}
        self.output = task.decode.output or model.output_names[0]
        self.train = self.ready(dataset.train, "the training split")
        self.validation = self.ready(dataset.validation, "the validation split")
        self._run = tf.function(lambda inputs: self.call(inputs, training=False), reduce_retracing=True)

    @property
    def epochs(self) -> int:
        """Of the whole training."""
        return int(self.settings["epochs"])

    def variables(self) -> list[Any]:
        """Everything that an epoch changes: weights, moving statistics, seed states, optimizer slots."""
        raise NotImplementedError

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """One pass over the training split, in an order that only the seed and `index` decide.

        Returns:
            `loss`, `validation_loss` and `validation_score`, with whatever else tells how it goes.
        """
        raise NotImplementedError

    def decoding(self) -> Decode:
        """How outputs are decoded, once training has found what it takes."""
        return self.decode

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """Rows for the card that this objective alone can tell."""
        return {}

    def in_words(self, value: float) -> str:
        """A score in units that people know it in; "" where it is told as it is."""
        return ""

    def draw(self, out: Path, dataset: Dataset) -> list[Picture]:
        """Pictures for the card that this objective alone can draw, written into `out`."""
        return []

    def ready(self, split: Split, what: str) -> Ready:
        """A raw split as tensors, its labels as what the decoded output is scored against."""
        tensors = {k: frontend.apply(self.frontends[k], v) for k, v in split.samples.items()}
        labels = split.labels
        if labels is not None and KINDS[self.decode.kind].labelled:
            outputs = np.broadcast_to(np.float32(0), (len(split), *self._decoded().shape[1:]))
            labels = truth(self.decode, labels, [], outputs, source=what)
            assert labels is not None
            labels = labels.astype(np.int32 if labels.dtype.kind == "i" else np.float32)
        return Ready(tensors, labels)

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        """The model's outputs by name, and what else training asks of it."""
        # In the model's own structure: Keras takes a dict of another one by the order of its keys, and warns.
        own = keras.tree.pack_sequence_as(self.model.input, [inputs[t.name] for t in self.model.inputs])
        found = keras.tree.flatten(self.called(own, training=training))
        return dict(zip(self.called.output_names, found, strict=True))

    def outputs(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The model's outputs by name for input tensors (n, ...), in inference mode."""
        n = len(next(iter(tensors.values())))
        parts = [
            self._run({k: v[i : i + _EVALUATION_BATCH] for k, v in tensors.items()})
            for i in range(0, n, _EVALUATION_BATCH)
        ]
        return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}

    def values(self, ready: Ready, outputs: Mapping[str, np.ndarray], what: str) -> np.ndarray:
        """The metric's value a sample, (n,), from the model's outputs."""
        wanted = ready.labels
        if not KINDS[self.decode.kind].labelled:
            inputs = [ready.tensors[t.name] for t in self.model.inputs]
            wanted = truth(self.decode, ready.labels, inputs, outputs[self.output], source=what)
        assert wanted is not None, "the contract suite sees to it that recipes' data can be scored"
        return self.metric(outputs[self.output], wanted)

    def score(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Decoded outputs (n, ...) and value a sample (n,) on a raw split."""
        ready = self.ready(split, "the test split")
        outputs = self.outputs(ready.tensors)
        return outputs[self.output], self.values(ready, outputs, "the test split")

    def orders(self, index: int, n: int) -> Iterator[tuple[np.ndarray, np.random.Generator]]:
        """Indices of each batch of an epoch, and the generator that goes on from them."""
        rng = np.random.default_rng([self.settings["seed"], index])
        order = rng.permutation(n)
        for start in range(0, n, self.settings["batch"]):
            yield order[start : start + self.settings["batch"]], rng

    def passed(
        self,
        index: int,
        n: int,
        step: Callable[[np.ndarray, np.random.Generator, float], float],
        progress: Callable[[float], None],
    ) -> float:
        """One pass over n samples in the epoch's order.

        Args:
            index: of the epoch.
            n: samples.
            step: the mean loss of a batch, from its indices, the generator that goes on from them, and the share of
                the pass's steps that lie behind it.
            progress: told the share after each step.

        Returns:
            The mean loss; what is not finite ends the pass, and is what is returned.
        """
        total, steps = 0.0, self.steps(n)
        for at, (chosen, rng) in enumerate(self.orders(index, n)):
            total += step(chosen, rng, at / steps) * len(chosen)
            if not math.isfinite(total):
                return total
            progress((at + 1) / steps)
        return total / n

    def rate(self, index: int, share: float) -> np.float32:
        """The learning rate where a share of an epoch lies behind: a cosine takes it to zero at the end."""
        part = (index + share) / self.settings["epochs"]
        return np.float32(self.settings["learning_rate"] * (1 + math.cos(math.pi * part)) / 2)

    def steps(self, n: int) -> int:
        """In a pass over n samples."""
        return math.ceil(n / self.settings["batch"])

    def _decoded(self) -> Any:
        return dict(zip(self.model.output_names, self.model.outputs, strict=True))[self.output]
