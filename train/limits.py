"""What formats have no good form of, in words that recipes share: for `Recipe.refused` and `Recipe.refused_of`."""

from __future__ import annotations

from collections.abc import Mapping

GRU: Mapping[str, str] = {
    "onnx:int8": "a GRU becomes a loop over time in ONNX, and quantizers leave what is inside a loop in floats; use "
    "tflite:int8, a step file (--streaming), or variant=lstm",
}
