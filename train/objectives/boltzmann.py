"""A restricted Boltzmann machine as a distribution: its samples, its energies, its likelihood.

Hinton 2010, "A practical guide to training restricted Boltzmann machines"; Salakhutdinov and Murray 2008, "On the
quantitative analysis of deep belief networks".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

_MOST_ENUMERATED = 20  # hidden units: a million states


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
        rng = np.random.default_rng(seed)
        kernel, visible, hidden = (np.asarray(x, np.float32) for x in (self.kernel, self.visible, self.hidden))
        rate = np.clip(base, 1e-3, 1 - 1e-3).astype(np.float32)
        first = np.log(rate / (1 - rate))
        v = (rng.random((runs, len(first)), np.float32) < rate).astype(np.float32)
        weights = np.zeros(runs)

        def probability(pre: np.ndarray, fields: np.ndarray, beta: float) -> np.ndarray:
            """Log of the unnormalised probability of v at a temperature."""
            return np.asarray((1 - beta) * (v @ first) + beta * fields + np.logaddexp(0, beta * pre).sum(axis=1))

        for before, beta in itertools.pairwise(np.linspace(0, 1, temperatures, dtype=np.float32)):
            pre, fields = v @ kernel + hidden, v @ visible
            weights += probability(pre, fields, beta) - probability(pre, fields, before)
            h = (rng.random(pre.shape, np.float32) < _sigmoid(beta * pre)).astype(np.float32)
            means = _sigmoid((1 - beta) * first + beta * (visible + h @ kernel.T))
            v = (rng.random(means.shape, np.float32) < means).astype(np.float32)
        start = np.logaddexp(0, first).sum() + len(hidden) * np.log(2)
        largest = weights.max()
        ratios = np.exp(weights - largest)
        error = ratios.std(ddof=1) / np.sqrt(runs) / ratios.mean()
        return float(start + largest + np.log(ratios.mean())), float(error)


def drawn(means: Any, seed: Any) -> Any:
    """Bernoulli samples of these means."""
    return tf.cast(tf.random.stateless_uniform(tf.shape(means), seed) < means, means.dtype)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -80, 80))))
