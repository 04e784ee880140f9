"""Integer loops: whole sequences through recurrent layers without a float in the cell.

TensorFlow's converter quantizes graphs without loops only, and dies on others
(https://github.com/tensorflow/tensorflow/issues/76672, https://github.com/tensorflow/tensorflow/issues/39564);
unrolled, a layer of 100 steps takes thousands of operators. Here the loop stays a WHILE. Its body is a graph like
another and is quantized as one, by the same rules, with ranges taken while it is stepped through the samples; what a
step hands to the next keeps one scale and zero point, to which the body's last operators bring it.
"""

from __future__ import annotations

from export.loops.quantize import quantize
from export.loops.tidy import tidy

__all__ = ["quantize", "tidy"]
