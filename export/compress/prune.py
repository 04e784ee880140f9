"""Magnitude pruning by tensorflow-model-optimization (Zhu and Gupta, 2017, "To prune, or not to prune")."""

from __future__ import annotations

from typing import Any

import tensorflow_model_optimization as tfmot
import tf_keras

from export.compress import kernels
from export.compress.bridge import Bridged
from export.compress.recipe import Pruning
from export.compress.tune import Tuner

_RATE = 1e-3
_TURNS = 20  # updates of the mask while its share grows
_GROWING = 0.6  # of all steps; the rest recovers


def prune(bridged: Bridged, how: Pruning, tuner: Tuner, rate: float | None = None) -> list[str]:
    """Train until the share of zeros is reached and recovered from; the zeros are exact.

    Returns:
        Names of the layers that were left as they were, since their input channels do not come in fours.
    """
    every = kernels.of(bridged)
    chosen = [kernel for kernel in every if kernel.blocks or not how.blocks]
    names = {kernel.layer.name for kernel in chosen}
    begun = _options(how, tuner.steps)

    def wrap(layer: Any) -> Any:
        return tfmot.sparsity.keras.prune_low_magnitude(layer, **begun) if layer.name in names else layer

    model = tf_keras.models.clone_model(bridged.theirs, clone_function=wrap)
    tuner.fit(model, rate or _RATE, [tfmot.sparsity.keras.UpdatePruningStep()])
    return [kernel.layer.name for kernel in every if kernel not in chosen]


def _options(how: Pruning, steps: int) -> dict[str, Any]:
    schedules = tfmot.sparsity.keras
    if how.blocks:
        schedule = schedules.ConstantSparsity(0.5, begin_step=0, frequency=1)
        return {"pruning_schedule": schedule, "sparsity_m_by_n": (2, 4)}
    if how.initial is None:
        # The mask is chosen once: weights that training brought back would be others' turn to go.
        schedule = schedules.ConstantSparsity(how.target, begin_step=0, end_step=1, frequency=1)
        return {"pruning_schedule": schedule}
    turn = max(1, int(steps * _GROWING) // _TURNS)
    end = max(turn, int(steps * _GROWING) // turn * turn)
    schedule = schedules.PolynomialDecay(how.initial, how.target, begin_step=0, end_step=end, frequency=turn)
    return {"pruning_schedule": schedule}
