"""One suite over every recipe, in every form that its rules know: what a system must keep to be one of ours.

Nothing here names a system. A new file in `train/recipes/` is covered from the moment it exists.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeproof import frontend, metrics, samples
from edgeproof.contract import PRECISIONS, Contract, sample_hashes
from edgeproof.decode import KINDS, USUAL, truth
from edgeproof.frontend import files
from export import formats
from train import data, registry, settings
from train.data import Dataset
from train.recipe import Recipe
from train.request import Request

ROOT = Path(__file__).resolve().parents[2]
NAMES = registry.names()

Form = tuple[str, tuple[tuple[str, Any], ...]]


def forms() -> Iterator[Form]:
    """Every recipe's plain form, and those that its rules make by settings: ("lenet5", (("variant", "1998"),))."""
    for name in NAMES:
        yield from ((name, tuple(sorted(form.items()))) for form in registry.load(name).forms())


FORMS = list(forms())


def told(form: Form) -> str:
    return " ".join([form[0], *[f"{key}={value}" for key, value in form[1]]])


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recipe(name: str) -> Recipe:
    return registry.load(name)


# --- the file ---


def test_every_recipe_file_is_covered() -> None:
    files = {path.stem for path in (ROOT / "train" / "recipes").glob("*.py")} - {"__init__"}
    assert set(NAMES) == {form[0] for form in FORMS} == files
    assert len(NAMES) == len(files) > 0


def test_the_docstring_tells_what_it_is_how_to_run_it_and_the_source(name: str) -> None:
    text = importlib.import_module(f"train.recipes.{name}").__doc__ or ""
    assert registry.headline(name)
    assert f"python -m train {name}" in text
    assert re.search(r"\b(19|20)\d\d\b", text), "the year of a paper or of a data set's publication"


def test_the_builder_s_arguments_are_the_recipe_s_with_the_same_defaults(recipe: Recipe) -> None:
    assert re.fullmatch(r"models(\.\w+)+:build_\w+", recipe.build)
    parameters = inspect.signature(recipe.builder()).parameters.values()
    assert {p.kind for p in parameters} <= {inspect.Parameter.KEYWORD_ONLY}
    assert {p.name: p.default for p in parameters} == dict(recipe.arguments)
    assert {p.name: type(p.default) for p in parameters} == {k: type(v) for k, v in recipe.arguments.items()}


def test_settings_of_builder_and_objective_do_not_collide(recipe: Recipe) -> None:
    fields = {field.name for field in dataclasses.fields(recipe.fit)}
    assert not set(recipe.arguments) & fields
    assert not (set(recipe.arguments) | fields) & {"seed", "data"}


def test_rules_and_tiny_speak_of_settings_that_exist(recipe: Recipe) -> None:
    defaults = recipe.defaults()
    for rule in recipe.when:
        assert rule.where.keys() <= {*defaults, "data"}
        assert rule.where.get("data", "embedded") in recipe.data
    for changes in (recipe.tiny, *[rule.settings for rule in recipe.when]):
        assert changes.keys() <= defaults.keys()
        assert {key: type(value) for key, value in changes.items()} == {key: type(defaults[key]) for key in changes}


def test_every_setting_can_be_set_from_the_command_line(recipe: Recipe) -> None:
    for key, value in recipe.defaults().items():
        assert settings.parse(recipe, [f"{key}={value}"]) == {key: value}


def test_data_sets_exist_and_one_is_always_at_hand(recipe: Recipe) -> None:
    assert "embedded" in recipe.data
    for module in recipe.data.values():
        assert module.startswith("train.data.")
        assert callable(importlib.import_module(module).load)


def test_floors_and_published_figures_are_of_data_and_forms_that_exist(recipe: Recipe) -> None:
    assert recipe.goal.metric in metrics.METRICS
    assert "embedded" in recipe.goal.floors
    assert all(0 < floor <= 1 for floor in recipe.goal.floors.values())
    for key in (*recipe.goal.floors, *recipe.goal.published):
        name, _, variant = key.partition("/")
        assert name in recipe.data, key
        if variant:
            built = settings.resolve(recipe, name, {"variant": variant})
            recipe.builder()(**{argument: built[argument] for argument in recipe.arguments})
    for published in recipe.goal.published.values():
        assert 0 < published.value <= 1
        assert published.source


def test_each_form_has_the_floor_meant_for_it(recipe: Recipe) -> None:
    for name in recipe.data:
        for key, floor in recipe.goal.floors.items():
            data_name, _, variant = key.partition("/")
            if data_name == name:
                assert recipe.goal.floor(name, variant) == floor
    assert recipe.goal.floor("no such data", "") is None


def test_what_is_said_of_formats_is_said_of_ours(recipe: Recipe) -> None:
    assert recipe.tolerances.keys() <= set(PRECISIONS)
    variants = [recipe.defaults().get("variant", ""), *recipe.refused_of]
    for variant in variants:
        built = settings.resolve(recipe, "embedded", {"variant": variant} if variant else {})
        recipe.builder()(**{argument: built[argument] for argument in recipe.arguments})
        for form, reason in recipe.refusals(built).items():
            assert form in {pair for kind, p in formats.parse([]) for pair in (kind, f"{kind}:{p}")}
            assert reason.strip()


def test_a_card_can_be_written(recipe: Recipe) -> None:
    assert recipe.title
    assert len(recipe.use.split()) > 10
    assert len(recipe.limits.split()) > 10


# --- the system, trained tiny ---


@dataclasses.dataclass(frozen=True)
class Trained:
    """One form, trained in its tiny version."""

    name: str
    recipe: Recipe
    settings: dict[str, Any]
    out: Path
    outcome: Any

    @property
    def path(self) -> Path:
        return self.out / f"{self.name}.h5"

    @property
    def contract(self) -> Contract:
        with h5py.File(self.path, "r") as file:
            return Contract.from_json(file.attrs[Contract.KEY])

    def model(self) -> Any:
        """The checkpoint as Keras loads it, the project's layers known by their registered names."""
        import keras

        importlib.import_module("models.layers")
        return keras.saving.load_model(self.path, compile=False)

    def inputs(self, model: Any, raw: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Raw samples by way of the contract's frontends."""
        return [frontend.apply(self.contract.frontend(t.name), raw[t.name]) for t in model.inputs]

    def outputs(self, model: Any, raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What a model says to raw samples."""
        import keras

        inputs = self.inputs(model, raw)
        found = keras.tree.flatten(model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0))
        return dict(zip(model.output_names, found, strict=True))


@cache
def embedded(name: str) -> Dataset:
    return data.load(registry.load(name), "embedded", None)


# By default one system of each way to train and to decode, in its plain form; the others take as long again. Not those
# over drawn pictures, which have to be drawn first, and whose networks take half a minute even tiny.
DRAWN = ("train.data.captions", "train.data.cats", "train.data.objects")


def daily() -> set[str]:
    first: dict[tuple[str, str], str] = {}
    for name in NAMES:
        recipe = registry.load(name)
        if recipe.data["embedded"] not in DRAWN:
            first.setdefault((recipe.fit.objective, recipe.decode.kind), name)
    return set(first.values())


DAILY = daily()
TRAINED = [
    pytest.param(form, id=told(form), marks=[] if form[0] in DAILY and not form[1] else [pytest.mark.all])
    for form in FORMS
]


@pytest.fixture(scope="module", params=TRAINED)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from train import run

    name, wishes = request.param[0], dict(request.param[1])
    recipe = registry.load(name)
    resolved = settings.resolve(recipe, "embedded", wishes, tiny=True)
    out = tmp_path_factory.mktemp(name)
    asked = Request(name, recipe, "embedded", resolved, out, "python -m train", wishes=wishes, quiet=True)
    return Trained(name, recipe, resolved, out, run.train(asked, embedded(name)))


def test_tiny_training_lowers_the_loss(trained: Trained) -> None:
    history = trained.outcome.history
    stages: dict[float, list[float]] = {}
    for figures in history:
        stages.setdefault(figures.get("stage", 0), []).append(figures["loss"])
    assert len(stages) > 1 or len(history) == trained.settings["epochs"]
    for losses in stages.values():
        assert len(losses) > 1
        assert losses[-1] < losses[0]
    assert all(np.isfinite(value) for figures in trained.outcome.history for value in figures.values())


def test_the_checkpoint_comes_back_as_the_same_function(trained: Trained, tmp_path: Path) -> None:
    from train import checkpoint

    model, raw = trained.model(), {k: v[:40] for k, v in embedded(trained.name).test.samples.items()}
    built = trained.recipe.builder()(**{key: trained.settings[key] for key in trained.recipe.arguments})
    assert [tuple(w.shape) for w in built.weights] == [tuple(w.shape) for w in model.weights]
    built.set_weights(model.get_weights())
    checkpoint.write(tmp_path / "again.h5", model, trained.contract)
    again = dataclasses.replace(trained, name="again", out=tmp_path)
    # Same weights, same operations, same kernels: the same bits.
    expected = trained.outputs(model, raw)
    for found in (trained.outputs(built, raw), again.outputs(again.model(), raw)):
        assert list(found) == list(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
    assert again.contract == trained.contract


def test_the_checkpoint_reaches_the_score_that_its_contract_states(trained: Trained) -> None:
    test, score, decode = embedded(trained.name).test, trained.contract.score, trained.contract.decode
    model, raw = trained.model(), dict(test.samples)
    outputs = trained.outputs(model, raw)[decode.output]
    wanted = truth(decode, test.labels, trained.inputs(model, raw), outputs, source="the test split")
    assert wanted is not None
    values = metrics.METRICS[trained.recipe.goal.metric](outputs, wanted)
    assert score is not None
    assert score == trained.outcome.score
    assert (score.metric, score.n) == (trained.recipe.goal.metric, len(test))
    assert (score.data, score.split) == ("embedded", "test")
    # Keras sums in batches of another size than training's objective does.
    np.testing.assert_allclose(score.value, np.mean(values), rtol=1e-6)
    assert score.interval[0] <= score.value <= score.interval[1]


def test_the_contract_describes_the_model_s_ends(trained: Trained) -> None:
    model, contract = trained.model(), trained.contract
    graph = contract.graphs[0]
    assert [(t.name, t.shape, t.dtype) for t in graph.inputs] == [(t.name, t.shape, t.dtype) for t in model.inputs]
    outputs = zip(model.output_names, model.outputs, strict=True)
    assert [(t.name, t.shape, t.dtype) for t in graph.outputs] == [(n, t.shape, t.dtype) for n, t in outputs]
    assert [part.name for part in contract.graphs[1:]] == list(trained.recipe.graphs)
    for part in contract.graphs[1:]:
        into, out = trained.recipe.graphs[part.name]
        assert ([t.name for t in part.inputs], [t.name for t in part.outputs]) == (list(into), list(out))
        assert re.fullmatch(r"[a-z][a-z0-9_]*", part.name)
    for tensor in [end for part in contract.graphs for end in (*part.inputs, *part.outputs)]:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", tensor.name), "names that survive every format"
        assert tensor.shape[0] is None, "the batch is free"
        assert tensor.layout, tensor.name
    assert contract.name == trained.name
    assert trained.recipe.title in contract.title
    assert contract.artifact is None
    assert contract.tolerances == dict(trained.recipe.tolerances)
    assert contract.refused == trained.recipe.refusals(trained.settings)


def test_the_frontends_make_the_inputs(trained: Trained) -> None:
    graph, raw = trained.contract.graphs[0], embedded(trained.name).test.samples
    assert [f.input for f in trained.contract.frontends] == [t.name for t in graph.inputs]
    assert set(raw) == {t.name for t in graph.inputs}
    for tensor in graph.inputs:
        made = frontend.apply(trained.contract.frontend(tensor.name), raw[tensor.name][:3])
        assert made.shape == (3, *tensor.shape[1:])
        assert str(made.dtype) == tensor.dtype
        assert np.isfinite(made).all()


def test_the_output_can_be_decoded_and_every_class_has_a_name(trained: Trained) -> None:
    contract = trained.contract
    outputs = {t.name: t for t in contract.graphs[0].outputs}
    assert contract.decode.output in outputs
    assert contract.decode.kind in USUAL, "recipes can be scored"
    if contract.decode.kind == "detect":
        assert outputs[contract.decode.output].shape == (None, 1)
        assert len(contract.labels) == 2
    if contract.decode.kind in ("classify", "label"):
        classes = outputs[contract.decode.output].shape[-1]
        assert len(contract.labels) == len(set(contract.labels)) == classes
        labels = np.concatenate([s.labels.ravel() for s in _splits(embedded(trained.name))])
        assert set(labels) == set(range(classes)), "every class is in the data"


def test_provenance_is_complete(trained: Trained) -> None:
    found, dataset = trained.contract.provenance, embedded(trained.name)
    assert found.recipe == trained.name
    assert found.settings == plain({**trained.settings, "data": "embedded"})
    assert found.seed == trained.settings["seed"]
    assert found.data_sha256 == dataset.sha256()
    assert set(found.versions) == {"edgeproof", "keras", "tensorflow", "python"}
    assert all(re.match(r"\d+\.\d+", version) for version in found.versions.values())


def test_samples_are_held_out_and_calibration_is_not(trained: Trained) -> None:
    inputs = [t.name for t in trained.contract.graphs[0].inputs]
    found, dataset = samples.load(trained.out / "samples.npz", inputs), embedded(trained.name)
    assert len(found.evaluation[inputs[0]]) == len(dataset.test) >= 400
    np.testing.assert_array_equal(found.labels, dataset.test.labels)
    calibration = [h for name in inputs for h in sample_hashes(found.calibration[name])]
    assert tuple(calibration) == trained.contract.provenance.calibration
    for name in inputs:
        fitted, held_out, judged = (contents(s.samples[name]) for s in _splits(dataset))
        assert not fitted & judged
        assert not fitted & held_out
        assert not held_out & judged
        strange = contents(dataset.strange.samples[name]) if dataset.strange else set()
        assert not strange & (fitted | held_out | judged)
        assert contents(found.calibration[name]) <= fitted | strange


def test_the_first_sample_is_a_file_that_the_contract_reads(trained: Trained) -> None:
    how = trained.contract.frontends[0]
    name = {
        "image": "sample.png",
        "sound": "sample.wav",
        "text": "sample.txt",
        "series": "sample.csv",
        "score": "sample.mid",
    }.get(how.kind)
    assert [path.name for path in trained.out.glob("sample.*")] == ([name] if name else [])
    if name:
        first = embedded(trained.name).test.samples[how.input][0]
        np.testing.assert_array_equal(files.read(trained.out / name, how), first)


def test_the_card_is_complete(trained: Trained) -> None:
    text, facts = (trained.out / "card.md").read_text(), json.loads((trained.out / "run.json").read_text())
    recipe, score = trained.recipe, trained.outcome.score
    for told in (recipe.title, recipe.use, recipe.limits, embedded(trained.name).title, f"{score.value:.2%}"):
        assert told in text, told
    for word in ("95% interval", "splits", "training time", "versions", "Intended use", "Limits"):
        assert word in text, word
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    decides = KINDS[trained.contract.decode.kind].decided is not None
    assert ("confusion.png" in pictures) == (decides and KINDS[trained.contract.decode.kind].labelled)
    assert all((trained.out / picture).stat().st_size for picture in pictures)
    assert ("SYNTHETIC" in text) == embedded(trained.name).synthetic
    assert (facts["settings"], facts["score"]["value"]) == (plain(trained.settings), score.value)
    assert len((trained.out / "history.csv").read_text().splitlines()) == 1 + len(trained.outcome.history)


def plain(values: dict[str, Any]) -> Any:
    """As JSON keeps them."""
    return json.loads(json.dumps(values))


def contents(array: np.ndarray) -> set[bytes]:
    """Samples whole: of ten thousand texts, two may have the same 32 bits of a hash."""
    return {str(sample).encode() if array.dtype.kind == "U" else sample.tobytes() for sample in array}


def _splits(dataset: Dataset) -> tuple[data.Split, data.Split, data.Split]:
    return dataset.train, dataset.validation, dataset.test
