"""A small network taught by a large one: what lies between its ends first, then its answers (TinyBERT)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused
from train import registry
from train.data import Dataset, Split
from train.objectives.descent import Descent
from train.objectives.masked import Masked
from train.objectives.objective import Objective, Ready, Task
from train.objectives.supervised import Supervised

TEACHER = "bert_tiny"
_LABELS = ("epochs", "batch", "learning_rate", "optimizer", "weight_decay", "clip", "loss", "rubbish")


class Distilled(Objective):
    """See `train.fits.Distilled`. Both models are `models.bert.build_bert`'s, of as many heads.

    The teacher is the recipe `bert_tiny`'s, trained here first.

    Raises:
        Refused: a data set without text, or another number of heads than the teacher has.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        super().__init__(model, settings, dataset, task)
        recipe = registry.load(TEACHER)
        own = {"vocabulary": settings["vocabulary"], "length": settings["length"], "classes": settings["classes"]}
        first = {"pretraining_epochs": settings["teacher_pretraining"], "epochs": settings["teacher_epochs"]}
        taught = {**recipe.defaults(), **own, **first, "seed": settings["seed"]}
        if dataset.text is None or taught["heads"] != settings["heads"]:
            raise Refused(
                "train: a student needs texts to be taught with, and as many heads as its teacher.",
                received=f"{settings['heads']} heads" + (", no text" if dataset.text is None else ""),
                fix=f"--set heads={taught['heads']}",
            )
        big = recipe.builder()(**{key: taught[key] for key in recipe.arguments})
        self._teacher = Masked(big, taught, dataset, task)
        name = model.inputs[0].name
        samples = Split({name: np.concatenate([dataset.text, dataset.train.samples[name]])})
        all_texts = dataclasses.replace(dataset, train=samples)
        between = {
            **settings,
            "epochs": settings["distilling_epochs"],
            "batch": settings["distilling_batch"],
            "learning_rate": settings["distilling_rate"],
        }
        self._between = _Between(model, big, between, all_texts, task) if settings["distilling_epochs"] else None
        self._answers = _Answers(model, big, {**settings, "batch": settings["distilling_batch"]}, all_texts, task)

    @property
    def epochs(self) -> int:
        return int(self._teacher.epochs + self.settings["distilling_epochs"] + self.settings["epochs"])

    def variables(self) -> list[Any]:
        between = self._between.variables() if self._between else []
        return [*self.model.variables, *self._teacher.variables(), *between, *self._answers.optimizer.variables]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """`stage` is 1 and 2 of the teacher, 3 of what lies between the ends, 4 of its answers."""
        if index < self._teacher.epochs:
            figures = self._teacher.epoch(index, progress)
            self.culprit = self._teacher.culprit
            return figures
        at = index - self._teacher.epochs
        if self._between and at < self.settings["distilling_epochs"]:
            figures, self.culprit = self._between.epoch(at, progress), self._between.culprit
            return {**figures, "stage": 3.0}
        figures = self._answers.epoch(at - self.settings["distilling_epochs"], progress)
        self.culprit = self._answers.culprit
        return {**figures, "stage": 4.0}

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """The teacher's score, and that of the same network learning from the labels alone."""
        teacher = float(self._teacher.score(dataset.test)[1].mean())
        alone = _alone(self, dataset)
        sizes = [sum(int(np.prod(w.shape)) for w in m.trainable_weights) for m in (self._teacher.model, self.model)]
        return {
            "teacher": f"{teacher:.2%}, {sizes[0]:,} parameters, {sizes[0] / sizes[1]:.1f} times the student's",
            "the same without a teacher": f"{alone:.2%}, from {len(dataset.train):,} labels",
        }


class _Taught(Descent):
    """Steps of the student on texts that the teacher reads too."""

    def __init__(self, model: keras.Model, teacher: keras.Model, settings: dict[str, Any], data: Dataset, task: Task):
        self.teacher = teacher
        super().__init__(model, settings, data, task)

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        return {name: tensor[chosen] for name, tensor in ready.tensors.items()}, np.zeros(len(chosen), np.float32)

    def targets(self, ready: Ready) -> np.ndarray:
        return np.zeros(len(ready), np.float32)


class _Between(_Taught):
    """Embeddings, attention and hidden vectors (Jiao et al. 2020, equations 7 to 9)."""

    def __init__(self, model: keras.Model, teacher: keras.Model, settings: dict[str, Any], data: Dataset, task: Task):
        self._student, self._master = Traced(model), Traced(teacher)
        widths = [traced.width for traced in (self._student, self._master)]
        rng = np.random.default_rng([settings["seed"], 3])
        first = rng.normal(scale=widths[0] ** -0.5, size=(2, *widths)).astype(np.float32)
        self._projections = keras.Variable(first, name="projections")
        super().__init__(model, teacher, settings, data, task)

    def trained(self) -> list[Any]:
        ends = {id(w) for w in self.model.layers[-1].trainable_variables}
        own = [w for w in self.model.trainable_variables if id(w) not in ends]
        reached = {id(w) for w in self._student.model.trainable_variables}
        return [*[w for w in own if id(w) in reached], self._projections]

    def variables(self) -> list[Any]:
        return [self._projections, *self.optimizer.variables]

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        (tokens,) = inputs.values()
        mine, its = self._student(tokens, training=training), self._master(tokens, training=False)
        step = self._master.blocks // self._student.blocks
        found: dict[str, Any] = {}
        for i, kind in enumerate(("embedding", "hidden")):
            told = tf.einsum("ntu,uv->ntv", mine[kind][-1], self._projections[i])
            found |= {kind: told, f"its {kind}": its[kind][-1]}
        for i, scores in enumerate(mine["attention"]):
            found |= {f"attention{i}": scores, f"its attention{i}": its["attention"][(i + 1) * step - 1]}
        return found

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return tf.add_n([apart(outputs[k], outputs[f"its {k}"]) for k in outputs if not k.startswith("its ")])

    def values(self, ready: Ready, outputs: Mapping[str, np.ndarray], what: str) -> np.ndarray:
        """Share of the teacher's hidden vectors that the student's explain, of each text."""
        off = np.square(outputs["hidden"] - outputs["its hidden"]).sum(axis=(1, 2))
        return np.asarray(1 - off / np.square(outputs["its hidden"]).sum(axis=(1, 2)))


class _Answers(_Taught):
    """The teacher's probabilities (equation 10)."""

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        (tokens,) = inputs.values()
        return {**super().call(inputs, training=training), "its": self.teacher(tokens, training=False)}

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return softly(outputs["its"], outputs[self.output], self.settings["temperature"])


class Traced:
    """What a BERT holds on its way: vectors of tokens, scores of attention before their softmax, vectors behind blocks.

    Called with tokens (n, length): "embedding", one (n, length, width); "attention", for each block (n, heads, length,
    length); "hidden", for each block (n, length, width).
    """

    def __init__(self, model: keras.Model) -> None:
        self.blocks = sum(layer.name.endswith("_add2") for layer in model.layers)
        ends = ["tokens_positions", *(f"read{i + 1}_{end}" for end in ("norm1", "add2") for i in range(self.blocks))]
        self.model = keras.Model(model.input, [model.get_layer(end).output for end in ends])
        self.width = int(model.get_layer("tokens_positions").output.shape[-1])
        self._attention = [model.get_layer(f"read{i + 1}_attention") for i in range(self.blocks)]

    def __call__(self, tokens: Any, *, training: bool) -> dict[str, list[Any]]:
        embedding, *rest = self.model(tokens, training=training)
        scores = []
        for layer, y in zip(self._attention, rest[: self.blocks], strict=True):
            query, key = layer.query_dense(y), layer.key_dense(y)  # (n, length, heads, size)
            scores.append(tf.einsum("nqhs,nkhs->nhqk", query, key) / float(layer.key_dim) ** 0.5)
        return {"embedding": [embedding], "attention": scores, "hidden": rest[self.blocks :]}


def apart(mine: Any, its: Any) -> Any:
    """Mean squared difference."""
    return tf.reduce_mean(tf.square(mine - its))


def softly(its: Any, mine: Any, temperature: float) -> Any:
    """Cross-entropy of a teacher's probabilities at a temperature with a student's, from their logits (n, classes)."""
    told = tf.nn.softmax(its / temperature)
    return -tf.reduce_mean(tf.reduce_sum(told * tf.nn.log_softmax(mine / temperature), axis=-1))


def _alone(objective: Distilled, dataset: Dataset) -> float:
    """Test score of a network of the same size, trained on the labels alone for as long as the teacher was."""
    settings = {**objective.settings, **_as_teacher()}
    again = keras.models.clone_model(objective.model)
    task = Task(tuple(objective.frontends.values()), objective.decode, "accuracy")
    twin = Supervised(again, settings, dataset, task)
    for index in range(twin.epochs):
        twin.epoch(index, lambda share: None)
    return float(twin.score(dataset.test)[1].mean())


def _as_teacher() -> dict[str, Any]:
    fit = registry.load(TEACHER).defaults()
    return {key: fit[key] for key in _LABELS}
