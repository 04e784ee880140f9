"""Skip-grams: windows, subsampling, noise and the loss against plain ways; the planted text; texts of one's own."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.contract import Decode
from edgeproof.errors import Refused
from edgeproof.metrics import recall
from models.word_vectors import build_word_vectors
from train import counting, learned, registry, skip_grams
from train.analogies import asked, questions, vectors
from train.data import Dataset, plain_text, relations
from train.objectives.objective import Task
from train.objectives.skip_gram import SkipGram, criterion, numbered
from train.skip_grams import Tokens

RECIPE = registry.load("word_vectors")


class Fixed:
    """Windows as they were drawn."""

    def __init__(self, reach: list[int]) -> None:
        self.reach = reach

    def integers(self, low: int, high: int, n: int) -> np.ndarray:
        assert (low, n) == (1, len(self.reach))
        return np.array(self.reach)


@given(st.lists(st.lists(st.integers(0, 9), max_size=9), max_size=6), st.integers(1, 6), st.integers(0, 99))
def test_skip_grams_are_each_word_with_those_within_its_reach(rows: list[list[int]], window: int, seed: int) -> None:
    tokens = Tokens.of(rows)
    reach = [int(r) for r in np.random.default_rng(seed).integers(1, window + 1, len(tokens))]
    expected: list[tuple[int, int]] = []
    at = 0
    for row in rows:
        for i, word in enumerate(row):
            for j, context in enumerate(row):
                if i != j and abs(i - j) <= reach[at + i]:
                    expected.append((word, context))
        at += len(row)
    found = skip_grams.pairs(tokens, window, Fixed(reach))  # type: ignore[arg-type]
    assert Counter(map(tuple, found.tolist())) == Counter(expected)


def test_the_reach_is_drawn_evenly() -> None:
    tokens = Tokens.of([list(range(21))] * 2000)
    found = skip_grams.pairs(tokens, 5, np.random.default_rng(0))
    middle = found[found[:, 0] == 10, 1]
    shares = [float((np.abs(middle - 10) == far).sum()) / 4000 for far in range(1, 6)]
    np.testing.assert_allclose(shares, [1.0, 0.8, 0.6, 0.4, 0.2], atol=0.03)


def test_frequent_words_stay_with_the_root_of_threshold_over_frequency() -> None:
    words = np.array([0] * 90 + [1] * 9 + [2])
    frequency = skip_grams.frequencies(words, 4)
    np.testing.assert_allclose(frequency, [0.9, 0.09, 0.01, 0.0])
    np.testing.assert_allclose(skip_grams.kept(frequency, 0.09), [math.sqrt(0.1), 1.0, 1.0, 1.0])
    assert skip_grams.kept(frequency, 0.0).tolist() == [1.0] * 4


def test_noise_follows_the_counts_to_the_power_of_three_quarters() -> None:
    weights = np.array([81.0**0.75, 16.0**0.75, 0.0, 1.0])
    found = skip_grams.noise(skip_grams.frequencies(np.repeat([0, 1, 3], [81, 16, 1]), 4))
    np.testing.assert_allclose(found, weights / weights.sum())


def planted(**changes: Any) -> tuple[SkipGram, Dataset]:
    dataset = relations.load()
    settings = {**RECIPE.defaults(), "words": len(dataset.labels), "epochs": 1, **changes}
    frontends = learned.frontends(RECIPE, settings, dataset)
    model = build_word_vectors(words=settings["words"], width=settings["width"])
    return SkipGram(model, settings, dataset, Task(frontends, RECIPE.decode, RECIPE.goal.metric)), dataset


def test_what_is_drawn_as_noise_is_distributed_as_it_should_be() -> None:
    objective, dataset = planted()
    drawn = objective._with_noise(np.zeros((40_000, 2), np.int32), objective.settings, np.random.default_rng(3))
    assert dataset.text is not None
    words = np.array([w for row in numbered(dataset.text, objective.frontends["query"].steps[-1]) for w in row])
    expected = skip_grams.noise(skip_grams.frequencies(words, len(dataset.labels)))
    shares = skip_grams.frequencies(drawn["noise"].ravel(), len(dataset.labels))
    assert np.abs(shares - expected).max() < 2e-3
    assert drawn["noise"].shape == (40_000, objective.settings["noise"])


def test_loss_and_gradients_are_those_of_the_paper() -> None:
    objective, _ = planted(width=4, noise=2)
    rng = np.random.default_rng(0)
    v, c = (rng.normal(size=w.shape).astype(np.float32) for w in objective.weights)
    for weights, value in zip(objective.weights, (v, c), strict=True):
        weights.assign(value)
    inputs = {"word": np.array([3, 5, 3]), "context": np.array([1, 2, 9]), "noise": np.array([[4, 1], [2, 2], [7, 8]])}
    loss, wanted_v, wanted_c = 0.0, np.zeros_like(v), np.zeros_like(c)

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    for word, context, noise in zip(*inputs.values(), strict=True):
        for other, label in [(context, 1.0), *[(n, 0.0) for n in noise]]:
            p = sigmoid(float(v[word] @ c[other]))
            loss -= math.log(p if label else 1 - p) / 3
            wanted_v[word] += (p - label) * c[other] / 3
            wanted_c[other] += (p - label) * v[word] / 3
    value, gradients = objective._differentiated({k: tf.constant(x) for k, x in inputs.items()}, None)
    np.testing.assert_allclose(float(value), loss, rtol=1e-5)
    for gradient, expected in zip(gradients, (wanted_v, wanted_c), strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(gradient).numpy(), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(float(criterion(tf.constant([0.0]), tf.constant([[0.0]]))), 2 * math.log(2), rtol=1e-6)


def test_the_model_has_the_vectors_at_length_one_and_answers_as_the_analogies_do() -> None:
    objective, dataset = planted()
    objective._vectors.assign(np.random.default_rng(0).normal(size=objective._vectors.shape).astype(np.float32))
    objective._show()
    table = objective.model.get_layer("vectors").get_weights()[0]
    np.testing.assert_allclose(np.linalg.norm(table, axis=1), [0, 0, *[1] * len(dataset.labels)], rtol=1e-5)
    outputs, values = objective.score(dataset.test)
    known = vectors.Vectors(dataset.labels, table[2:])
    queries = [str(query).split() for query in dataset.test.samples["query"][:100]]
    assert dataset.test.labels is not None
    answers = [dataset.labels[int(np.argmax(row))] for row in dataset.test.labels[:100]]
    section = questions.Section("", tuple((a, b, c, d) for (a, b, c), d in zip(queries, answers, strict=True)))
    (judged,) = questions.judge(known, [section])
    np.testing.assert_array_equal(values[:100], judged.right)
    np.testing.assert_array_equal(recall(outputs, dataset.test.labels, top=1), values)


def test_outputs_of_another_kind_and_too_little_text_are_refused() -> None:
    objective, dataset = planted()
    task = Task(tuple(objective.frontends.values()), RECIPE.decode, RECIPE.goal.metric)
    short = dataclasses.replace(dataset, text=np.array(["the mayor"] * 3))
    for told, way in ((dataset, Decode("classify", "scores")), (short, RECIPE.decode)):
        with pytest.raises(Refused, match=r"skip-grams"):
            SkipGram(objective.model, objective.settings, told, dataclasses.replace(task, decode=way))


def test_the_planted_text_relates_what_it_is_asked_about_and_nothing_else() -> None:
    dataset = relations.load()
    assert "SYNTHETIC" in dataset.title
    assert dataset.text is not None
    assert len(set(dataset.text)) == len(dataset.text) == relations.SENTENCES
    assert relations.write(300, seed=1) == relations.write(300, seed=1) != relations.write(300, seed=2)
    assert relations.vocabulary(["b a", "b c"]) == ("b", "a", "c")
    forms = {word for relation in ("capital", "plural") for words in relations.lexemes(relation) for word in words}
    assert {"athens", "greece", "greek", "mouse", "mice"} <= forms <= set(dataset.labels)
    assert not any({"athens", "greece"} <= set(str(sentence).split()) for sentence in dataset.text)
    every = set(relations.questions())
    assert ("athens", "greece", "baghdad", "iraq") in every
    assert ("greece", "athens", "iraq", "baghdad") in every
    splits = [{str(q) for q in s.samples["query"]} for s in (dataset.train, dataset.validation, dataset.test)]
    assert sum(map(len, splits)) == len(set.union(*splits)) == sum(relations.SIZES.values())
    with pytest.raises(Refused, match="--data text"):
        relations.load(Path("x"))


def test_questions_become_rows_with_the_answer_and_what_is_asked() -> None:
    every = asked.among([("a", "b"), ("c", "d")])
    assert every == [("a", "b", "c", "d"), ("b", "a", "d", "c"), ("c", "d", "a", "b"), ("d", "c", "b", "a")]
    split = asked.asked(every[:2], ("d", "c", "b", "a", "e"))
    assert split.samples["query"].tolist() == ["a b c", "b a d"]
    assert split.labels is not None
    assert split.labels.tolist() == [[1, -1, -1, -1, 0], [-1, 1, -1, -1, 0]]
    parts = asked.drawn([*every, *every], (2, 6), seed=0)
    assert [len(part) for part in parts] == [1, 3]
    assert sorted([*parts[0], *parts[1]]) == sorted(every)


def test_counting_finds_what_is_planted_too() -> None:
    dataset = relations.load()
    assert counting.answered(dataset, {"window": 5, "width": 48, "seed": 0}).mean() > 0.9
    met = np.array([[0, 1], [1, 0], [2, 3], [3, 2]])
    np.testing.assert_allclose(
        np.abs(counting.vectors(met, 4, 4) @ counting.vectors(met, 4, 4).T), np.eye(4), atol=1e-6
    )


STEMS = ("walk", "talk", "jump", "look", "play", "work", "cook", "help")
BODY = "\n".join(f"They {stem} and {stem}ed, {stem}s {stem}ing!" for stem in STEMS for _ in range(6))


def test_a_text_is_asked_what_spelling_makes_or_the_questions_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BODY + "\n" + "long " * 100, "utf-8")
    dataset = plain_text.load(tmp_path)
    assert dataset.text is not None
    assert dataset.text[0] == "they walk and walked walks walking"
    assert max(len(str(line).split()) for line in dataset.text) == plain_text.LONGEST
    assert "made by English spelling" in dataset.title
    # eight stems, three endings, both ways
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) in range(330, 337)
    (tmp_path / "questions.txt").write_text("Walk walks talk talks\nAthens Greece Baghdad Iraq\n")
    with pytest.raises(Refused, match="must have the words"):
        plain_text.load(tmp_path)
    (tmp_path / "questions.txt").write_text("\n".join(" ".join(q) for q in plain_text.by_spelling(dataset.labels)))
    assert "336 of 336 questions covered, of questions.txt" in plain_text.load(tmp_path).title


def test_folders_that_hold_no_text_are_refused(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(Refused, match="--data-dir DIR"):
            plain_text.load(folder)
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(Refused, match="offset 3"):
        plain_text.load(tmp_path)
