"""Update rules and schedules of the learning rate, with their formulas.

θ are the weights, g the gradient, α the learning rate, t the step from 1 on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import keras

BETA = 0.9
EVERYTHING = 10**9


@dataclass(frozen=True)
class Rule:
    """One way to step.

    Attributes:
        formula: of a step.
        make: from the learning rate α to the optimizer.
        rates: α to choose from.
        saddle: α on the saddle.
        batch: samples a step.
    """

    formula: str
    make: Callable[[float], keras.optimizers.Optimizer]
    rates: tuple[float, ...]
    saddle: float
    batch: int = 32

    def own(self, rate: float) -> float:
        """What the optimizer itself calls its learning rate when α is `rate`."""
        return float(self.make(rate).learning_rate)


def momentum(rate: float, beta: float = BETA, *, nesterov: bool = False) -> keras.optimizers.Optimizer:
    """Momentum as an exponentially weighted average; Keras sums v ← βv - αg instead, whose α is (1 - β) of this one."""
    return keras.optimizers.SGD(rate * (1 - beta), momentum=beta, nesterov=nesterov)


_DESCENT, _ADAPTIVE = (0.03, 0.1, 0.3, 1.0), (3e-4, 1e-3, 3e-3, 1e-2)

# Keras's own constants: ε is 1e-7, Adagrad's sum begins at 0.1, RMSprop averages by 0.9, Adam by 0.9 and 0.999.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "batch": Rule("θ ← θ - αg, g over all samples", keras.optimizers.SGD, _DESCENT, 0.05, EVERYTHING),
        "stochastic": Rule("the same, g of one sample", keras.optimizers.SGD, (0.003, 0.01, 0.03), 0.05, 1),
        "mini-batch": Rule("the same, g over 32 samples", keras.optimizers.SGD, _DESCENT, 0.05),
        "momentum": Rule("v ← βv + (1 - β)g, θ ← θ - αv; β = 0.9", momentum, _DESCENT, 0.05),
        "Nesterov": Rule(
            "v ← βv + (1 - β)g, θ ← θ - α(βv + (1 - β)g)",
            lambda rate: momentum(rate, nesterov=True),
            _DESCENT,
            0.05,
        ),
        "Adagrad": Rule("s ← s + g², θ ← θ - αg / √(s + ε)", keras.optimizers.Adagrad, (0.01, 0.03, 0.1, 0.3), 0.05),
        "RMSprop": Rule("s ← 0.9s + 0.1g², θ ← θ - αg / √(s + ε)", keras.optimizers.RMSprop, _ADAPTIVE, 0.05),
        "Adam": Rule(
            "m ← 0.9m + 0.1g, s ← 0.999s + 0.001g², θ ← θ - α m̂ / (√ŝ + ε), m̂ and ŝ divided by 1 - 0.9ᵗ, 1 - 0.999ᵗ",
            keras.optimizers.Adam,
            _ADAPTIVE,
            0.05,
        ),
        "AdamW": Rule(
            "the same after θ ← θ - αλθ; λ = 0.01",
            lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.01),
            _ADAPTIVE,
            0.05,
        ),
    }
)

Schedule = Callable[[float, int, int], float]

# From the first rate, the epoch (from 0) and the number of epochs to the epoch's rate.
SCHEDULES: Mapping[str, tuple[str, Schedule]] = MappingProxyType(
    {
        "constant": ("α", lambda rate, epoch, epochs: rate),
        "step": ("α, a tenth from half, a hundredth from three quarters", lambda r, e, n: r * 0.1 ** _drops(e, n)),
        "exponential": ("α 0.01^(e/E)", lambda rate, epoch, epochs: rate * 0.01 ** (epoch / epochs)),
        "cosine": ("α (1 + cos(πe/E)) / 2", lambda rate, e, n: rate * (1 + math.cos(math.pi * e / n)) / 2),
    }
)


def _drops(epoch: int, epochs: int) -> int:
    return (2 * epoch >= epochs) + (4 * epoch >= 3 * epochs)
