"""What a recipe is: one frozen value that says how a system is built, fed, trained, judged and deployed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

from edgeproof.contract import Decode, Frontend, Tolerance

Settings = Mapping[str, Any]


class Fit(Protocol):
    """How a system is trained: a frozen value whose fields are settings, and the objective that takes them.

    Attributes:
        objective: "module:class", a `train.objectives.objective.Objective`; named, not imported.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    objective: ClassVar[str]


@dataclass(frozen=True)
class Published:
    """A figure from the literature, and where it stands."""

    value: float
    source: str


@dataclass(frozen=True)
class Goal:
    """The score, the floor it must reach by data set and variant, and what others report.

    `floors` maps the name of a data set, or "data/variant", to the least mean score over seeds.
    """

    metric: str
    floors: Mapping[str, float]
    published: Mapping[str, Published] = field(default_factory=dict)

    def floor(self, data: str, variant: str) -> float | None:
        """The floor of "data/variant", else of the data set, else None."""
        return self.floors.get(f"{data}/{variant}", self.floors.get(data))


@dataclass(frozen=True)
class When:
    """Settings that change with others: where all of `where` hold ("data" among them), `settings` become defaults."""

    where: Mapping[str, Any]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """One system.

    Attributes:
        title: what people call it.
        paper: who published it, and when.
        build: the builder, "module:function"; named, not imported, so that listing recipes costs nothing.
        arguments: every argument of the builder, with its default.
        data: data set name -> module in `train/data`; "embedded" always works offline.
        fit: the objective with its settings.
        goal: the score to reach.
        frontends: from the settings to the inputs' preprocessing; `train.learned` adds what it learns from the data.
        prepares: settings that only the frontends take, with their defaults.
        decode: how the output is read.
        labels: names of the classes; none: the data set knows them.
        graphs: parts of the model that are deployed beside the whole: name -> (inputs, outputs), each an end of the
            model or a layer with one output.
        when: settings that follow from others.
        tiny: settings of a version that trains in seconds, for tests.
        tolerances: by precision, where the defaults of the contract are not meant.
        refused: format, or "format:precision" -> why this system has none in it.
        refused_of: by variant of the builder, what that one alone has none in.
        beside: what the score is told beside: name -> "module:function", from the data set and the settings to values
            of the same metric on the test split, (n,).
        use, limits: for the card.
    """

    title: str
    paper: str
    build: str
    arguments: Mapping[str, Any]
    data: Mapping[str, str]
    fit: Fit
    goal: Goal
    frontends: Callable[[Settings], tuple[Frontend, ...]]
    decode: Decode
    labels: tuple[str, ...] = ()
    graphs: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    when: tuple[When, ...] = ()
    tiny: Mapping[str, Any] = field(default_factory=dict)
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    refused_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    prepares: Mapping[str, Any] = field(default_factory=dict)
    use: str = ""
    limits: str = ""

    def defaults(self) -> dict[str, Any]:
        """Every setting with its plain default: the builder's arguments, `prepares`, the fit's fields, the seed."""
        return {**self.arguments, **self.prepares, **asdict(self.fit), "seed": 0}

    def refusals(self, settings: Settings) -> dict[str, str]:
        """What the system that these settings make has none in, and why."""
        return {**self.refused, **self.refused_of.get(str(settings.get("variant", "")), {})}

    def forms(self) -> list[dict[str, Any]]:
        """The systems that it makes: the plain one, {}, and by their settings those that its rules tell of."""
        found: list[dict[str, Any]] = [{}]
        for rule in self.when:
            form = {key: value for key, value in rule.where.items() if key != "data"}
            if form not in found:
                found.append(form)
        return found

    def builder(self) -> Callable[..., Any]:
        """The builder itself; this imports Keras."""
        return _named(self.build)

    def baselines(self) -> dict[str, Callable[..., Any]]:
        """What its score is told beside, by name."""
        return {name: _named(text) for name, text in self.beside.items()}

    def objective(self) -> Callable[..., Any]:
        """The class of its objective; this imports TensorFlow."""
        return _named(self.fit.objective)


def _named(text: str) -> Callable[..., Any]:
    module, _, name = text.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found
