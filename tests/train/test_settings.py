"""`--set key=value`: types, names, rules, and who has the last word."""

import dataclasses
from typing import Any

import pytest

from edgeproof.errors import Refused
from train import registry, settings
from train.fits import Supervised
from train.recipe import Recipe, When


@pytest.fixture
def recipe() -> Recipe:
    """lenet5's recipe with a builder that has an argument of every type, and rules of its own."""
    return dataclasses.replace(
        registry.load("lenet5"),
        arguments={"variant": "relu", "classes": 10, "dropout": 0.5, "residual": False, "widths": (6, 16)},
        fit=Supervised(epochs=12, batch=64),
        when=(
            When({"data": "embedded"}, {"epochs": 60, "batch": 32}),
            When({"variant": "1998"}, {"epochs": 20, "loss": "map"}),
            When({"variant": "1998", "data": "embedded"}, {"epochs": 40}),
            When({"loss": "map"}, {"rubbish": 7.0}),
        ),
        tiny={"epochs": 2},
    )


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("epochs=3", "epochs", 3),
        ("learning_rate=1e-4", "learning_rate", 1e-4),
        ("learning_rate=1", "learning_rate", 1.0),
        ("variant=1998", "variant", "1998"),
        ("variant=a=b", "variant", "a=b"),
        ("variant=", "variant", ""),
        ("residual=true", "residual", True),
        ("residual=No", "residual", False),
        ("residual=1", "residual", True),
        ("widths=(3, 4)", "widths", (3, 4)),
        ("widths=[3]", "widths", (3,)),
        ("seed=7", "seed", 7),
    ],
)
def test_a_value_gets_the_type_of_the_default(recipe: Recipe, text: str, key: str, value: Any) -> None:
    found = settings.parse(recipe, [text])
    assert found == {key: value}
    assert type(found[key]) is type(value)


def test_the_last_of_two_wishes_counts(recipe: Recipe) -> None:
    assert settings.parse(recipe, ["epochs=3", "batch=8", "epochs=4"]) == {"epochs": 4, "batch": 8}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("epochs=three", "int"),
        ("epochs=3.5", "int"),
        ("epochs=", "int"),
        ("learning_rate=fast", "float"),
        ("residual=maybe", "bool"),
        ("widths=3", "tuple"),
        ("widths=__import__('os')", "tuple"),
    ],
)
def test_a_value_of_another_type_is_refused(recipe: Recipe, text: str, kind: str) -> None:
    key, _, value = text.partition("=")
    with pytest.raises(Refused, match=f"train: {key} must be a value of type {kind}") as refused:
        settings.parse(recipe, [text])
    assert refused.value.received == value
    assert refused.value.fix == f"--set {key}={recipe.defaults()[key]}"


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("epoch=3", "epochs"), ("lerning_rate=1", "learning_rate"), ("varient=relu", "variant"), ("Batch=3", "batch")],
)
def test_an_unknown_key_names_the_nearest(recipe: Recipe, text: str, nearest: str) -> None:
    with pytest.raises(Refused, match="a key that the recipe or its builder has") as refused:
        settings.parse(recipe, [text])
    assert refused.value.received == text
    assert refused.value.fix.startswith(f'did you mean "{nearest}"? known: ')
    assert all(key in refused.value.fix for key in recipe.defaults())


@pytest.mark.parametrize("text", ["epochs", "", "=3", "data=mnist"])
def test_what_is_no_setting_is_refused(recipe: Recipe, text: str) -> None:
    with pytest.raises(Refused, match="--set takes key=value"):
        settings.parse(recipe, [text])


def test_defaults_are_the_builder_s_the_objective_s_and_a_seed(recipe: Recipe) -> None:
    plain = settings.resolve(dataclasses.replace(recipe, when=()), "mnist", {})
    assert plain == {**recipe.arguments, **dataclasses.asdict(recipe.fit), "seed": 0}


def test_rules_follow_the_data(recipe: Recipe) -> None:
    assert settings.resolve(recipe, "mnist", {})["epochs"] == 12
    found = settings.resolve(recipe, "embedded", {})
    assert (found["epochs"], found["batch"]) == (60, 32)
    assert "data" not in found


def test_rules_follow_wishes_and_the_later_one_wins(recipe: Recipe) -> None:
    found = settings.resolve(recipe, "mnist", {"variant": "1998"})
    assert (found["epochs"], found["loss"], found["batch"]) == (20, "map", 64)
    found = settings.resolve(recipe, "embedded", {"variant": "1998"})
    assert (found["epochs"], found["loss"], found["batch"]) == (40, "map", 32)


def test_rules_do_not_follow_other_rules(recipe: Recipe) -> None:
    # "map" comes from a rule here, so the rule for those who wish "map" is not meant.
    assert settings.resolve(recipe, "mnist", {"variant": "1998"})["rubbish"] == 1.0
    assert settings.resolve(recipe, "mnist", {"loss": "map"})["rubbish"] == 7.0


def test_a_wish_outranks_tiny_and_tiny_outranks_rules(recipe: Recipe) -> None:
    assert settings.resolve(recipe, "embedded", {}, tiny=True)["epochs"] == 2
    assert settings.resolve(recipe, "embedded", {"epochs": 5}, tiny=True)["epochs"] == 5
    assert settings.resolve(recipe, "embedded", {"epochs": 5})["epochs"] == 5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("epochs", 0), ("batch", 0), ("batch", -1), ("seed", -1), ("seed", 2**32)],
        *[("learning_rate", float("nan")), ("learning_rate", float("inf")), ("learning_rate", -1e-3)],
        *[("shift", -1.0), ("rotate", -1.0), ("weight_decay", -0.1), ("rubbish", float("nan"))],
    ],
)
def test_a_number_out_of_range_is_refused(recipe: Recipe, key: str, value: float) -> None:
    with pytest.raises(Refused, match=f"train: {key} must be a finite number") as refused:
        settings.resolve(recipe, "mnist", {key: value})
    assert refused.value.received == str(value)
    assert refused.value.fix == f"--set {key}={recipe.defaults()[key]}"


@pytest.mark.parametrize(("key", "value"), [("epochs", 1), ("batch", 1), ("seed", 2**32 - 1), ("rubbish", -5.0)])
def test_the_ends_of_a_range_are_in_it(recipe: Recipe, key: str, value: float) -> None:
    assert settings.resolve(recipe, "mnist", {key: value})[key] == value
