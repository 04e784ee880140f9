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
LIMIT = 1e-6
_ROUNDINGS = 64  # of the loss's last bit, in a sum over a batch and many layers


@dataclass(frozen=True)
class Checked:
    """One weight tensor.

    Attributes:
        path: of the variable.
        size: numbers in it.
        automatic, numeric: derivatives at the parameters that were checked.
        kinks: parameters that were passed over, as the loss has a corner within a step of them.
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
        labels: (n,).
        criterion: from labels and outputs to a number.
    """

    def __init__(self, model: keras.Model, inputs: Any, labels: Any, criterion: Callable[[Any, Any], Any]) -> None:
        self.model = model
        fixed = [(v, tf.constant(v.numpy())) for v in model.variables if not v.trainable]

        def value() -> Any:
            for variable, start in fixed:
                variable.assign(start)
            loss = criterion(labels, model(inputs, training=True))
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


def check(loss: Loss, *, each: int, seed: int, step: float = STEP) -> list[Checked]:
    """Compare `each` numbers of every weight tensor, drawn by the seed, or all that it has.

    A corner of the loss within a step (a ReLU or a maximum that changes sides) shows in the differences themselves:
    those over a whole and over half a step then disagree, which for a smooth loss they do by the square of the step
    only. Such a parameter is counted and passed over; the automatic gradient has no say in that.
    """
    rng = np.random.default_rng(seed)
    found = []
    noise = _ROUNDINGS * np.finfo(np.float64).eps * abs(loss()) / step
    for variable, gradient in zip(loss.model.trainable_variables, loss.gradients(), strict=True):
        automatic, numeric, kinks = [], [], 0
        for index in rng.permutation(gradient.size)[:each]:
            whole, half = (two_sided(loss, variable, int(index), h) for h in (step, step / 2))
            if abs(whole - half) > 1e-9 + 1e-6 * (abs(whole) + abs(half)):
                kinks += 1
                continue
            automatic.append(gradient.ravel()[index])
            numeric.append(whole)
        found.append(Checked(variable.path, gradient.size, np.array(automatic), np.array(numeric), kinks, noise))
    return found


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
