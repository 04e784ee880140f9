"""Steps of contrastive divergence on one machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from train.objectives.boltzmann import Machine, drawn


class Divergence:
    """CD-k, or its persistent form, with momentum (Hinton 2010, sections 3, 5, 9 and 10).

    Args:
        machine: whose weights are moved.
        batch: samples a step; the number of persistent chains.
        gibbs_steps: the k.
        persistent: chains go on from the step before.
        weight_decay: of the weights, a step, times the learning rate.
    """

    def __init__(
        self, machine: Machine, *, batch: int, gibbs_steps: int, persistent: bool, weight_decay: float
    ) -> None:
        self.machine = machine
        parameters = (machine.kernel, machine.visible, machine.hidden)
        self.velocities = [tf.Variable(tf.zeros(p.shape)) for p in parameters]
        chains = tf.zeros((batch, machine.kernel.shape[1]))
        self.chains = tf.Variable(chains) if persistent else None
        self._settings = gibbs_steps, weight_decay
        self.step = self._compile()

    def variables(self) -> list[Any]:
        """What steps change besides the machine's own weights."""
        return [*self.velocities, *([] if self.chains is None else [self.chains])]

    def _compile(self) -> Callable[[Any, Any, Any, Any], Any]:
        machine, chains = self.machine, self.chains
        gibbs_steps, decay = self._settings

        @tf.function(reduce_retracing=True)
        def step(v: Any, seeds: Any, rate: Any, momentum: Any) -> Any:
            """Squared error of the reconstruction, a sample, after a move along data minus model.

            Args:
                seeds: (1 + 2 k, 2) whole numbers.
            """
            n = tf.cast(tf.shape(v)[0], v.dtype)
            probabilities = machine.up(v)
            h = drawn(probabilities, seeds[0])
            first = machine.down(h)
            if chains is not None:
                h = chains
            # Section 3: what is sampled carries one bit; the last probabilities go into the statistics as they are.
            for i in range(gibbs_steps):
                means, back = machine.gibbs(h, seeds[1 + 2 * i])
                h = drawn(back, seeds[2 + 2 * i])
            if chains is not None:
                chains.assign(h)
            m = tf.cast(tf.shape(means)[0], v.dtype)
            moves = (
                tf.matmul(v, probabilities, transpose_a=True) / n
                - tf.matmul(means, back, transpose_a=True) / m
                - decay * tf.convert_to_tensor(machine.kernel),
                tf.reduce_mean(v, 0) - tf.reduce_mean(means, 0),
                tf.reduce_mean(probabilities, 0) - tf.reduce_mean(back, 0),
            )
            parameters = (machine.kernel, machine.visible, machine.hidden)
            for parameter, velocity, move in zip(parameters, self.velocities, moves, strict=True):
                velocity.assign(momentum * velocity + rate * move)
                parameter.assign(tf.convert_to_tensor(parameter) + velocity)
            return tf.reduce_mean(tf.reduce_sum(tf.square(v - first), axis=-1))

        found: Callable[[Any, Any, Any, Any], Any] = step
        return found
