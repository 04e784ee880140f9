"""Two-sided differences against automatic gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

STEP = 1e-5  # near the cube root of float64's precision, where truncation and rounding are alike
STEPS = (STEP, STEP / 10, STEP / 100)
LIMIT = 1e-6
_ROUNDINGS = 64  # of the loss's last bit, in a sum over a batch and many layers, at the very most
_DISAGREE = 16  # roundings of the loss that two differences of a smooth loss may lie apart
_COARSER = 2  # times that a step may be made ten times as long
_ROUNDED = 2  # roundings of the loss that its values are off by, as measured on networks of a million ReLUs


@dataclass(frozen=True)
class Checked:
    """One weight tensor.

    Attributes:
        path: of the variable.
        size: numbers in it.
        automatic, numeric: derivatives at the parameters that were checked.
        kinks: parameters that were passed over, as the loss has a corner within every step that is large enough.
        noise: what rounding of the loss makes of a difference: a derivative below that can't be told from none, such as
            that of a bias in front of a normalization.
    """

    path: str
    size: int
    automatic: np.ndarray
    numeric: np.ndarray
    kinks: int
    noise: float = 0.0

    @property
    def error(self) -> float:
        """‖a - n‖ / (‖a‖ + ‖n‖), Ng's formula; 0 where both are 0, or nothing but noise."""
        size = max(np.linalg.norm(side, ord=np.inf) for side in (self.automatic, self.numeric)) if self.kept else 0.0
        return 0.0 if size <= self.noise else relative(self.automatic, self.numeric)

    @property
    def kept(self) -> int:
        """How many derivatives were compared."""
        return int(self.numeric.size)


def relative(a: np.ndarray, n: np.ndarray) -> float:
    """‖a - n‖ / (‖a‖ + ‖n‖); 0 where both are 0, infinite where one is not finite."""
    if not (np.isfinite(a).all() and np.isfinite(n).all()):
        return float("inf")
    whole = float(np.linalg.norm(a) + np.linalg.norm(n))
    return float(np.linalg.norm(a - n)) / whole if whole else 0.0


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Networks built inside compute in this precision, "float64"."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


class Loss:
    """The loss of a network on one batch, as a function of its weights alone.

    What a training step draws or moves, dropout's masks and running statistics, is set back before each evaluation.

    Args:
        model: as `precision` built it.
        inputs: one batch, in the model's own structure.
        labels: what the outputs should be.
        criterion: from labels and outputs to a number.
        call: from the inputs to what the criterion takes, as a training step has it; None: the model itself.
    """

    def __init__(
        self,
        model: keras.Model,
        inputs: Any,
        labels: Any,
        criterion: Callable[[Any, Any], Any],
        call: Callable[..., Any] | None = None,
    ) -> None:
        self.model = model
        run = call or model
        fixed = [(v, tf.constant(v.numpy())) for v in model.variables if not v.trainable]

        def value() -> Any:
            for variable, start in fixed:
                variable.assign(start)
            loss = criterion(labels, run(inputs, training=True))
            return loss + tf.add_n(model.losses) if model.losses else loss

        self._value = tf.function(value)

    def __call__(self) -> float:
        return float(self._value())

    def gradients(self) -> list[np.ndarray]:
        """By trainable variable; zeros where the loss does not depend on it."""
        with tf.GradientTape() as tape:
            value = self._value()
        found = tape.gradient(value, self.model.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [tf.convert_to_tensor(g).numpy() for g in found]


def two_sided(loss: Loss, variable: Any, index: int, step: float) -> float:
    """(J(θ + h) - J(θ - h)) / 2h, for one number of a variable."""
    above, below = _at(loss, variable, index, step), _at(loss, variable, index, -step)
    return (above - below) / (2 * step)


def one_sided(loss: Loss, variable: Any, index: int, step: float) -> float:
    """(J(θ + h) - J(θ)) / h."""
    return (_at(loss, variable, index, step) - loss()) / step


def check(loss: Loss, *, each: int, seed: int, steps: Sequence[float] = STEPS) -> list[Checked]:
    """Compare `each` numbers of every weight tensor, drawn by the seed, or all that it has.

    A corner of the loss within a step (a ReLU or a maximum that changes sides) shows in the losses themselves, as
    `_smooth` says; the automatic gradient has no say in that. A smaller step then may reach no corner: where a weight
    is used at thousands of places, there is nearly always one within the first step. A parameter at a corner in all
    steps is counted, and another is drawn in its place, four times as many at most.
    """
    rng = np.random.default_rng(seed)
    found = []
    here = loss()
    rounding = np.finfo(np.float64).eps * abs(here)
    noise = _ROUNDINGS * rounding / steps[0]
    for variable, gradient in zip(loss.model.trainable_variables, loss.gradients(), strict=True):
        automatic, numeric, kinks = list[float](), list[float](), 0
        for index in rng.permutation(gradient.size)[: 4 * each]:
            if len(numeric) == each:
                break
            slope = _slope(loss, variable, int(index), steps, here, rounding)
            if slope is None:
                kinks += 1
                continue
            automatic.append(gradient.ravel()[index])
            numeric.append(slope)
        found.append(Checked(variable.path, gradient.size, np.array(automatic), np.array(numeric), kinks, noise))
    return found


def _slope(loss: Loss, variable: Any, index: int, steps: Sequence[float], here: float, rounding: float) -> float | None:
    """The difference over the largest step that reaches no corner; None where each does, or is too small to tell.

    A slope that is hidden by rounding over the first step is taken over a larger one, where that reaches none either.
    """
    for step in steps:
        slope = _straight(loss, variable, index, step, here, rounding)
        if slope is None:
            continue
        if step != steps[0]:
            return slope if _told(slope, step, rounding) else None
        for _ in range(_COARSER):
            if _told(slope, step, rounding):
                break
            wider = _straight(loss, variable, index, 10 * step, here, rounding)
            if wider is None:
                break
            slope, step = wider, 10 * step
        return slope
    return None


def _straight(loss: Loss, variable: Any, index: int, step: float, here: float, rounding: float) -> float | None:
    """The difference over a step; None where that reaches a corner."""
    around = [_at(loss, variable, index, share * step) for share in (-1, -0.5, 0.5, 1)]
    smooth = _smooth(np.array([*around[:2], here, *around[2:]]), step, _DISAGREE * rounding / step)
    return (around[3] - around[0]) / (2 * step) if smooth else None


def _told(slope: float, step: float, rounding: float) -> bool:
    """Whether the loss's rounding leaves a slope over a step as sure as is asked."""
    return _ROUNDED * rounding / step <= LIMIT * abs(slope)


def _smooth(losses: np.ndarray, step: float, rounding: float) -> bool:
    """Whether losses at -h, -h/2, 0, h/2 and h are those of a smooth function.

    Its slopes over h and h/2 differ by the square of the step only, and so do its bends (the slope to the right less
    that to the left), which grow with the step. A corner d away sets the slopes apart by d/h of its size, the bends by
    1 - 3d/h of it: one of them sees it wherever it is.
    """
    whole, half = (losses[4] - losses[0]) / (2 * step), (losses[3] - losses[1]) / step
    bend, less = (losses[4] - 2 * losses[2] + losses[0]) / step, 2 * (losses[3] - 2 * losses[2] + losses[1]) / step
    most = rounding + LIMIT * (abs(whole) + abs(half))
    return bool(abs(whole - half) <= most and abs(bend - 2 * less) <= 4 * most)


def jitter(variables: Sequence[Any], seed: int, spread: float = 0.1) -> None:
    """Move every weight by N(0, spread²): away from points such as a zero bias, where a ReLU has its corner."""
    rng = np.random.default_rng(seed)
    for variable in variables:
        variable.assign(variable.numpy() + spread * rng.standard_normal(variable.shape))


def _at(loss: Loss, variable: Any, index: int, step: float) -> float:
    start = variable.numpy()
    moved = start.copy()
    moved.reshape(-1)[index] += step
    variable.assign(moved)
    try:
        return loss()
    finally:
        variable.assign(start)
