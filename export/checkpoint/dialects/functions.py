"""TFOpLambda and SlicingOpLambda, which hold a function's name and its constants, as `models.layers.TensorFunction`."""

from __future__ import annotations

from typing import Any

from edgeproof.errors import nearest
from export.checkpoint.dialects.nodes import Call, Ref, replaced
from export.checkpoint.dialects.notes import Notes, label

LAMBDAS = ("TFOpLambda", "SlicingOpLambda")
_REBUILD = "rebuild the model with keras.layers or keras.ops, and pass it as --builder module:function"
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
        hint = nearest(function, allowed).partition(" known: ")[0]
        rewrite = _REWRITES.get(function) or _REBUILD + (f"; {hint}" if hint.startswith("did you") else "")
        raise notes.refuse("a function in a model must be one that Edgeproof knows.", f"{was}: tf.{function}", rewrite)
    templates, made = [], []
    for call in calls:
        tensors: list[Ref] = []

        def place(ref: Ref, tensors: list[Ref] = tensors) -> dict[str, Any]:
            tensors.append(ref)
            return {"tensor": len(tensors) - 1}

        others = {name: value for name, value in call.kwargs.items() if name != "name"}
        first, others = replaced([call.args[0], others], place)
        templates.append({"first": _constants(first), "others": {n: _constants(v) for n, v in others.items()}})
        made.append(Call([tensors[0] if len(tensors) == 1 else list(tensors)], {}))
    if not templates or any(template != templates[0] for template in templates) or not made[0].args[0]:
        raise notes.refuse(
            "a function in a model must be called with the same constants each time, on tensors of the model.",
            f"{was}: tf.{function}, called {len(calls)} times",
            _REBUILD,
        )
    kept = {key: entry["config"][key] for key in ("name", "trainable", "dtype") if key in entry["config"]}
    entry["config"] = {**kept, "function": function, **templates[0]}
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
