"""Keras operations written in others that every converter and kernel knows; the function stays the same.

A checkpoint's layers call Keras's backend for what they compute. While the model is traced for export, the backend
functions below are replaced, so that a layer is lowered wherever it stands: alone, in a wrapper, in a nested model.
The checkpoint itself, against which every artifact is compared, always runs on Keras's own.

One module a family, found by listing the folder; each has `REPLACED`: (module, attribute) -> function.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

NN = "keras.src.backend.tensorflow.nn"
Replaced = Mapping[tuple[str, str], Callable[[Any], Any]]

# Whether a grouped convolution may stay one operator: TensorFlow's own CPU kernels have none.
GROUPED: ContextVar[bool] = ContextVar("GROUPED", default=True)
# Whether a convolution over three axes is written as some over two.
PLANES: ContextVar[bool] = ContextVar("PLANES", default=False)


@contextmanager
def lowered(grouped: bool = True, planes: bool = False) -> Iterator[None]:
    """Trace in here. Each replacement is made from what it replaces, to fall back on where nothing is to be done.

    Args:
        grouped: a grouped convolution may stay one operator.
        planes: a convolution over three axes becomes some over two.
    """
    before: list[tuple[Any, str, Any]] = []
    tokens = GROUPED.set(grouped), PLANES.set(planes)
    try:
        for (path, name), make in _replaced().items():
            owner = _owner(path)
            original = vars(owner)[name]
            before.append((owner, name, original))
            setattr(owner, name, make(original))
        yield
    finally:
        for owner, name, original in reversed(before):
            setattr(owner, name, original)
        GROUPED.reset(tokens[0])
        PLANES.reset(tokens[1])


def _replaced() -> Replaced:
    found: dict[tuple[str, str], Callable[[Any], Any]] = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.stem != "__init__":
            found |= importlib.import_module(f"{__name__}.{file.stem}").REPLACED
    return found


def _owner(path: str) -> Any:
    """A module, or a class in one as "module:class"."""
    module, _, name = path.partition(":")
    owner = importlib.import_module(module)
    return getattr(owner, name) if name else owner
