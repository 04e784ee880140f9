"""ai-edge-litert on Linux boards and phones: every builtin operator, none of Select TF's."""

from __future__ import annotations

from edgeproof.formats.tflite_operators import BUILTIN
from export.targets import Target

TARGET = Target(title="LiteRT builtin operators", format="tflite", operators=frozenset(BUILTIN))
