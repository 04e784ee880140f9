"""A restricted Boltzmann machine as a distribution: its samples, its energies, its likelihood.

Hinton 2010, "A practical guide to training restricted Boltzmann machines"; Salakhutdinov and Murray 2008, "On the
quantitative analysis of deep belief networks".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

_MOST_ENUMERATED = 20  # hidden units: a million states
_FINEST = (
    1000  # annealing begins where no unit is on more often than in all but one of so many samples, nor more seldom
)


@dataclass(frozen=True)
class Machine:
    """Weights and what follows from them; all in tensors (batch, features) and (batch, hidden).

    Attributes:
        kernel: (features, hidden).
        visible, hidden: biases.
        gaussian: visible units are Gaussian of variance 1, else Bernoulli.
    """

    kernel: Any
    visible: Any
    hidden: Any
    gaussian: bool = False

    def up(self, v: Any) -> Any:
        """Probabilities of the hidden units."""
        return tf.sigmoid(v @ tf.convert_to_tensor(self.kernel) + tf.convert_to_tensor(self.hidden))

    def down(self, h: Any) -> Any:
        """Means of the visible units."""
        pre = tf.matmul(h, tf.convert_to_tensor(self.kernel), transpose_b=True) + tf.convert_to_tensor(self.visible)
        return pre if self.gaussian else tf.sigmoid(pre)

    def gibbs(self, h: Any, seed: Any) -> tuple[Any, Any]:
        """Means of the visible units given hidden samples, and probabilities of the hidden ones given visible samples.

        Args:
            seed: (2,) whole numbers.
        """
        means = self.down(h)
        v = means + tf.random.stateless_normal(tf.shape(means), seed) if self.gaussian else drawn(means, seed)
        return means, self.up(v)

    def free_energy(self, v: Any) -> Any:
        """(batch,)."""
        visible = tf.convert_to_tensor(self.visible)
        pre = v @ tf.convert_to_tensor(self.kernel) + tf.convert_to_tensor(self.hidden)
        hidden = tf.reduce_sum(tf.nn.softplus(pre), axis=-1)
        if self.gaussian:
            return 0.5 * tf.reduce_sum(tf.square(v - visible), axis=-1) - hidden
        return -tf.linalg.matvec(v, visible) - hidden

    def pseudo_likelihood(self, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An estimate of Σ log p(v_i | the others), (batch,), from one unit of each sample turned over.

        Raises:
            ValueError: the visible units are Gaussian.
        """
        if self.gaussian:
            raise ValueError("pseudo_likelihood: visible units must be Bernoulli. Received: Gaussian ones")
        turned = v.copy()
        rows, columns = np.arange(len(v)), rng.integers(0, v.shape[1], len(v))
        turned[rows, columns] = 1 - turned[rows, columns]
        gap = self.free_energy(turned) - self.free_energy(v)
        return np.asarray(v.shape[1] * tf.math.log_sigmoid(gap))

    def log_partition(self) -> float:
        """log Z, exactly, by summing over every state of the hidden units.

        Raises:
            ValueError: too many hidden units to enumerate.
        """
        units = int(self.kernel.shape[1])
        if units > _MOST_ENUMERATED:
            raise ValueError(f"log_partition: at most {_MOST_ENUMERATED} hidden units. Received: {units}")
        kernel, visible, hidden = (np.asarray(x, np.float64) for x in (self.kernel, self.visible, self.hidden))
        states = (np.arange(2**units)[:, None] >> np.arange(units)) & 1
        pre = states @ kernel.T + visible
        if self.gaussian:
            each = (np.square(pre) - np.square(visible)).sum(axis=1) / 2 + len(visible) * np.log(2 * np.pi) / 2
        else:
            each = np.logaddexp(0, pre).sum(axis=1)
        return float(np.logaddexp.reduce(states @ hidden + each))

    def annealed_log_partition(
        self, base: np.ndarray, *, runs: int = 100, temperatures: int = 1000, seed: int = 0
    ) -> tuple[float, float]:
        """log Z by annealed importance sampling, and its standard error; Bernoulli visible units.

        Args:
            base: means of the visible units, (features,): the machine without weights where annealing begins.
        """
        first = log_odds(base, _FINEST)
        betas = np.linspace(0, 1, temperatures, dtype=np.float32)
        weights = np.asarray(self._annealed(first.astype(np.float32), betas, runs, seed), np.float64)
        start = np.logaddexp(0, first).sum() + int(self.kernel.shape[1]) * np.log(2)
        largest = weights.max()
        ratios = np.exp(weights - largest)
        error = ratios.std(ddof=1) / np.sqrt(runs) / ratios.mean()
        return float(start + largest + np.log(ratios.mean())), float(error)

    def _annealed(self, first: np.ndarray, betas: np.ndarray, runs: int, seed: int) -> Any:
        """Logarithms of the importance weights, (runs,); `first`: visible biases where annealing begins."""
        kernel, visible, hidden = (tf.constant(np.asarray(x)) for x in (self.kernel, self.visible, self.hidden))

        def at(beta: Any) -> Machine:
            """The machine between: a product of experts at a temperature is one of scaled weights."""
            return Machine(beta * kernel, (1 - beta) * first + beta * visible, beta * hidden)

        def step(i: Any, v: Any, weights: Any) -> tuple[Any, Any, Any]:
            machine = at(steps[i])
            weights += at(steps[i - 1]).free_energy(v) - machine.free_energy(v)
            h = drawn(machine.up(v), (seed, 2 * i))
            return i + 1, drawn(machine.down(h), (seed, 2 * i + 1)), weights

        steps = tf.constant(betas)
        v = drawn(tf.sigmoid(tf.tile(first[None], (runs, 1))), (seed, 0))
        run = tf.function(lambda v: tf.while_loop(lambda i, *_: i < len(betas), step, (1, v, tf.zeros(runs)))[2])
        return run(v)


def log_odds(means: np.ndarray, n: int) -> np.ndarray:
    """log(p / (1 - p)) of units' means over n samples, finite for one that is never on or always."""
    rate = np.clip(means, 1 / n, 1 - 1 / n)
    return np.asarray(np.log(rate / (1 - rate)))


def drawn(means: Any, seed: Any) -> Any:
    """Bernoulli samples of these means."""
    return tf.cast(tf.random.stateless_uniform(tf.shape(means), seed) < means, means.dtype)
