"""Layers that ran on tensors in another order: what stands before and after them, so that they need not."""

from __future__ import annotations

from typing import Any

from export.checkpoint.dialects.notes import Notes, label

_FLAT = ("Conv1D", "SeparableConv1D", "DepthwiseConv1D", "Conv1DTranspose", "MaxPooling1D", "AveragePooling1D")
_SPATIAL = {
    **dict.fromkeys(_FLAT, 1),
    **dict.fromkeys(
        ("Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose", "MaxPooling2D", "AveragePooling2D",
         "UpSampling2D"), 2,
    ),
    **dict.fromkeys(("Conv3D", "Conv3DTranspose", "MaxPooling3D", "AveragePooling3D", "UpSampling3D"), 3),
}  # fmt: skip
_RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM2D")
Edges = tuple[dict[str, Any] | None, dict[str, Any] | None]


def edges(entry: dict[str, Any], notes: Notes) -> Edges:
    """Layers to put before and after this one, which is changed in place to run on the usual order.

    `channels_first` becomes `channels_last` (no CPU kernel runs the former), `time_major` becomes batch major.

    Raises:
        Refused: it returns more than one tensor, so that there is no single place after it.
    """
    kind, config = entry["class_name"], entry["config"]
    rank = _SPATIAL.get(kind)
    if rank and config.get("data_format") == "channels_first":
        config["data_format"] = "channels_last"
        notes.tell(f"{label(entry)}: channels_first computed as channels_last, between two permutations")
        last, first = [*range(2, rank + 2), 1], [rank + 1, *range(1, rank + 1)]
        return _permute(entry, "channels_last", last), _permute(entry, "channels_first", first)
    if kind not in _RECURRENT or "time_major" not in config:
        return None, None
    if not config.pop("time_major"):
        notes.tell(f"{label(entry)}: time_major=False dropped, which Keras 3 takes for granted")
        return None, None
    if config.get("return_state"):
        raise notes.refuse(
            "a time_major layer must return its output alone to be translated.",
            f"{label(entry)} with time_major True and return_state True",
            "rebuild the model batch major, and pass it as --builder module:function",
        )
    notes.tell(f"{label(entry)}: time_major computed batch major, between two transpositions")
    return _swap(entry, "batch_major"), _swap(entry, "time_major") if config.get("return_sequences") else None


def _permute(entry: dict[str, Any], suffix: str, dims: list[int]) -> dict[str, Any]:
    return {"class_name": "Permute", "config": {"name": f"{entry['config']['name']}_{suffix}", "dims": dims}}


def _swap(entry: dict[str, Any], suffix: str) -> dict[str, Any]:
    name = f"{entry['config']['name']}_{suffix}"
    return {
        "class_name": "TensorFunction", "registered_name": "edgeproof>TensorFunction",
        "config": {"name": name, "function": "transpose", "first": {"tensor": 0}, "others": {"perm": [1, 0, 2]}},
    }  # fmt: skip
