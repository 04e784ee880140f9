"""Which layers an integer file owes its error to, by their Keras names.

Two figures a layer: how far its own output has drifted in the integer graph, all before it included; and what the
model's output regains when this layer alone goes back to float. They differ: a layer may drift where nobody looks.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from edgeproof import metrics
from export.quantize.flat import Flat
from export.quantize.names import LayerNames
from export.quantize.plan import Plan
from export.quantize.ranges import Watched
from export.quantize.tflite import TfliteIntegers

_SAMPLES = 16  # whose inner tensors are compared
_SECONDS = 10.0  # for the second figure; a layer that drifts most comes first


@dataclass(frozen=True)
class Blame:
    """One layer.

    Attributes:
        layer: its Keras name.
        drift: relative L2 distance of its output from the float graph's.
        regained: what the relative L2 error of the model's output loses when this layer is float; below zero, the
            integers of this layer happened to help. None: there was no time to measure it.
    """

    layer: str
    drift: float
    regained: float | None


def rank(integers: TfliteIntegers, plan: Plan, seconds: float = _SECONDS) -> list[Blame]:
    """Every layer with integer operators, the most to blame first, those without a second figure last.

    Args:
        plan: settled, its floats and wide layers included.
        seconds: to spend on the second figure.
    """
    if not integers.folds:
        return []
    until = time.monotonic() + seconds
    whole, drifts = integers.error(plan), drift(integers, plan)
    found = []
    for layer in sorted(drifts, key=lambda layer: -drifts[layer]):
        regained = None
        if time.monotonic() < until:
            regained = whole - integers.error(dataclasses.replace(plan, floats=(*plan.floats, layer)))
        found.append(Blame(layer, drifts[layer], regained))
    return sorted(found, key=lambda blame: (blame.regained is None, -(blame.regained or 0.0)))


def drift(integers: TfliteIntegers, plan: Plan) -> dict[str, float]:
    """Relative L2 distance between the float and the integer graph at each layer's last output, in graph order."""
    made = integers.quantized(plan)
    last = _outputs_of_layers(integers)
    float_graph, integer_graph = Watched(integers.prepared), Watched(made.data)
    kept = {layer: tensor for layer, tensor in last.items() if tensor in made.tensors}
    samples = {name: values[:_SAMPLES] for name, values in integers.held.items()}
    exact: dict[str, list[np.ndarray]] = {layer: [] for layer in kept}
    found: dict[str, list[np.ndarray]] = {layer: [] for layer in kept}
    for i in range(len(next(iter(samples.values())))):
        feeds = {name: values[i : i + 1] for name, values in samples.items()}
        float_graph.invoke(feeds)
        integer_graph.invoke(feeds)
        for layer, tensor in kept.items():
            index, form = made.tensors[tensor]
            value = integer_graph.value(index).astype(np.float64)
            exact[layer].append(float_graph.value(tensor))
            found[layer].append((value - form.zero) * form.scale if form.width else value)
    return {
        layer: metrics.closeness(np.concatenate(exact[layer]), np.concatenate(found[layer])).relative_l2
        for layer in kept
    }


def _outputs_of_layers(integers: TfliteIntegers) -> dict[str, int]:
    flat, names = Flat(integers.prepared), LayerNames(integers.layers)
    last: dict[str, int] = {}
    for operator in flat.operators():
        tensor = int(operator.outputs[0])
        layer = names.owner(flat, operator)
        if layer and flat.is_float(tensor):
            last[layer] = tensor
    return last
