"""TFOpLambda and SlicingOpLambda, which hold a function's name and its constants, as `models.layers.TensorFunction`."""

from __future__ import annotations

from typing import Any

from edgeproof.errors import nearest
from export.checkpoint.dialects.nodes import Call, Ref, replaced
from export.checkpoint.dialects.notes import Notes, label

LAMBDAS = ("TFOpLambda", "SlicingOpLambda")
# The first argument of functions that do not call it `x`, by the last part of their name.
_FIRST = {
    "getitem": "tensor", "concat": "values", "stack": "values", "cast": "x", "reshape": "tensor", "squeeze": "input",
    "split": "value", "expand_dims": "input", "unstack": "value", "shape": "input", "where": "condition",
    "matmul": "a", "transpose": "a", "transpose_v2": "a", "pad": "tensor", "tile": "input", "gather": "params",
    "ones_like": "input", "zeros_like": "input", "clip_by_value": "t", "repeat": "input", "reverse": "tensor",
    "one_hot": "indices", "broadcast_to": "input", "fill": "dims", "range": "start", "identity": "input",
    "reduce_mean": "input_tensor", "reduce_sum": "input_tensor", "reduce_max": "input_tensor",
    "reduce_min": "input_tensor", "reduce_prod": "input_tensor", "reduce_std": "input_tensor",
    "reduce_variance": "input_tensor", "reduce_any": "input_tensor", "reduce_all": "input_tensor",
    "argmax": "input", "argmin": "input", "add_n": "inputs", "top_k": "input", "convert_to_tensor": "value",
    "relu": "features", "relu6": "features", "elu": "features", "selu": "features", "gelu": "features",
    "leaky_relu": "features", "swish": "features", "silu": "features", "softplus": "features",
    "softsign": "features", "softmax": "logits", "log_softmax": "logits", "bias_add": "value", "avg_pool": "input",
    "max_pool": "input", "avg_pool2d": "input", "max_pool2d": "input", "conv2d": "input", "depth_to_space": "input",
    "space_to_depth": "input", "resize": "images", "resize_bilinear": "images",
    "resize_nearest_neighbor": "images", "resize_with_pad": "image", "norm": "tensor", "band_part": "input",
    "diag": "diagonal",
}  # fmt: skip
_REWRITES = {
    "einsum": "the file does not hold einsum's tensors, so nobody can tell them; rebuild with keras.layers.Dot, "
    "EinsumDense or keras.ops.einsum, and pass the model as --builder",
}


def convert(entry: dict[str, Any], calls: list[Call], allowed: frozenset[str], notes: Notes) -> list[Call]:
    """Turn a function's layer into a `TensorFunction` in place, and give its calls with tensors as inputs alone.

    Raises:
        Refused: a function that is not on the list, or a call that the file does not hold whole.
    """
    function, was = str(entry["config"].get("function")), label(entry)
    if function not in allowed:
        rewrite = _REWRITES.get(function) or (
            f"{nearest(function, allowed).split('?')[0]}? otherwise " if "did you" in nearest(function, allowed) else ""
        ) + "rebuild the model with keras.layers or keras.ops, and pass it as --builder module:function"
        raise notes.refuse("a function in a model must be one that Edgeproof knows.", f"{was}: tf.{function}", rewrite)
    first = _FIRST.get(function.rpartition(".")[2], "x")
    templates, made = [], []
    for call in calls:
        tensors: list[Ref] = []

        def place(ref: Ref, tensors: list[Ref] = tensors) -> dict[str, Any]:
            tensors.append(ref)
            return {"tensor": len(tensors) - 1}

        arguments = {name: value for name, value in call.kwargs.items() if name != "name"}
        filled = replaced({first: call.args[0], **arguments}, place)
        templates.append({name: _constants(value) for name, value in filled.items()})
        made.append(Call([tensors[0] if len(tensors) == 1 else list(tensors)], {}))
    if not templates or any(template != templates[0] for template in templates) or not made[0].args[0]:
        raise notes.refuse(
            "a function in a model must be called with the same constants each time, on tensors of the model.",
            f"{was}: tf.{function}, called {len(calls)} times",
            "rebuild the model with keras.layers or keras.ops, and pass it as --builder module:function",
        )
    kept = {key: entry["config"][key] for key in ("name", "trainable", "dtype") if key in entry["config"]}
    entry["config"] = {**kept, "function": function, "arguments": templates[0]}
    entry["class_name"], entry["registered_name"] = "TensorFunction", "edgeproof>TensorFunction"
    notes.tell(f"{was}: tf.{function} as a layer of its own")
    return made


def _constants(value: Any) -> Any:
    """Slices and the ellipsis as TensorFunction spells them."""
    if isinstance(value, list):
        return [_constants(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"start", "stop", "step"}:
            return {"slice": [_constants(value[key]) for key in ("start", "stop", "step")]}
        if value.get("class_name") == "__ellipsis__" or value.get("value") == "Ellipsis":
            return {"ellipsis": True}
    return value
