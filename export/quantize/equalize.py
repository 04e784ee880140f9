"""Cross-layer equalization: scale moved between neighbouring layers, so that no channel is lost in a coarse step.

Where layers are joined by functions that let a positive factor through, channel c of the first may be multiplied by
s_c and the second's weights for it divided by s_c, and nothing changes (Nagel et al., 2019, "Data-free quantization
through weight equalization and bias correction", section 4.1). There the ranges balanced are those of two weights;
here weights have a scale a channel anyway, and what has one scale for all channels is the activation between them and
the second weight's input side, so those two are balanced (the balance of Xiao et al., 2023, "SmoothQuant", equation 4,
at its middle). Factors are powers of two: the float function is kept to the bit, unless numbers leave float32's range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from export.source import Source

SPREAD = 16.0  # of channel ranges, largest to median of those used: below, int8 has steps enough for all
_ROUNDS = 3  # a scale that is moved into a layer shows in the activations after the next
_MOST_SAMPLES = 32
_LIMIT = 2.0**20

_THROUGH = {
    "Activation", "AlphaDropout", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "Cropping1D",
    "Cropping2D", "Dropout", "Flatten", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "LeakyReLU", "MaxPooling1D", "MaxPooling2D",
    "MaxPooling3D", "PReLU", "ReLU", "SpatialDropout1D", "SpatialDropout2D", "UpSampling1D", "UpSampling2D",
    "ZeroPadding1D", "ZeroPadding2D",
}  # fmt: skip
_HOMOGENEOUS = {"linear", "relu", "leaky_relu"}


@dataclass
class Part:
    """A weight seen by channel.

    Attributes:
        layer: owner.
        get: its variables, each with the axis of the channels and how often a channel repeats along it.
    """

    layer: Any
    variables: list[tuple[Any, int]]

    def scale(self, factors: np.ndarray) -> None:
        """Multiply channel c by factors[c]."""
        for variable, axis in self.variables:
            shape = [1] * len(variable.shape)
            size = variable.shape[axis]
            shape[axis] = size
            # Flattened maps repeat the channels, fastest last.
            whole = np.tile(factors, size // len(factors)).reshape(shape)
            variable.assign(np.asarray(variable) * whole.astype(np.float32))

    def ranges(self, channels: int) -> np.ndarray:
        """(channels,) largest magnitude of each channel's weights."""
        found = np.zeros(channels)
        for variable, axis in self.variables:
            array = np.abs(np.moveaxis(np.asarray(variable), axis, 0))
            found = np.maximum(
                found,
                array.reshape(-1, channels, *array.shape[1:])
                .reshape(array.shape[0] // channels, channels, -1)
                .max(axis=(0, 2)),
            )
        return found


@dataclass
class Pair:
    """A producer of channels and all that reads them.

    Attributes:
        name: of the activation between them, for people.
        channels: their number.
        producer, consumers: weights.
        balanced: whether the consumers have one scale for all input channels (a depthwise one has not).
        activation: symbolic tensor whose channels are meant, or a function from the layer's input to it.
    """

    name: str
    channels: int
    producer: Part
    consumers: list[Part]
    balanced: bool
    tensor: Any
    inner: Callable[[Any], Any] | None = None


@dataclass
class Balance:
    """What equalization found and did.

    Attributes:
        source: the checkpoint with moved scales.
        spreads: before and after, by activation.
    """

    source: Source
    spreads: dict[str, tuple[float, float]] = field(default_factory=dict)


def balanced(source: Source) -> Balance | None:
    """The source with a balanced copy of its model, or None where all channels are of a size; kept with the source."""
    if "balance" not in source.learned:
        source.learned["balance"] = _balance(source)
    return source.learned["balance"]


def found(source: Source) -> dict[str, list[float]]:
    """Imbalance of channel ranges by activation, before and after; {} where there was no place to look at."""
    spreads = source.learned.get("spreads", {})
    return {name: [float(before), float(after)] for name, (before, after) in spreads.items()}


def imbalance(ranges: np.ndarray) -> float:
    """Largest to smallest channel range, but for the lowest tenth, which may be all but dead."""
    used = np.sort(ranges[ranges > 0])
    return float(used[-1] / used[len(used) // 10]) if used.size else 1.0


def _balance(source: Source) -> Balance | None:
    import keras

    places = pairs(source.model)
    if not places or not source.calibration:
        return None
    before = {pair.name: r for pair, r in zip(places, _activations(source.model, places, source), strict=True)}
    source.learned["spreads"] = {name: (imbalance(ranges), imbalance(ranges)) for name, ranges in before.items()}
    if all(imbalance(ranges) <= SPREAD for ranges in before.values()):
        return None
    model = keras.models.clone_model(source.model)
    model.set_weights(source.model.get_weights())
    copies = pairs(model)
    for _ in range(_ROUNDS):
        moved = False
        for pair, ranges in zip(copies, _activations(model, copies, source), strict=True):
            factors = _factors(pair, ranges)
            if np.any(factors != 1):
                moved = True
                pair.producer.scale(factors)
                for consumer in pair.consumers:
                    consumer.scale(1 / factors)
        if not moved:
            break
    after = {pair.name: r for pair, r in zip(copies, _activations(model, copies, source), strict=True)}
    spreads = {name: (imbalance(before[name]), imbalance(after[name])) for name in before}
    balance = Balance(source.with_model(model), spreads)
    source.learned["spreads"] = balance.source.learned["spreads"] = spreads
    return balance


def _factors(pair: Pair, activation: np.ndarray) -> np.ndarray:
    """(channels,) powers of two to multiply the producer's channels by; ones where nothing is far off."""
    weight = np.ones(pair.channels)
    if pair.balanced:
        weight = np.max([consumer.ranges(pair.channels) for consumer in pair.consumers], axis=0)
    live = (activation > 0) & (weight > 0)
    if not live.any():
        return np.ones(pair.channels)
    factors = np.ones(pair.channels)
    wanted = np.sqrt(weight[live] / activation[live]) if pair.balanced else 1 / activation[live]
    wanted = wanted / np.exp(np.mean(np.log(wanted)))
    factors[live] = np.exp2(np.round(np.log2(np.clip(wanted, 1 / _LIMIT, _LIMIT))))
    return factors


def _activations(model: Any, found: list[Pair], source: Source) -> list[np.ndarray]:
    """(channels,) largest magnitude of each pair's activation on calibration samples."""
    import keras

    from export.checkpoint.graphs import fed

    watched = keras.Model(model.inputs, [pair.tensor for pair in found])
    names = [t.name for t in model.inputs]
    feeds = [source.calibration[name][:_MOST_SAMPLES] for name in names]
    results = keras.tree.flatten(watched.predict(fed(watched, feeds), batch_size=8, verbose=0))
    ranges = []
    for pair, result in zip(found, results, strict=True):
        value = np.asarray(pair.inner(result) if pair.inner else result)
        ranges.append(np.abs(value.reshape(-1, pair.channels)).max(axis=0))
    return ranges


def pairs(model: Any) -> list[Pair]:
    """All places of a functional model where scale can be moved."""
    if not hasattr(model, "_nodes_by_depth"):
        return []
    readers = _readers(model)
    outputs = {id(t) for t in model.outputs}
    found: list[Pair] = []
    for layer in model.layers:
        inner = _inside(layer)
        if inner:
            found.append(inner)
        producer = _producer(layer)
        if producer is None or len(layer._inbound_nodes) != 1:
            continue
        channels = layer.output.shape[-1]
        consumers = _consumers(layer.output, readers, outputs, channels)
        if consumers:
            balanced = any(kind != "depthwise" for kind, _ in consumers)
            found.append(Pair(layer.name, channels, producer, [part for _, part in consumers], balanced, layer.output))
    return found


def _readers(model: Any) -> dict[int, list[Any]]:
    readers: dict[int, list[Any]] = {}
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            for tensor in node.input_tensors:
                readers.setdefault(id(tensor), []).append(node)
    return readers


def _consumers(
    tensor: Any, readers: dict[int, list[Any]], outputs: set[int], channels: int
) -> list[tuple[str, Part]] | None:
    """Everything that reads a tensor, through functions that let factors pass; None when something does not."""
    if id(tensor) in outputs or not readers.get(id(tensor)):
        return None
    found: list[tuple[str, Part]] = []
    for node in readers[id(tensor)]:
        layer = node.operation
        if len(layer._inbound_nodes) != 1 or len(node.input_tensors) != 1:
            return None
        if _passes(layer):
            behind = _consumers(node.outputs[0], readers, outputs, channels)
            if behind is None:
                return None
            found += behind
        else:
            consumer = _consumer(layer, channels)
            if consumer is None:
                return None
            found.append(consumer)
    return found


def _activation(layer: Any) -> str:
    function = getattr(layer, "activation", None)
    return "linear" if function is None else getattr(function, "__name__", "?")


def _last(layer: Any) -> bool:
    return getattr(layer, "data_format", "channels_last") in (None, "channels_last")


def _passes(layer: Any) -> bool:
    kind = type(layer).__name__
    if kind not in _THROUGH or not _last(layer):
        return False
    if kind == "Activation":
        return _activation(layer) in _HOMOGENEOUS
    if kind == "ReLU":
        return layer.max_value is None and not layer.threshold
    return True


def _producer(layer: Any) -> Part | None:
    """The weights that a layer's output channels are proportional to."""
    kind = type(layer).__name__
    if not _last(layer) or _activation(layer) not in _HOMOGENEOUS:
        return None
    bias = [(layer.bias, -1)] if getattr(layer, "bias", None) is not None else []
    if kind in ("Conv1D", "Conv2D", "Conv3D", "Dense"):
        return Part(layer, [(layer._kernel if hasattr(layer, "_kernel") else layer.kernel, -1), *bias])
    if kind in ("SeparableConv1D", "SeparableConv2D"):
        return Part(layer, [(layer.pointwise_kernel, -1), *bias])
    if kind in ("DepthwiseConv1D", "DepthwiseConv2D") and layer.depth_multiplier == 1:
        return Part(layer, [(layer.kernel, -2), *bias])
    if kind in ("BatchNormalization", "LayerNormalization") and _on_last(layer):
        scaled = getattr(layer, "scale", False) and not getattr(layer, "rms_scaling", False)
        if not scaled:
            return None
        return Part(layer, [(layer.gamma, -1), *([(layer.beta, -1)] if layer.center else [])])
    return None


def _on_last(layer: Any) -> bool:
    axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) and len(layer.axis) == 1 else layer.axis
    return axis in (-1, len(layer.output.shape) - 1)


def _consumer(layer: Any, channels: int) -> tuple[str, Part] | None:
    """The weights that undo factors on a layer's input channels."""
    kind = type(layer).__name__
    if not _last(layer) or (hasattr(layer, "lora_enabled") and layer.lora_enabled):
        return None
    if kind in ("Conv1D", "Conv2D", "Conv3D") and layer.groups == 1:
        return "dense", Part(layer, [(layer._kernel, -2)])
    if kind == "Dense" and layer.kernel.shape[0] % channels == 0:
        return "dense", Part(layer, [(layer._kernel, 0)])
    if kind in ("DepthwiseConv1D", "DepthwiseConv2D"):
        return "depthwise", Part(layer, [(layer.kernel, -2)])
    if kind in ("SeparableConv1D", "SeparableConv2D"):
        return "depthwise", Part(layer, [(layer.depthwise_kernel, -2)])
    return None


def _inside(layer: Any) -> Pair | None:
    """The pair within a separable convolution."""
    if type(layer).__name__ != "SeparableConv2D" or not _last(layer) or layer.depth_multiplier != 1:
        return None
    if len(layer._inbound_nodes) != 1:
        return None
    from keras import ops

    def depthwise(x: Any) -> Any:
        return ops.depthwise_conv(
            x, layer.depthwise_kernel, layer.strides, layer.padding, layer.data_format, layer.dilation_rate
        )

    channels = layer.depthwise_kernel.shape[-2]
    producer = Part(layer, [(layer.depthwise_kernel, -2)])
    consumer = Part(layer, [(layer.pointwise_kernel, -2)])
    return Pair(f"{layer.name} (inside)", channels, producer, [consumer], True, layer.input, depthwise)
