"""Are the gradients right? Two-sided differences against automatic gradients, for every recipe.

The formula and the bound are those of Ng's courses: ‖a - n‖ / (‖a‖ + ‖n‖), in float64, at most 1e-6.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgeproof.errors import Refused
from models.mlp import build_mlp
from train import data, drawing, learned, registry, settings
from train.fits import Greedy
from train.objectives.descent import Descent
from train.objectives.objective import Task
from train.objectives.supervised import Supervised
from train.objectives.supervised import criterion as criterion_of
from train.recipe import Recipe
from train.study import differences
from train.study.differences import LIMIT, STEP, Checked, Loss
from train.study.page import Figure, Page, Table
from train.study.request import Request

_BATCH, _EACH = 8, 24
_STEPS = tuple(10.0 ** (-k / 2) for k in range(2, 23))


@dataclass(frozen=True)
class _Form:
    """A recipe under some of its settings, and what was found of it by weight tensor."""

    told: str
    found: list[Checked]

    @property
    def worst(self) -> Checked:
        return max(self.found, key=lambda tensor: tensor.error)


def study(request: Request) -> Page:
    """Check one recipe or all, in each of their forms; the page fails above the bound."""
    names = [request.recipe] if request.recipe else registry.names()
    seeds = request.seeds_or(1)
    each = 4 if request.tiny else _EACH
    forms, left = [], []
    for name in names:
        recipe = registry.load(name)
        kind = _objective(recipe)
        if kind is None or not kind.precise or kind.batch is Descent.batch:
            why = (
                "steps are not the gradient of a loss"
                if kind is None
                else "loss is of vectors beside its model, and has a test of its own"
                if kind.precise
                else "loss is computed in float32 alone"
            )
            left.append(f"{name} (its {why})")
            continue
        for wishes in recipe.forms():
            told = " ".join([name, *[f"{key}={value}" for key, value in wishes.items()]])
            found = [_check(recipe, wishes, seed, each) for seed in seeds]
            tensors = [tensor for checked in found if checked for tensor in checked]
            if tensors:
                forms.append(_Form(told, tensors))
            else:
                left.append(f"{told} (a layer passes its gradient straight through, which is no derivative)")
    if not forms:
        raise Refused(
            "study: gradient-check needs a recipe whose steps follow the gradient of a loss.",
            received=", ".join(left),
            fix="--recipe lenet5",
        )
    wrong = [(form, tensor) for form in forms for tensor in form.found if not tensor.error <= LIMIT]
    blind = [(form, tensor) for form in forms for tensor in form.found if not tensor.numeric.size]
    worst = max(forms, key=lambda form: form.worst.error)
    fault = ""
    if wrong:
        form, tensor = max(wrong, key=lambda pair: pair[1].error)
        fault = f"gradient-check: {form.told}, {tensor.path}: relative error {tensor.error:.1e}, above {LIMIT:.0e}"
    elif blind:
        form, tensor = blind[0]
        fault = f"gradient-check: {form.told}, {tensor.path}: every parameter drawn lies at a corner of the loss"
    checked = sum(t.numeric.size for form in forms for t in form.found)
    kinks = sum(t.kinks for form in forms for t in form.found)
    figure, best = _by_step(_STEPS[::5] if request.tiny else _STEPS, 4 if request.tiny else 20)
    return Page(
        title="Gradient check",
        asked="Does back-propagation, as Keras and our own layers and losses do it, give the derivative of the loss?",
        how=[
            f"From every weight tensor {each} numbers are drawn (all, if it has fewer); each is moved by h = {STEP:g} "
            "up and down, and the loss's two-sided difference is compared with the automatic gradient by "
            f"‖a - n‖ / (‖a‖ + ‖n‖) over the tensor. At most {LIMIT:.0e} passes.",
            f"Loss: the recipe's own, penalties included, on {_BATCH} training samples of the embedded data, as in a "
            "training step (batch statistics; dropout's mask held).",
            "Networks are built in float64, in the recipe's tiny form, their first weights moved by N(0, 0.1²), away "
            "from points where a derivative does not exist, such as a zero bias under a ReLU.",
            "Where a ReLU or a maximum changes sides within the step there is no derivative to compare with; the "
            "differences over h and h/2 then disagree, and a tenth and a hundredth of the step are tried, as far as "
            "the loss's own rounding lets them tell anything; so are ten and a hundred times the step where a slope is "
            "so small that rounding hides it. A number at a corner in all of them is passed over and "
            "counted, and another drawn in its place.",
            f"Seeds: {', '.join(map(str, seeds))}.",
        ],
        results=[
            Table(
                ["recipe", "weight tensors", "numbers checked", "at a corner", "largest error", "in"],
                [
                    [
                        form.told,
                        str(len(form.found) // len(seeds)),
                        str(sum(t.numeric.size for t in form.found)),
                        str(sum(t.kinks for t in form.found)),
                        f"{form.worst.error:.1e}",
                        f"`{form.worst.path}`",
                    ]
                    for form in forms
                ],
            ),
            figure,
        ],
        shows=[
            f"{'No' if not wrong else len(wrong)} weight tensor{'s' * (len(wrong) != 1)} of {len(forms)} forms "
            f"{'is' if len(wrong) == 1 else 'are'} above {LIMIT:.0e}; the largest error is {worst.worst.error:.1e}, in "
            f"{worst.told}. {checked:,} numbers were compared, {kinks} lay at a corner.",
            *([f"Left out: {', '.join(left)}."] if left else []),
            f"The step matters: in float64 the two-sided difference is best at h = {best['two-sided, float64'][0]:.0e} "
            f"(error {best['two-sided, float64'][1]:.0e}), the one-sided at {best['one-sided, float64'][0]:.0e} "
            f"({best['one-sided, float64'][1]:.0e}), and in float32 even the two-sided one stays at "
            f"{best['two-sided, float32'][1]:.0e}, which would hide real mistakes. Larger steps truncate (the error of "
            "the two-sided difference grows as h², of the one-sided as h), smaller ones round.",
        ],
        passed=not fault,
        fault=fault,
    )


def _objective(recipe: Recipe) -> type[Descent] | None:
    """What steps down the gradient of a loss, of several stages the last; None where nothing does."""
    fit: object = recipe.fit
    found = Supervised if isinstance(fit, Greedy) else recipe.objective() if fit else None
    return found if isinstance(found, type) and issubclass(found, Descent) else None


def _check(recipe: Recipe, wishes: dict[str, Any], seed: int, each: int) -> list[Checked] | None:
    """Every weight tensor of a form in small; None where a layer's gradient is not meant to be its derivative."""
    chosen = settings.resolve(recipe, "embedded", wishes, tiny=True)
    dataset = data.load(recipe, "embedded", None)
    rows = np.random.default_rng(seed).permutation(len(dataset.train))[:_BATCH]
    frontends = learned.frontends(recipe, chosen, dataset)
    task = Task(frontends, learned.decode(recipe, frontends), recipe.goal.metric)
    few = dataclasses.replace(
        dataset, train=_some(dataset.train, rows), validation=_some(dataset.validation, np.arange(_BATCH))
    )
    kind = _objective(recipe)
    assert kind
    with differences.precision("float64"):
        keras.utils.set_random_seed(seed)
        model = recipe.builder()(**{key: chosen[key] for key in recipe.arguments})
        if any(getattr(layer, "straight_through", False) for layer in model.layers):
            return None
        differences.jitter(model.trainable_variables, seed)
        steps = kind(model, chosen, few, task)
        inputs, wanted = steps.batch(steps.train, np.arange(_BATCH), np.random.default_rng(seed))
        given = {name: _precise(value) for name, value in inputs.items()}
        return differences.check(Loss(model, given, _precise(wanted), steps.loss, steps.call), each=each, seed=seed)


def _some(split: data.Split, rows: np.ndarray) -> data.Split:
    labels = None if split.labels is None else split.labels[rows]
    return data.Split({name: values[rows] for name, values in split.samples.items()}, labels)


def _precise(values: Any) -> Any:
    """In float64 where they are no whole numbers."""
    values = np.asarray(values)
    return tf.constant(values.astype(np.float64) if values.dtype.kind == "f" else values)


def _by_step(steps: tuple[float, ...], numbers: int) -> tuple[Figure, dict[str, tuple[float, float]]]:
    """Error by step for a small smooth network, and each kind's best step with its error."""
    kinds = {
        "two-sided, float64": (differences.two_sided, "float64", drawing.BLUE),
        "one-sided, float64": (differences.one_sided, "float64", drawing.ORANGE),
        "two-sided, float32": (differences.two_sided, "float32", drawing.COLOURS[2]),
    }
    rng = np.random.default_rng(0)
    images, labels = rng.uniform(size=(_BATCH, 28, 28, 1)), tf.constant(rng.integers(0, 10, _BATCH), tf.int32)
    best = {}
    figure, axis = drawing.canvas(1, 1, (6.5, 3.4))
    for name, (difference, dtype, colour) in kinds.items():
        with differences.precision(dtype):
            model = build_mlp(hidden=(12,), activation="tanh", dropout=0.0)
            differences.jitter(model.trainable_variables, 0)
            loss = Loss(model, tf.constant(images, dtype), labels, criterion_of({"loss": "cross_entropy"}))
            variable = model.get_layer("logits").kernel
            automatic = loss.gradients()[-2].ravel()[:numbers]
            errors = [
                differences.relative(automatic, np.array([difference(loss, variable, i, h) for i in range(numbers)]))
                for h in steps
            ]
        least = int(np.argmin(errors))
        best[name] = (steps[least], errors[least])
        axis.plot(steps, errors, color=colour, marker="o", markersize=3, label=name)
    axis.axhline(LIMIT, color=drawing.LIGHT, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel="step h", ylabel="‖a - n‖ / (‖a‖ + ‖n‖)")
    axis.legend(frameon=False)
    shows = f"Error of the difference by its step, on a network of 12 tanh units; the line is {LIMIT:.0e}"
    return Figure("gradient-check", drawing.png(figure, dpi=90, colours=96), shows), best
