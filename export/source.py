"""The checkpoint inside a child process: the loaded model as functions that converters take."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import models.layers  # noqa: F401  registers the layers that Keras lacks
from edgeproof.errors import Refused


@dataclass
class Source:
    """A model to convert, with the samples to calibrate it.

    Attributes:
        path: the checkpoint.
        calibration: input tensors (n, ...) by name, empty when there are none.
        cache: what formats keep between their precisions.
    """

    path: Path
    calibration: Mapping[str, np.ndarray] = field(default_factory=dict)
    cache: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def model(self) -> keras.Model:
        """The model in inference form."""
        return load(self.path)

    def function(self, batch: int | None) -> Any:
        """The model as a `tf.function` from named inputs to a dict of named outputs.

        Args:
            batch: the size of the batch axis, None for a free one.
        """
        model = self.model

        def call(*tensors: Any) -> dict[str, Any]:
            outputs = model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)
            flat = tf.nest.flatten(outputs)
            # Identities, so that the ends of the graph carry these very names in every format.
            return {n: tf.identity(v, name=n) for n, v in zip(model.output_names, flat, strict=True)}

        return tf.function(call, input_signature=self.signature(batch))

    def signature(self, batch: int | None) -> list[Any]:
        """Specs of the inputs, with their names and this batch size."""
        return [tf.TensorSpec((batch, *t.shape[1:]), t.dtype, name=t.name) for t in self.model.inputs]

    @contextlib.contextmanager
    def saved_model(self, batch: int | None, **extra: Any) -> Any:
        """A SavedModel of `function(batch)` in a temporary folder, with the signature `serving_default`."""
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder), batch, **extra)
            yield folder

    def save(self, folder: Path, batch: int | None, **extra: Any) -> None:
        """Write a SavedModel; `extra` are trackable attributes to keep in it, such as assets."""
        concrete = self.function(batch).get_concrete_function()
        module = tf.Module()
        # Keras variables are not tf.Variables; the module must hold those, or they are saved without values.
        module.weights = [variable.value for variable in self.model.variables]
        for name, value in extra.items():
            setattr(module, name, value)
        tf.saved_model.save(module, str(folder), signatures={"serving_default": concrete})


def load(path: Path) -> keras.Model:
    """Load a checked checkpoint (see `export.checkpoint.read`).

    Raises:
        Refused: Keras 3 can't rebuild it.
    """
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise Refused(
            "checkpoint: Keras 3 must be able to rebuild the model.",
            received=f"{path}: {reason[:300]}",
            fix="save it again with Keras 3, or with the arguments that Keras 3 knows",
        ) from error
