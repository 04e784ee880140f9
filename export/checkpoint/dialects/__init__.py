"""What older Keras wrote, in Keras 3's words: architectures as text, translated before anything is built from them.

A model that loads with other numbers than its makers saw is worse than one that does not load. So an argument is
dropped only where it held the value that Keras 3 takes for granted, a default that changed is written out with its
old value, and what has no counterpart is refused with the rewrite that helps.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from export.checkpoint.dialects import keras1, keras3
from export.checkpoint.dialects.notes import Notes, Writer, is_layer, layers
from export.checkpoint.dialects.structure import MODELS, Structure

__all__ = ["Translation", "Writer", "translate"]


@dataclass(frozen=True)
class Translation:
    """An architecture that Keras 3 reads.

    Attributes:
        architecture: of Keras 3, or the file's own where Keras 3 wrote it.
        changes: what was changed, a line a change.
        era: 1, 2 or 3, the Keras whose words the file uses.
        names: a layer's name now -> the name in the file, where they differ.
        channels_first: layers whose kernels Keras 1 stored as (filters, channels, rows, columns).
    """

    architecture: dict[str, Any]
    changes: tuple[str, ...]
    era: int
    names: Mapping[str, str]
    channels_first: frozenset[str]


def translate(
    architecture: dict[str, Any],
    writer: Writer,
    source: str,
    allowed: frozenset[str] = frozenset(),
    operations: Mapping[str, str] = MappingProxyType({}),
) -> Translation:
    """Translate what is older than Keras 3, and what Keras 3 itself writes and does not read.

    Args:
        architecture: the file's `model_config`; not changed.
        writer: who wrote the file.
        source: the file's name, for messages.
        allowed: TensorFlow functions that a model may call (`models.layers.tensor_function.FUNCTIONS`).
        operations: Keras 3's operations, class -> module.

    Raises:
        Refused: something in it means what Keras 3 can't do.
    """
    if writer.major >= 3 or (not writer.major and _of_keras_3(architecture)):
        notes = Notes(writer, source)
        architecture = keras3.convert(architecture, operations, notes)
        return Translation(architecture, tuple(notes.changes), 3, {}, frozenset())
    architecture = copy.deepcopy(architecture)
    found = list(layers(architecture))
    era = writer.major or (1 if keras1.spoken(found) else 2)
    notes = Notes(writer, source)
    if architecture.get("class_name") not in MODELS or not (
        is_layer(architecture) or isinstance(architecture.get("config"), list)
    ):
        raise notes.refuse(
            "the architecture must be a Sequential or functional model.",
            str(architecture.get("class_name")),
            "rebuild the model with keras.Model(inputs, outputs), and pass it as --builder module:function",
        )
    try:
        Structure(notes, era, allowed).model(architecture)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise notes.refuse(
            "the architecture must have the parts that Keras writes.",
            f"{type(error).__name__}: {error}",
            "save the model again with Keras",
        ) from error
    return Translation(architecture, tuple(notes.changes), era, dict(notes.names), frozenset(notes.channels_first))


def _of_keras_3(architecture: dict[str, Any]) -> bool:
    """Whether an unsigned architecture is Keras 3's, whose `to_json` does not say its version."""
    return any(
        (entry["class_name"] == "InputLayer" and "batch_shape" in entry["config"])
        or any(isinstance(node, dict) for node in entry.get("inbound_nodes") or ())
        for entry in layers(architecture)
    )
