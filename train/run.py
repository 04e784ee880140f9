"""One training from request to finished folder."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import edgeproof
from edgeproof import atomic, metrics
from edgeproof.contract import Contract, Decode, Graph, Provenance, Tensor, sample_hashes
from edgeproof.decode import KINDS, decided, truth
from edgeproof.errors import Refused
from train import card, checkpoint, learned, loop, plots, samples
from train.data import Dataset, Split
from train.objectives.objective import Objective, Task
from train.recipe import Recipe
from train.request import Outcome, Request


def train(request: Request, dataset: Dataset) -> Outcome:
    """Train, score on the test split, and write the folder; the finished checkpoint is written last.

    Raises:
        Refused: see `train.loop.fit`, `train.checkpoint.read_state`; or a folder that can't be written.
    """
    out = request.out
    atomic.prepare(out)
    if request.board:
        atomic.prepare(request.board)
    path = out / f"{request.name}.h5"
    state = checkpoint.read_state(path) if request.resume else None
    settings = _resumed(request, state, dataset) if state else request.settings
    objective = prepared(request.recipe, settings, dataset)
    contract = _contract(request, settings, dataset, objective)
    classes = _classes(contract)
    if contract.labels and classes != len(contract.labels):
        raise Refused(
            "train: the model must have one output for each label of the recipe.",
            received=f"{classes} outputs, {len(contract.labels)} labels: {', '.join(contract.labels)}",
            fix="change the number of classes with --set",
        )
    run = loop.Run(path, contract, settings, dataset.sha256())
    with plots.board(request.board) as watch:
        history, seconds = loop.fit(objective, run, state=state, watch=watch, quiet=request.quiet)
    outputs, values = objective.score(dataset.test)

    score = metrics.score(request.recipe.goal.metric, values, data=dataset.name, split="test")
    by_seed = {settings["seed"]: score.value}
    for seed in range(settings["seed"] + 1, settings["seed"] + request.seeds):
        by_seed[seed] = _another(request, settings, dataset, seed)
    contract = dataclasses.replace(contract, score=score, decode=objective.decoding())
    outcome = Outcome(
        score=score,
        by_seed=by_seed,
        floor=request.recipe.goal.floor(request.data, str(settings.get("variant", ""))),
        history=history,
        seconds=seconds,
        parameters=sum(int(np.prod(w.shape)) for w in objective.model.trainable_weights),
        confusion=_confusion(outputs, dataset.test, contract.decode),
        path=path,
        facts={**_beside(request.recipe, settings, dataset, objective), **objective.facts(dataset)},
        pictures=tuple(objective.draw(out, dataset)),
    )
    samples.write(dataset, out)
    card.write(out, request, settings, dataset, contract, outcome)
    checkpoint.write(path, objective.model, contract)
    return outcome


def deterministic(seed: int) -> None:
    """From here on the same seed gives the same weights on the same machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def prepared(recipe: Recipe, settings: dict[str, Any], dataset: Dataset) -> Objective:
    """The recipe's objective, with a model that its seed has drawn.

    Raises:
        Refused: arguments that the builder does not take.
    """
    deterministic(settings["seed"])
    try:
        model = recipe.builder()(**{key: settings[key] for key in recipe.arguments})
    except ValueError as error:
        raise Refused(
            "train: the builder must accept its arguments.", received=str(error), fix="change them with --set"
        ) from error
    frontends = learned.frontends(recipe, settings, dataset)
    task = Task(frontends, learned.decode(recipe, frontends), recipe.goal.metric)
    found = recipe.objective()(model, settings, dataset, task)
    assert isinstance(found, Objective)
    return found


def _beside(recipe: Recipe, settings: dict[str, Any], dataset: Dataset, objective: Objective) -> dict[str, str]:
    """Rows for the card: what simpler methods reach on the same test split."""
    rows = {}
    for name, method in recipe.baselines().items():
        found = metrics.score(recipe.goal.metric, method(dataset, settings), data=dataset.name, split="test")
        told = ", ".join(filter(None, ["on the same test split", objective.in_words(found.value)]))
        rows[name] = f"{found.value:.2%} ({found.interval[0]:.2%} to {found.interval[1]:.2%}) {told}"
    return rows


def _another(request: Request, settings: dict[str, Any], dataset: Dataset, seed: int) -> float:
    """The test score of the same run from another seed; nothing of it is kept but this figure."""
    settings = {**settings, "seed": seed}
    objective = prepared(request.recipe, settings, dataset)
    run = loop.Run(None, _contract(request, settings, dataset, objective), settings, dataset.sha256())
    loop.fit(objective, run, quiet=request.quiet)
    return float(np.mean(objective.score(dataset.test)[1]))


def _resumed(request: Request, state: checkpoint.State, dataset: Dataset) -> dict[str, Any]:
    changed = {k: v for k, v in request.wishes.items() if state.settings.get(k) != v}
    if changed or state.data_sha256 != dataset.sha256():
        what = ", ".join(f"{k}={v} (was {state.settings.get(k)})" for k, v in changed.items()) or "other data"
        raise Refused(
            "train: --resume goes on with the settings and data that the checkpoint was begun with.",
            received=what,
            fix="leave them out, or train anew without --resume",
        )
    return state.settings


def _contract(request: Request, settings: dict[str, Any], dataset: Dataset, objective: Objective) -> Contract:
    recipe = request.recipe
    calibration = [h for array in samples.calibration_of(dataset).values() for h in sample_hashes(array)]
    return Contract(
        name=request.name,
        title=f"{recipe.title} ({settings['variant']})" if "variant" in settings else recipe.title,
        graphs=_graphs(recipe, objective.model),
        frontends=tuple(objective.frontends.values()),
        decode=objective.decode,
        labels=recipe.labels or dataset.labels,
        tolerances=dict(recipe.tolerances),
        refused=recipe.refusals(settings),
        provenance=Provenance(
            recipe=request.name,
            settings={**settings, "data": request.data},
            seed=settings["seed"],
            data_sha256=dataset.sha256(),
            calibration=tuple(calibration),
            versions={
                "edgeproof": edgeproof.__version__,
                "keras": version("keras"),
                "tensorflow": version("tensorflow"),
                "python": platform.python_version(),
            },
        ),
    )


def _graphs(recipe: Recipe, model: keras.Model) -> tuple[Graph, ...]:
    """The whole model, and the parts that the recipe names."""
    ends = {t.name: t for t in model.inputs} | dict(zip(model.output_names, model.outputs, strict=True))

    def tensors(names: Iterable[str]) -> tuple[Tensor, ...]:
        found = {name: ends[name] if name in ends else model.get_layer(name).output for name in names}
        return tuple(Tensor.of(name, t.shape, str(t.dtype)) for name, t in found.items())

    whole = Graph("main", tensors(t.name for t in model.inputs), tensors(model.output_names))
    parts = (Graph(name, tensors(into), tensors(out)) for name, (into, out) in recipe.graphs.items())
    return (whole, *parts)


def _classes(contract: Contract) -> int | None:
    """How many classes the decoded output tells apart."""
    if contract.decode.kind == "detect":
        return 2
    shapes = {t.name: t.shape for t in contract.graph().outputs}
    return shapes[contract.decode.output][-1]


def _confusion(outputs: np.ndarray, split: Split, decode: Decode) -> np.ndarray | None:
    """Counts, (label, decision), or None where nothing is decided."""
    decisions = decided(outputs, decode)
    if decisions is None or split.labels is None:
        return None
    classes = 2 if decode.kind == "detect" else outputs.shape[-1]
    counts = np.zeros((classes, classes), np.int64)
    wanted = truth(decode, split.labels, [], outputs, source="the test split")
    assert wanted is not None
    np.add.at(counts, KINDS[decode.kind].paired(wanted, decisions, decode), 1)
    return counts
