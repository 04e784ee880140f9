"""Word vectors from the words around them: skip-gram with negative sampling."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused
from edgeproof.frontend import text
from train import skip_grams
from train.data import Dataset
from train.objectives.descent import Descent
from train.objectives.objective import Task
from train.skip_grams import Tokens

_HELD = 20  # every so manyth sentence is not learned from: the loss is told by it


class SkipGram(Descent):
    """See `train.fits.SkipGram`. The model is `models.word_vectors.build_word_vectors`'s, which is given the vectors of
    words, at length 1, after every epoch; as long as they are, and with those of contexts, they are the objective's.

    It learns from the data set's text; samples are questions, which only tell how good it is.

    Raises:
        Refused: outputs that are not decoded as recommendations, or too little text.
    """

    decodes = ("recommend", "train: skip-grams are for words with a score each, decoded as recommendations.")

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        size, rng = int(settings["words"]), np.random.default_rng(settings["seed"])
        # As word2vec begins: vectors small and uniform, contexts zero.
        first = rng.uniform(-0.5, 0.5, (size, settings["width"])) / settings["width"]
        self._vectors = keras.Variable(first.astype(np.float32), name="vectors")
        self._contexts = keras.Variable(np.zeros_like(first, np.float32), name="contexts")
        (how,) = task.frontends
        sentences = numbered([] if dataset.text is None else dataset.text, how.steps[-1])
        held = np.arange(len(sentences)) % _HELD == _HELD - 1
        self._text, self._held = (
            Tokens.of(row for row, out in zip(sentences, held, strict=True) if out == told) for told in (False, True)
        )
        frequency = skip_grams.frequencies(self._text.words, size)
        self._kept = skip_grams.kept(frequency, settings["subsampling"])
        self._noise = np.cumsum(skip_grams.noise(frequency, settings["power"]))
        self._pairs = self._drawn(self._text, settings, np.random.default_rng([settings["seed"], 0, 1]))
        judged = self._drawn(self._held, settings, np.random.default_rng([settings["seed"], 1]))
        if not len(judged) or not len(self._pairs):
            raise Refused(
                "train: skip-grams need words near each other.",
                received=f"{len(self._text):,} known words in {len(sentences):,} sentences",
                fix="pass a longer text",
            )
        self._judged = self._with_noise(judged, settings, np.random.default_rng([settings["seed"], 2]))
        super().__init__(model, settings, dataset, task)
        self._show()

    def length(self) -> int:
        return len(self._pairs)

    def trained(self) -> list[Any]:
        return [self._vectors, self._contexts]

    def variables(self) -> list[Any]:
        return [*super().variables(), *self.weights]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        drawn = self._drawn(self._text, self.settings, np.random.default_rng([self.settings["seed"], index, 1]))

        def step(chosen: np.ndarray, rng: np.random.Generator, _: float) -> float:
            loss, moved = self._step(self._with_noise(drawn[chosen], self.settings, rng), np.float32(0))
            if not moved:
                self.culprit = self._blamed({}, np.empty(0))
            return float(loss) if moved else math.nan

        mean = self.passed(index, len(drawn), step, progress)
        if not math.isfinite(mean):
            return {"loss": mean}
        self._show()
        outputs = self.outputs(self.validation.tensors)
        values = self.values(self.validation, outputs, "the validation split")
        held = self.loss(None, self.call(self._judged, training=False))
        return {"loss": mean, "validation_loss": float(held), "validation_score": float(np.mean(values))}

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        """Products of vectors with contexts, met and drawn, of a batch of skip-grams; else the model's outputs."""
        if "noise" not in inputs:
            return super().call(inputs, training=training)
        words = tf.gather(self._vectors, inputs["word"])  # (batch, width)
        met, drawn = (tf.gather(self._contexts, inputs[name]) for name in ("context", "noise"))
        return {"met": tf.einsum("bi,bi->b", words, met), "drawn": tf.einsum("bi,bki->bk", words, drawn)}

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        """-log σ(v·c) - Σ log σ(-v·n), the mean of skip-grams (equation 4)."""
        return criterion(outputs["met"], outputs["drawn"])

    def facts(self, dataset: Dataset) -> dict[str, str]:
        return {"text": f"{len(self._text):,} words to learn from, {len(self._pairs):,} skip-grams an epoch"}

    def _show(self) -> None:
        """The model's tables, from the vectors as they are."""
        rows = self._vectors.numpy()
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        unit = rows / np.where(lengths > 0, lengths, 1)
        nothing = np.zeros((text.FIRST, rows.shape[1]), np.float32)
        self.model.get_layer("vectors").set_weights([np.concatenate([nothing, unit])])
        self.model.get_layer("scores").set_weights([unit.T])

    def _drawn(self, tokens: Tokens, settings: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
        """Skip-grams of a text, frequent words left out at random first."""
        kept = rng.random(len(tokens)) < self._kept[tokens.words]
        return skip_grams.pairs(tokens.where(kept), settings["window"], rng)

    def _with_noise(self, pairs: np.ndarray, settings: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        drawn = np.searchsorted(self._noise, rng.random((len(pairs), settings["noise"])), side="right")
        # The sum of shares may stay below 1 by rounding.
        noise = np.minimum(drawn, len(self._noise) - 1).astype(np.int32)
        return {"word": pairs[:, 0], "context": pairs[:, 1], "noise": noise}

    def _blamed(self, inputs: dict[str, Any], targets: np.ndarray) -> str:
        for name, variable in (("vectors", self._vectors), ("contexts", self._contexts)):
            if not np.isfinite(variable.numpy()).all():
                return f'the {name} of words, which are "{variable.name}"'
        return "the loss itself"


def criterion(met: Any, drawn: Any) -> Any:
    """Negative sampling's loss (equation 4, its sign turned): the mean over skip-grams.

    Args:
        met: (n,), products with the context that was met.
        drawn: (n, k), with those that were drawn.
    """
    return tf.reduce_mean(tf.nn.softplus(-met) + tf.reduce_sum(tf.nn.softplus(drawn), axis=1))


def numbered(sentences: Iterable[str], step: dict[str, Any]) -> list[list[int]]:
    """Sentences as numbers of words from 0 on; words without one are passed over."""
    known = text.table(step["vocabulary"])
    found = []
    for sentence in sentences:
        numbers = (known.get(word) for word in text.split(str(sentence)))
        found.append([number - text.FIRST for number in numbers if number is not None])
    return found
