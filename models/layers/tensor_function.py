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
}
_BY_MODULE = {
    "": (
        "broadcast_to", "cast", "clip_by_value", "concat", "convert_to_tensor", "expand_dims", "fill", "gather",
        "identity", "norm", "one_hot", "ones_like", "pad", "range", "repeat", "reshape", "reverse", "shape",
        "split", "squeeze", "stack", "tile", "transpose", "unstack", "where", "zeros_like"
    ),
    "compat.v1": (
        "concat", "expand_dims", "gather", "pad", "shape", "squeeze", "transpose"
    ),
    "compat.v1.image": (
        "resize_bilinear", "resize_nearest_neighbor"
    ),
    "compat.v1.math": (
        "argmax", "softmax"
    ),
    "compat.v1.nn": (
        "avg_pool", "leaky_relu", "max_pool", "softmax"
    ),
    "image": (
        "resize", "resize_with_pad"
    ),
    "linalg": (
        "band_part", "diag", "l2_normalize", "matmul"
    ),
    "math": (
        "abs", "acos", "add", "add_n", "argmax", "argmin", "asin", "atan", "ceil", "cos", "cumsum", "divide",
        "divide_no_nan", "equal", "erf", "exp", "expm1", "floor", "floordiv", "floormod", "greater",
        "greater_equal", "l2_normalize",
        "less", "less_equal", "log", "log1p", "log_sigmoid", "logical_and", "logical_not", "logical_or", "maximum",
        "minimum", "multiply", "negative", "not_equal", "pow", "reciprocal", "reduce_all", "reduce_any",
        "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance",
        "round", "rsqrt", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign", "sqrt", "square",
        "squared_difference", "subtract", "tan", "tanh", "top_k", "truediv"
    ),
    "nn": (
        "avg_pool", "avg_pool2d", "batch_normalization", "bias_add", "conv2d", "depth_to_space", "elu", "gelu",
        "l2_normalize", "leaky_relu", "log_softmax", "max_pool", "max_pool2d", "relu", "relu6", "selu", "sigmoid",
        "silu", "softmax", "softplus", "softsign", "space_to_depth", "swish", "tanh"
    ),
}  # fmt: skip
FUNCTIONS = frozenset(
    {*_OPERATORS, *(f"{module}.{name}".lstrip(".") for module, names in _BY_MODULE.items() for name in names)}
)


@keras.saving.register_keras_serializable(package="edgeproof")
class TensorFunction(keras.layers.Layer):
    """One call of a TensorFlow function, its constants in the configuration and its tensors as the layer's inputs.

    Args:
        function: its public name after `tf.`, one of `FUNCTIONS`.
        first: its first argument. `{"tensor": i}` stands for the i-th input, `{"slice": [start, stop, step]}` for a
            slice, `{"ellipsis": true}` for `...`; what remains is constant.
        others: its other arguments by their names, likewise.

    Shapes are the function's own.

    Raises:
        ValueError: a function that is not on the list.
    """

    def __init__(self, *, function: str, first: Any, others: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        if function not in FUNCTIONS:
            raise ValueError(f"tf.{function} is not a function that a model may call. Received layer: {self.name}")
        self.function, self.first, self.others = function, first, others or {}
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        tensors = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        filled = {name: _fill(value, tensors) for name, value in self.others.items()}
        return _resolve(self.function)(_fill(self.first, tensors), **filled)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: as in tf.keras, masks end at a bare function."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "function": self.function, "first": self.first, "others": self.others}


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
