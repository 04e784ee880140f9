"""A call of a TensorFlow function as a layer: what `x + y` or `tf.reshape(x, ...)` left in models of tf.keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

# Functions without state, files or Python in them, by the name that tf.keras stores. Replayed by TensorFlow itself,
# so that no argument can change its meaning; a name that is not here is refused.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "__operators__.add": tf.add,
    "__operators__.getitem": lambda tensor, slice_spec: tensor[slice_spec],
    "__operators__.ne": tf.not_equal,
    "__operators__.eq": tf.equal,
    # In a graph of floats the true division of an operator is the function's.
    "math.divide": tf.math.divide,
}
_NAMES = """
    cast clip_by_value concat convert_to_tensor expand_dims gather identity ones_like pad repeat reshape reverse shape
    split squeeze stack tile transpose unstack where zeros_like one_hot broadcast_to fill range
    compat.v1.expand_dims compat.v1.gather compat.v1.pad compat.v1.shape compat.v1.squeeze compat.v1.transpose
    compat.v1.transpose_v2 compat.v1.concat
    math.abs math.acos math.add math.add_n math.argmax math.argmin math.asin math.atan math.ceil math.cos math.cumsum
    math.divide_no_nan math.equal math.erf math.exp math.expm1 math.floor math.floordiv math.floormod math.greater
    math.greater_equal math.l2_normalize math.less math.less_equal math.log math.log1p math.log_sigmoid
    math.logical_and math.logical_not math.logical_or math.maximum math.minimum math.multiply math.negative
    math.not_equal math.pow math.reciprocal math.reduce_all math.reduce_any math.reduce_max math.reduce_mean
    math.reduce_min math.reduce_prod math.reduce_std math.reduce_sum math.reduce_variance math.round math.rsqrt
    math.sigmoid math.sign math.sin math.softmax math.softplus math.softsign math.sqrt math.square
    math.squared_difference math.subtract math.tan math.tanh math.top_k math.truediv
    linalg.matmul linalg.l2_normalize linalg.band_part linalg.diag norm
    nn.avg_pool nn.avg_pool2d nn.batch_normalization nn.bias_add nn.conv2d nn.depth_to_space nn.elu nn.gelu
    nn.l2_normalize nn.leaky_relu nn.log_softmax nn.max_pool nn.max_pool2d nn.relu nn.relu6 nn.selu nn.sigmoid nn.silu
    nn.softmax nn.softplus nn.softsign nn.space_to_depth nn.swish nn.tanh
    image.resize image.resize_with_pad
    compat.v1.image.resize_bilinear compat.v1.image.resize_nearest_neighbor
    compat.v1.nn.softmax compat.v1.nn.avg_pool compat.v1.nn.max_pool compat.v1.nn.leaky_relu
    compat.v1.math.argmax compat.v1.math.softmax
""".split()
FUNCTIONS = frozenset({*_NAMES, *_OPERATORS})


@keras.saving.register_keras_serializable(package="edgeproof")
class TensorFunction(keras.layers.Layer):
    """One call of a TensorFlow function, its constants in the configuration and its tensors as the layer's inputs.

    Args:
        function: its public name after `tf.`, one of `FUNCTIONS`.
        arguments: by the function's own argument names. `{"tensor": i}` stands for the i-th input,
            `{"slice": [start, stop, step]}` for a slice, `{"ellipsis": true}` for `...`; what remains is constant.

    Shapes are the function's own.

    Raises:
        ValueError: a function that is not on the list.
    """

    def __init__(self, *, function: str, arguments: dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        if function not in FUNCTIONS:
            raise ValueError(f"tf.{function} is not a function that a model may call. Received layer: {self.name}")
        self.function, self.arguments = function, arguments
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        tensors = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        filled = {name: _fill(value, tensors) for name, value in self.arguments.items()}
        if "slice_spec" in filled and isinstance(filled["slice_spec"], list):
            filled["slice_spec"] = tuple(filled["slice_spec"])  # a list would gather
        return _resolve(self.function)(**filled)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: as in tf.keras, masks end at a bare function."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "function": self.function, "arguments": self.arguments}


def _resolve(name: str) -> Callable[..., Any]:
    if name in _OPERATORS:
        return _OPERATORS[name]
    found: Any = tf
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _fill(value: Any, tensors: list[Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_fill(item, tensors) for item in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        if "slice" in value:
            return slice(*(_fill(item, tensors) for item in value["slice"]))
        if "ellipsis" in value:
            return Ellipsis
    return value
