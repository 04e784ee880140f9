"""What a report tells of an integer file: layers by their share of the error, values and the ranges chosen for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from export.quantize import blame, equalize
from export.quantize import operators as rules
from export.quantize.flat import Flat
from export.quantize.integers import settled
from export.quantize.names import LayerNames
from export.quantize.plan import Plan
from export.quantize.tflite import TfliteIntegers, float_graph

if TYPE_CHECKING:
    from export.source import Source

_BARS = 48


def notes(source: Source, plan: Plan) -> dict[str, Any]:
    """For JSON: `layers`, one entry each with drift, error regained in float, and histograms; `channel_ranges`.

    A graph with loops is quantized in parts, of which nothing is told.
    """
    if not Flat(float_graph(source)).single:
        return {}
    integers, plan = settled(source, plan, TfliteIntegers)
    ranked = blame.rank(integers, plan)
    values = _histograms(integers, plan)
    layers = [{"layer": b.layer, "drift": b.drift, "regained": b.regained, **values.get(b.layer, {})} for b in ranked]
    balance = equalize.found(integers.source)
    return {"layers": layers, "channel_ranges": balance}


def _histograms(integers: TfliteIntegers, plan: Plan) -> dict[str, dict[str, Any]]:
    flat, names = Flat(integers.prepared), LayerNames(integers.layers)
    found: dict[str, dict[str, Any]] = {}
    for operator in flat.operators():
        tensor = int(operator.outputs[0])
        layer = names.owner(flat, operator)
        values = integers.values.get(tensor)
        if not layer or values is None:
            continue
        low, high = values.range(plan.calibration)
        entry = found.setdefault(layer, {})
        entry["activations"] = _bars(values.counts, values.low, values.high) | {"range": [low, high]}
        rule = rules.WEIGHTED.get(flat.name(operator))
        weight = flat.constant(int(operator.inputs[rule.weight])) if rule else None
        if weight is not None:
            counts, edges = np.histogram(weight, bins=_BARS)
            top = float(np.abs(weight).max())
            entry["weights"] = _bars(counts, float(edges[0]), float(edges[-1])) | {"range": [-top, top]}
    return found


def _bars(counts: np.ndarray, low: float, high: float) -> dict[str, Any]:
    """A histogram of few bars, as shares of the fullest."""
    grouped = np.add.reduceat(counts, np.linspace(0, len(counts), _BARS, endpoint=False).astype(int))
    top = max(float(grouped.max()), 1.0)
    return {"low": low, "high": high, "bars": [round(float(c) / top, 3) for c in grouped]}
