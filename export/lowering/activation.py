"""Activations in operators that have integer kernels, and whose values fit one scale.

Exponential units are max(x, 0) + α (exp(min(x, 0)) - 1). TensorFlow Lite's reference kernels have no ELU, int16
activations neither; SELECT, by which Keras and the converter write the others, takes both its sides to one scale.
Softplus is max(x, 0) + log(1 + exp(-|x|)): log(1 + exp(x)) passes through numbers that leave 8 bits nothing for the
small ones. A softmax over neighbouring axes is one over their product.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from export.lowering import NN, Replaced
from export.lowering.attention import masked

# Klambauer et al., 2017, "Self-normalizing neural networks", section 2.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _exponential(x: Any, alpha: float, inner: float = 1.0) -> Any:
    low = tf.minimum(x, 0.0)
    return tf.nn.relu(x) + alpha * (tf.exp(low if inner == 1.0 else low / inner) - 1.0)


def _elu(_: Any) -> Any:
    return lambda x, alpha=1.0: _exponential(tf.convert_to_tensor(x), alpha)


def _selu(_: Any) -> Any:
    return lambda x: _SELU_SCALE * _exponential(tf.convert_to_tensor(x), _SELU_ALPHA)


def _celu(_: Any) -> Any:
    return lambda x, alpha=1.0: _exponential(tf.convert_to_tensor(x), alpha, alpha)


def _softplus(_: Any) -> Any:
    def softplus(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        positive = tf.nn.relu(x)
        # x - 2 max(x, 0) is -|x|, of which TensorFlow Lite has no integer form.
        return positive + tf.math.log(1.0 + tf.exp(x - 2.0 * positive))

    return softplus


def _log_sigmoid(original: Any) -> Any:
    def log_sigmoid(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        positive = tf.nn.relu(x)
        return (x - positive) - tf.math.log(1.0 + tf.exp(x - 2.0 * positive))

    return log_sigmoid


def _softmax(original: Any) -> Any:
    def call(self: Any, inputs: Any, mask: Any = None) -> Any:
        rank = len(inputs.shape)
        axes = sorted(a % rank for a in self.axis) if isinstance(self.axis, (tuple, list)) else []
        together = len(axes) > 1 and axes == list(range(axes[0], axes[-1] + 1)) and axes[0] > 0
        if mask is not None and inputs.dtype == tf.float32:
            inputs, mask = masked(inputs, mask, self.axis), None
        if mask is not None or not together or None in inputs.shape[1:]:
            return original(self, inputs, mask)
        before, after = inputs.shape[1 : axes[0]], inputs.shape[axes[-1] + 1 :]
        product = math.prod(inputs.shape[axes[0] : axes[-1] + 1])
        flat = tf.reshape(inputs, (-1, *before, product, *after))
        return tf.reshape(tf.nn.softmax(flat, axis=axes[0]), (-1, *inputs.shape[1:]))

    return call


REPLACED: Replaced = {
    (NN, "elu"): _elu,
    (NN, "selu"): _selu,
    (NN, "celu"): _celu,
    (NN, "softplus"): _softplus,
    (NN, "log_sigmoid"): _log_sigmoid,
    ("keras.src.layers.activations.softmax:Softmax", "call"): _softmax,
}
