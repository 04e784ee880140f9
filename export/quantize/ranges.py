"""What values the tensors of a float graph take on samples, and the range to quantize each in.

Min-max keeps every value; the other methods give up rare ones for a finer step: percentile (Wu et al., 2020,
"Integer quantization for deep learning inference", section 4.1), mse, which minimises the squared error of rounding
and clipping, and entropy, which minimises the Kullback-Leibler divergence of the quantized distribution (Migacz,
2017, "8-bit inference with TensorRT").
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from export.arrays import Arrays
from export.quantize.flat import Flat

_BINS = 2048
_VALUES_A_SAMPLE = 8192  # of a tensor, for its histogram: an even pick; extremes are taken from all
_PERCENTILE = 99.99
_LEVELS = 255
_CUTS = 0.2, 1.0, 41  # shares of the range that mse tries
_ENTROPY_LEVELS = 128  # of one side, as in the reference

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Values:
    """What one tensor held, over all samples.

    Attributes:
        low, high: extremes.
        channel_low, channel_high: (c,) extremes for each index of the last axis.
        channel_mean: (c,).
        counts: (bins,) histogram between low and high.
    """

    low: float = np.inf
    high: float = -np.inf
    channel_low: Any = np.inf
    channel_high: Any = -np.inf
    channel_mean: Any = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(_BINS))
    _ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    @cached_property
    def edges(self) -> np.ndarray:
        """(bins + 1,) of the histogram."""
        return np.linspace(self.low, self.high, _BINS + 1)

    def range(self, method: str) -> tuple[float, float]:
        """The range to quantize in; it holds zero, as padding and rectifiers need. Worked out once a method."""
        if method not in self._ranges:
            self._ranges[method] = self._range(method)
        return self._ranges[method]

    def _range(self, method: str) -> tuple[float, float]:
        low, high = _METHODS[method](self) if self.high > self.low else (self.low, self.high)
        return min(low, 0.0), max(high, 0.0)


def observe(flatbuffer: bytes, samples: Arrays) -> dict[int, Values]:
    """Run a float graph on samples (n, ...), one at a time, and tell what its computed float tensors held.

    Args:
        flatbuffer: float, one graph, batch 1.
        samples: input tensors by name, as the signature names them.
    """
    flat = Flat(flatbuffer)
    computed = {int(t) for op in flat.operators() for t in op.outputs} | {int(t) for t in flat.graph.inputs}
    wanted = sorted(t for t in computed if flat.is_float(t))
    interpreter = Watched(flatbuffer)

    def run(feeds: Arrays) -> dict[int, np.ndarray]:
        interpreter.invoke(feeds)
        return {tensor: interpreter.value(tensor) for tensor in wanted}

    return watch(run, samples)


def watch(run: Callable[[Arrays], Mapping[Key, np.ndarray]], samples: Arrays) -> dict[Key, Values]:
    """What tensors hold over samples (n, ...), given a function from one sample to their values.

    The samples are run twice: histograms need the extremes first.
    """
    n = len(next(iter(samples.values())))
    seen: dict[Key, Values] = {}
    for note in (_extremes, _count):
        for i in range(n):
            for tensor, array in run({name: values[i : i + 1] for name, values in samples.items()}).items():
                note(seen.setdefault(tensor, Values()), array)
    for values in seen.values():
        values.channel_mean = values.channel_mean / n
    return seen


class Watched:
    """An interpreter without delegates that keeps every tensor."""

    def __init__(self, flatbuffer: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._interpreter = Interpreter(
            model_content=flatbuffer,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            num_threads=2,
        )
        self._interpreter.allocate_tensors()
        inputs = self._interpreter.get_input_details()
        signature = self._interpreter.get_signature_list().get("serving_default", {}).get("inputs", [])
        self._inputs = {detail["name"]: detail for detail in inputs}
        if signature:
            runner = self._interpreter.get_signature_runner("serving_default")
            self._inputs = dict(runner.get_input_details())

    def invoke(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Run one sample; float feeds are quantized for an integer input."""
        for name, detail in self._inputs.items():
            value = feeds[name]
            scale, zero = detail["quantization"]
            if scale:
                limits = np.iinfo(detail["dtype"])
                value = np.clip(np.round(value / scale) + zero, limits.min, limits.max)
            self._interpreter.set_tensor(detail["index"], np.asarray(value, detail["dtype"], order="C"))
        self._interpreter.invoke()

    def value(self, tensor: int) -> np.ndarray:
        """What a tensor holds after the last run."""
        return self._interpreter.get_tensor(tensor)


def _extremes(values: Values, array: np.ndarray) -> None:
    flat = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    values.channel_low = np.minimum(values.channel_low, flat.min(axis=0))
    values.channel_high = np.maximum(values.channel_high, flat.max(axis=0))
    values.channel_mean = values.channel_mean + flat.mean(axis=0, dtype=np.float64)
    values.low, values.high = float(np.min(values.channel_low)), float(np.max(values.channel_high))


def _count(values: Values, array: np.ndarray) -> None:
    flat = array.reshape(-1)
    flat = flat[:: max(1, flat.size // _VALUES_A_SAMPLE)]
    if values.high > values.low:
        at = ((flat - values.low) * (_BINS / (values.high - values.low))).astype(np.int64)
        values.counts += np.bincount(np.clip(at, 0, _BINS - 1), minlength=_BINS)


def _min_max(values: Values) -> tuple[float, float]:
    return values.low, values.high


def _percentile(values: Values) -> tuple[float, float]:
    share = np.cumsum(values.counts) / values.counts.sum()
    tail = 1 - _PERCENTILE / 100
    low = values.edges[int(np.searchsorted(share, tail))]
    high = values.edges[min(int(np.searchsorted(share, 1 - tail)) + 1, _BINS)]
    return float(low), float(high)


def _mse(values: Values) -> tuple[float, float]:
    centres = (values.edges[1:] + values.edges[:-1]) / 2
    kept = values.counts > 0
    centres, counts = centres[kept], values.counts[kept]
    best, found = np.inf, (values.low, values.high)
    lows = min(values.low, 0.0) * np.linspace(*_CUTS) if values.low < 0 else np.zeros(1)
    highs = max(values.high, 0.0) * np.linspace(*_CUTS) if values.high > 0 else np.zeros(1)
    for low in lows:
        for high in highs:
            step = (high - low) / _LEVELS
            if step <= 0:
                continue
            clipped = np.clip(centres, low, high)
            # Within the range the rounding error is uniform: its square is step² / 12 whatever the values.
            error = counts @ ((centres - clipped) ** 2) + counts.sum() * step**2 / 12
            if error < best:
                best, found = float(error), (float(low), float(high))
    return found


def _entropy(values: Values) -> tuple[float, float]:
    """Cut one magnitude for both sides, then never wider than what was seen."""
    centres = np.abs((values.edges[1:] + values.edges[:-1]) / 2)
    top = max(abs(values.low), abs(values.high))
    at = np.minimum((centres / top * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(at, weights=values.counts, minlength=_BINS)
    counts[0] = 0.0  # exact zeros of rectifiers are represented at any scale, and would drown the rest
    if counts.sum() == 0:
        return values.low, values.high
    best, found = np.inf, _BINS
    for stop in range(_ENTROPY_LEVELS, _BINS + 1, _ENTROPY_LEVELS // 8):
        divergence = _divergence(counts, stop)
        if divergence < best:
            best, found = divergence, stop
    limit = top * found / _BINS
    return max(values.low, -limit), min(values.high, limit)


def _divergence(counts: np.ndarray, stop: int) -> float:
    p = counts[:stop].copy()
    p[-1] += counts[stop:].sum()
    kept = counts[:stop]
    group = np.arange(stop) * _ENTROPY_LEVELS // stop
    sums = np.bincount(group, weights=kept, minlength=_ENTROPY_LEVELS)
    filled = np.bincount(group, weights=kept > 0, minlength=_ENTROPY_LEVELS)
    q = np.where(kept > 0, (sums / np.maximum(filled, 1))[group], 0.0)
    p, q = p / p.sum(), q / max(q.sum(), 1e-12)
    both = p > 0
    return float(np.sum(p[both] * np.log(p[both] / np.maximum(q[both], 1e-10))))


_METHODS = {"min-max": _min_max, "percentile": _percentile, "mse": _mse, "entropy": _entropy}
