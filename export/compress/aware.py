"""Quantization-aware fine-tuning: tensorflow-model-optimization's wrappers, with the grids of our own integers.

Its default scheme takes one scale for a dense kernel and for a depthwise one; `export.quantize` takes one for each
output channel of both. Ranges of its activations are moving averages that begin at ±6 and have not moved far after a
few hundred steps; ours are those seen. So both are given here, and what quantizes an output stands where the integer
graph stores one: behind the activation that is fused, and nowhere inside.
(Jacob et al., 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference".)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.quantization.keras.quantize_wrapper import QuantizeWrapperV2

from export.compress import kernels
from export.compress.bridge import Bridged
from export.compress.keep import Keep
from export.compress.tune import Tuner

_RATE = 1e-4
_LARGEST = 127
_SMALLEST = 1e-9
_BITS = 8
_FUSED = ("ReLU", "BatchNormalization")  # an integer product takes these into itself
# What stores its output in integers though it has no weights of its own.
_ACTIVE = frozenset(
    {
        "ReLU",
        "LeakyReLU",
        "Activation",
        "BatchNormalization",
        "Add",
        "Subtract",
        "Multiply",
        "Average",
        "Concatenate",
        "AveragePooling1D",
        "AveragePooling2D",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "UpSampling2D",
    }
)


class Weights(tfmot.quantization.keras.quantizers.Quantizer):
    """Symmetric 8-bit steps, one for each output channel or one for all, from the weights as they stand."""

    def __init__(self, axes: Sequence[int]) -> None:
        self.axes = tuple(axes)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        rank = inputs.shape.rank
        kept = {axis % rank for axis in self.axes}
        largest = tf.reduce_max(tf.abs(inputs), [a for a in range(rank) if a not in kept], keepdims=True)
        step = tf.stop_gradient(tf.maximum(largest / _LARGEST, _SMALLEST))
        # Straight through: the rounding's gradient is that of the identity.
        return inputs + tf.stop_gradient(tf.clip_by_value(tf.round(inputs / step), -_LARGEST, _LARGEST) * step - inputs)

    def get_config(self) -> dict[str, Any]:
        return {"axes": self.axes}


class Config(tfmot.quantization.keras.QuantizeConfig):
    """Which weights of a layer are rounded, and whether its output is."""

    def __init__(self, attributes: Mapping[str, Sequence[int]], output: bool) -> None:
        self._attributes, self._output = attributes, output

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return [(getattr(layer, name), Weights(axes)) for name, axes in self._attributes.items()]

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
        for name, weight in zip(self._attributes, quantize_weights, strict=True):
            setattr(layer, name, weight)

    def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
        pass

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        if not self._output:
            return []
        seen = tfmot.quantization.keras.quantizers.AllValuesQuantizer
        return [seen(num_bits=_BITS, per_axis=False, symmetric=False, narrow_range=False)]

    def get_config(self) -> dict[str, Any]:
        return {"attributes": self._attributes, "output": self._output}


def aware(bridged: Bridged, tuner: Tuner, *, per_channel: bool, rate: float | None = None) -> list[str]:
    """Fine-tune under 8-bit rounding, keeping zeros and weights that are equal.

    Returns:
        Names of the layers with weights that the rounding leaves out: they train in float.
    """
    kept = Keep([kernel.variable for kernel in kernels.of(bridged)])
    reached: set[str] = set()

    def wrap(layer: Any) -> Any:
        known = kernels.CHANNELS.get(type(layer).__name__, {})
        attributes = {name: axes if per_channel else () for name, axes in known.items()}
        output = (bool(attributes) or type(layer).__name__ in _ACTIVE) and not _fused(layer)
        if not attributes and not output:
            return layer
        reached.add(layer.name)
        return QuantizeWrapperV2(layer, Config(attributes, output))

    model = tf_keras.models.clone_model(bridged.theirs, clone_function=wrap)
    tuner.fit(model, rate or _RATE, [kept])
    # A normalization that no product takes in is rounded by its output.
    return [
        layer.name
        for layer in bridged.theirs.layers
        if layer.weights and layer.name not in reached and not _normal(layer)
    ]


def _normal(layer: Any) -> bool:
    return type(layer).__name__ == "BatchNormalization"


def _fused(layer: Any) -> bool:
    """Its only reader takes it in, so that nothing is stored between the two."""
    readers = [node.outbound_layer for node in layer._outbound_nodes]
    if len(readers) != 1:
        return False
    kind = type(readers[0]).__name__
    rectified = kind == "Activation" and readers[0].get_config()["activation"] in ("relu", "relu6")
    return (kind in _FUSED or rectified) and type(layer).__name__ != "Concatenate"
