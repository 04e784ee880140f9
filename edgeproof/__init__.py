"""Edgeproof on the device: load an exported file, give it a raw sample, get an answer.

    import edgeproof
    edgeproof.load("lenet5.int8.tflite").predict("seven.png").label
    edgeproof.load("keyword.step.int8.tflite").stream().step(frame)

Nothing here needs TensorFlow or Keras; the interpreter is imported when a file is loaded.
"""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from edgeproof.runner import Model, Prediction, load

__version__ = "0.1.0"
__all__ = ["Model", "Prediction", "__version__", "load"]


def __getattr__(name: str) -> object:
    if name in ("Model", "Prediction", "load"):
        from edgeproof import runner

        return getattr(runner, name)
    raise AttributeError(f"module 'edgeproof' has no attribute {name!r}")
