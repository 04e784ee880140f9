"""The checkpoint inside a child process: the loaded model as functions that converters take."""

from __future__ import annotations

import contextlib
import enum
import functools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export.checkpoint.graphs import fed
from export.checkpoint.load import load
from export.checkpoint.opening import Opening
from export.lowering import lowered
from export.quantize.plan import DEFAULT, Plan


class Form(enum.Enum):
    """The operators that a model is written in: Keras's own; those that converters know; of these none with groups, or
    none over three axes."""

    KERAS = "keras"
    LOWERED = "lowered"
    SPLIT = "split"
    PLANES = "planes"


def compiled(model: keras.Model) -> Callable[[Sequence[Any]], list[Any]]:
    """The model as a compiled function from a list of its inputs to a list of its outputs, tensors both.

    Without autograph, as Keras runs it.
    """

    def call(feeds: Sequence[Any]) -> list[Any]:
        return list(tf.nest.flatten(model(fed(model, feeds), training=False)))

    found: Callable[[Sequence[Any]], list[Any]] = tf.function(call, autograph=False)
    return found


@dataclass
class Source:
    """A model to convert, with the samples to calibrate it.

    Attributes:
        path: the checkpoint.
        calibration: input tensors (n, ...) by name, empty when there are none.
        cache: what formats keep between their precisions.
        learned: what was found out by the calibration samples, gone when they are others.
        plan: how integer precisions are made.
        opening: the checkpoint with what a person added to it; None: the file alone.
        states: of a step model (`export.streaming`), the inputs that are states and the output that each becomes.
    """

    path: Path
    calibration: Mapping[str, np.ndarray] = field(default_factory=dict)
    cache: dict[str, Any] = field(default_factory=dict)
    learned: dict[str, Any] = field(default_factory=dict)
    opening: Opening | None = None
    plan: Plan = DEFAULT
    states: Mapping[str, str] = field(default_factory=dict)

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
        found = load(self.opening or Opening(self.path))
        return found.model, found.changes

    def calibrate(self, samples: Mapping[str, np.ndarray]) -> None:
        """From here on these are the calibration samples."""
        if samples is not self.calibration:
            self.calibration, self.learned = samples, {}

    def with_model(self, model: keras.Model) -> Source:
        """The same checkpoint with another model in its place, such as one whose weights were moved."""
        other = Source(self.path, self.calibration, states=self.states)
        other.__dict__["_loaded"] = (model, self.translated)
        return other

    def function(self, batch: int | None, form: Form = Form.LOWERED) -> Any:
        """The model as a `tf.function` from named inputs to a dict of named outputs.

        Args:
            batch: the size of the batch axis, None for a free one.
            form: the operators to write it in.
        """
        ways: dict[Form, Any] = {
            Form.KERAS: contextlib.nullcontext,
            Form.LOWERED: lowered,
            Form.SPLIT: functools.partial(lowered, grouped=False),
            Form.PLANES: functools.partial(lowered, planes=True),
        }
        model = self.model

        # TensorFlow makes every name in a graph its own, whatever its case: a model called like one of its ends would
        # leave that end another name.
        ends = {name.lower() for name in (*model.output_names, *(t.name for t in model.inputs))}
        scope = model.name
        while scope.lower() in ends:
            scope += "_model"
        apart = functools.partial(tf.name_scope, scope) if scope != model.name else contextlib.nullcontext

        def call(*tensors: Any) -> dict[str, Any]:
            with ways[form](), apart():
                outputs = model(fed(model, tensors), training=False)
            flat = tf.nest.flatten(outputs)
            # Identities, so that the ends of the graph carry these very names in every format.
            return {n: tf.identity(v, name=n) for n, v in zip(model.output_names, flat, strict=True)}

        return tf.function(call, input_signature=self.signature(batch), autograph=False)  # as Keras runs it

    def signature(self, batch: int | None) -> list[Any]:
        """Specs of the inputs, with their names and this batch size."""
        return [tf.TensorSpec((batch, *t.shape[1:]), t.dtype, name=t.name) for t in self.model.inputs]

    @property
    def single(self) -> str:
        """A folder, gone with the source, with a SavedModel of `function(1, Form.PLANES)` under `serving_default`."""
        return self._single.name

    @cached_property
    def _single(self) -> tempfile.TemporaryDirectory[str]:
        folder = tempfile.TemporaryDirectory()
        self.save(Path(folder.name), 1, Form.PLANES)
        return folder

    def save(self, folder: Path, batch: int | None, form: Form = Form.LOWERED, **extra: Any) -> None:
        """Write a SavedModel; `extra` are trackable attributes to keep in it, such as assets."""
        concrete = self.function(batch, form).get_concrete_function()
        module = tf.Module()
        # Keras variables are not tf.Variables; the module must hold those, or they are saved without values.
        module.weights = [variable.value for variable in self.model.variables]
        for name, value in extra.items():
            setattr(module, name, value)
        tf.saved_model.save(module, str(folder), signatures={"serving_default": concrete})
