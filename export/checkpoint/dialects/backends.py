"""What another backend than TensorFlow computed differently under the same words."""

from __future__ import annotations

from typing import Any

from export.checkpoint.dialects.notes import Notes, label

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D")
_POOLS = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D")


def check(entry: dict[str, Any], notes: Notes) -> None:
    """Refuse a layer of Keras 2's words whose padding Theano and CNTK laid out in another way.

    Their padding "same" is as wide on both sides, TensorFlow's is wider at the end; the two agree where strides are
    1 and kernels odd.

    Raises:
        Refused: they do not agree.
    """
    kind, config = entry["class_name"], entry["config"]
    if notes.writer.backend not in ("theano", "cntk") or config.get("padding") != "same":
        return
    odd = all(side % 2 for side in _sides(config.get("kernel_size", 1)))
    agrees = kind in _CONVOLUTIONS and odd and set(_sides(config.get("strides", 1))) == {1}
    if kind in (*_CONVOLUTIONS, *_POOLS) and not agrees:
        raise notes.refuse(
            f'padding "same" of {notes.writer.backend} must be what it is in TensorFlow: strides of 1, odd kernels.',
            f"{label(entry)} with strides {config.get('strides')}",
            'rebuild the model with ZeroPadding and padding "valid", and pass it as --builder module:function',
        )


def _sides(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
