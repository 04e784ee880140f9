"""The checkpoint inside a child process: the loaded model as functions that converters take."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

import models.layers  # noqa: F401  registers the layers that Keras lacks
from edgeproof.errors import Refused
from export import checkpoint, dialects


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

    @property
    def model(self) -> keras.Model:
        """The model in inference form."""
        return self._loaded[0]

    @property
    def translated(self) -> list[str]:
        """What was changed in the architecture for Keras 3, a line a change."""
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[keras.Model, list[str]]:
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
    def saved_model(self, batch: int | None) -> Any:
        """A SavedModel of `function(batch)` in a temporary folder, with the signature `serving_default`."""
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder), batch)
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


def load(path: Path) -> tuple[keras.Model, list[str]]:
    """Load a checked checkpoint (see `export.checkpoint.read`), and tell what was translated to Keras 3.

    Raises:
        Refused: Keras 3 can't rebuild it.
    """
    config, written_by = checkpoint.architecture(path)
    config, changes = dialects.translate(config, written_by, str(path))
    try:
        with tempfile.TemporaryDirectory() as folder:
            if changes:
                path = _rewritten(path, config, Path(folder))
            return keras.models.load_model(path, compile=False, safe_mode=True), changes
    except Exception as error:
        reason = " ".join(str(error).split())
        raise Refused(
            "checkpoint: Keras 3 must be able to rebuild the model.",
            received=f"{path}: {reason[:300]}",
            fix="save it again with Keras 3, or with the arguments that Keras 3 knows",
        ) from error


def _rewritten(path: Path, config: dict[str, Any], folder: Path) -> Path:
    """A copy of the checkpoint with another architecture; the weights are the file's own."""
    copy = folder / path.name
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+", libver="latest") as file:
        file.attrs["model_config"] = json.dumps(config)
    return copy
