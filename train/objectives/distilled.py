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
from train.objectives.objective import Ready, Task

TEACHER = "bert_tiny"


class _Taught(Descent):
    """Steps of a student on texts that its teacher reads too: nothing else says what its outputs should be."""

    def __init__(self, model: keras.Model, teacher: keras.Model, settings: dict[str, Any], data: Dataset, task: Task):
        self.teacher = teacher
        super().__init__(model, settings, data, task)

    def batch(self, ready: Ready, chosen: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
        return {name: tensor[chosen] for name, tensor in ready.tensors.items()}, self.targets(ready)[chosen]

    def targets(self, ready: Ready) -> np.ndarray:
        return np.zeros(len(ready), np.int32)


class Distilled(_Taught):
    """See `train.fits.Distilled`. Both models are `models.bert.build_bert`'s.

    The teacher is the recipe `bert_tiny`'s, trained here first: the same that recipe gives under the same settings.

    Raises:
        Refused: a data set without text, other heads than the teacher has, or blocks that do not divide the teacher's.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        recipe = registry.load(TEACHER)
        own = {key: settings[key] for key in ("length", "vocabulary", "classes", "seed")}
        first = {"pretraining_epochs": settings["teacher_pretraining"], "epochs": settings["teacher_epochs"]}
        taught = {**recipe.defaults(), **own, **first}
        if dataset.text is None:
            raise Refused("train: a student needs texts to be taught with.", received="none", fix=f"train {TEACHER}")
        if taught["heads"] != settings["heads"] or taught["blocks"] % settings["blocks"]:
            raise Refused(
                "train: a student needs as many heads as its teacher, and blocks that divide the teacher's.",
                received=f"{settings['heads']} heads, {settings['blocks']} blocks",
                fix=f"--set heads={taught['heads']} --set blocks=1; the teacher has {taught['blocks']}",
            )
        keras.utils.set_random_seed(settings["seed"])  # as its own recipe begins
        teacher = recipe.builder()(**{key: taught[key] for key in recipe.arguments})
        self._master = Masked(teacher, taught, dataset, task)
        name = model.inputs[0].name
        cut = np.array([_before(str(text), settings["until"]) for text in dataset.text])
        samples = Split({name: np.concatenate([cut, dataset.train.samples[name]])})
        texts = dataclasses.replace(dataset, train=samples)
        super().__init__(model, teacher, settings, texts, task)
        between = {
            **settings,
            "epochs": settings["distilling_epochs"],
            "learning_rate": settings["distilling_rate"],
        }
        self._between = Between(model, teacher, between, texts, task) if settings["distilling_epochs"] else None

    @property
    def epochs(self) -> int:
        return int(self._master.epochs + self.settings["distilling_epochs"] + self.settings["epochs"])

    def variables(self) -> list[Any]:
        between = self._between.variables() if self._between else []
        return [*super().variables(), *self._master.variables(), *between]

    def epoch(self, index: int, progress: Callable[[float], None]) -> dict[str, float]:
        """`stage` is 1 and 2 of the teacher, 3 of what lies between the ends, 4 of its answers."""
        if index < self._master.epochs:
            figures = self._master.epoch(index, progress)
            self.culprit = self._master.culprit
            return figures
        at = index - self._master.epochs
        if self._between and at < self._between.epochs:
            figures = self._between.epoch(at, progress)
            self.culprit = self._between.culprit
            return {**figures, "stage": 3.0}
        return {**super().epoch(at - int(self.settings["distilling_epochs"]), progress), "stage": 4.0}

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        """Logits (batch, classes), and "its": the teacher's."""
        (tokens,) = inputs.values()
        return {**super().call(inputs, training=training), "its": self.teacher(tokens, training=False)}

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return softly(outputs["its"], outputs[self.output], self.settings["temperature"])

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """The teacher's score and size, and how often the student decides as it does."""
        logits, values = self._master.score(dataset.test)
        own, _ = self.score(dataset.test)
        same = float((logits.argmax(axis=-1) == own.argmax(axis=-1)).mean())
        sizes = [sum(int(np.prod(w.shape)) for w in m.trainable_weights) for m in (self.teacher, self.model)]
        return {
            "teacher": f"{values.mean():.2%} on the same test split, the same decision on {same:.2%} of it; "
            f"{sizes[0]:,} parameters, {sizes[0] / sizes[1]:.1f} times the student's"
        }


class Between(_Taught):
    """Embeddings, attention and hidden vectors (Jiao et al. 2020, equations 7 to 9).

    Of a student's blocks each looks at the last of as many of the teacher's (section 3.1, a uniform mapping).
    """

    def __init__(self, model: keras.Model, teacher: keras.Model, settings: dict[str, Any], data: Dataset, task: Task):
        self._student, self._seen = Traced(model), Traced(teacher)
        widths = [traced.width for traced in (self._student, self._seen)]
        rng = np.random.default_rng([settings["seed"], 3])
        first = rng.normal(scale=widths[0] ** -0.5, size=(2, *widths))
        self.projections = keras.Variable(first, dtype=keras.config.floatx(), name="projections")
        super().__init__(model, teacher, settings, data, task)

    def trained(self) -> list[Any]:
        return [*self._student.model.trainable_variables, self.projections]

    def variables(self) -> list[Any]:
        return [self.projections, *self.optimizer.variables]

    def call(self, inputs: Mapping[str, Any], *, training: bool) -> dict[str, Any]:
        """What is compared, by name: the student's, and as "its ..." the teacher's."""
        (tokens,) = inputs.values()
        mine, its = self._student(tokens, training=training), self._seen(tokens, training=False)
        each = self._seen.blocks // self._student.blocks
        found = {
            "embedding": self._projected(0, mine["embedding"][0]),
            "its embedding": its["embedding"][0],
        }
        for i in range(self._student.blocks):
            at = (i + 1) * each - 1
            found |= {f"attention{i}": mine["attention"][i], f"its attention{i}": its["attention"][at]}
            found |= {f"hidden{i}": self._projected(1, mine["hidden"][i]), f"its hidden{i}": its["hidden"][at]}
        return found

    def loss(self, targets: Any, outputs: dict[str, Any]) -> Any:
        return tf.add_n([apart(outputs[k], outputs[f"its {k}"]) for k in outputs if not k.startswith("its ")])

    def values(self, ready: Ready, outputs: Mapping[str, np.ndarray], what: str) -> np.ndarray:
        """Share of the teacher's last hidden vectors that the student's give, of each text; below 0: none."""
        mine, its = (outputs[f"{whose}hidden{self._student.blocks - 1}"] for whose in ("", "its "))
        return np.asarray(1 - np.square(mine - its).sum(axis=(1, 2)) / np.square(its).sum(axis=(1, 2)))

    def _projected(self, which: int, vectors: Any) -> Any:
        return tf.einsum("ntu,uv->ntv", vectors, self.projections[which])


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


def _before(text: str, word: str) -> str:
    """What stands in front of the first such word; all, where there is none."""
    words = text.split()
    return " ".join(words[: words.index(word)]) if word in words else text
