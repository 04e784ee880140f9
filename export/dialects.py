"""What older Keras wrote, in Keras 3's words: architectures as text, translated before anything is built from them.

A model that loads with other numbers than its makers saw is worse than one that does not load. So an argument is
dropped only where it held the value that Keras 3 takes for granted, a default that changed is written out with its
old value, and what changed its meaning is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from edgeproof.errors import Refused

# Arguments that Keras 3's layers no longer take: layer -> argument -> the only value under which nothing is lost.
_DROPPED: dict[str, dict[str, Any]] = {
    "DepthwiseConv1D": {"groups": 1},
    "DepthwiseConv2D": {"groups": 1},
    "SeparableConv1D": {"groups": 1},
    "SeparableConv2D": {"groups": 1},
    "Conv1DTranspose": {"groups": 1},
    "Conv2DTranspose": {"groups": 1},
    "Conv3DTranspose": {"groups": 1},
    "SimpleRNN": {"time_major": False},
    "LSTM": {"time_major": False},
    "GRU": {"time_major": False},
    "RNN": {"time_major": False},
    "ConvLSTM2D": {"time_major": False},
}
# Defaults that changed: layer -> argument -> the value that an older file means by leaving it out.
_MEANT: dict[str, dict[str, Any]] = {"GRU": {"reset_after": False}}
_ACTIVATIONS = ("activation", "recurrent_activation")


def translate(config: dict[str, Any], keras_version: str, source: str) -> tuple[dict[str, Any], list[str]]:
    """An architecture that Keras 3 reads, and what was changed in it, a line a change.

    Args:
        config: the file's `model_config`; not changed.
        keras_version: that wrote it, "" when the file does not say (Keras 1 and early 2).
        source: the file's name, for messages.

    Raises:
        Refused: something in it meant another thing then.
    """
    major = keras_version.partition(".")[0]
    if major.isdecimal() and int(major) >= 3:
        return config, []
    config, changes = copy.deepcopy(config), []
    for layer in _layers(config):
        kind, arguments = layer["class_name"], layer["config"]
        name = f'{kind} "{arguments.get("name", "unnamed")}"'
        _refuse_changed_meaning(arguments, name, source)
        for argument, harmless in _DROPPED.get(kind, {}).items():
            if argument in arguments:
                value = arguments.pop(argument)
                if value != harmless:
                    raise Refused(
                        f"checkpoint: {argument} of {kind} must be {harmless}; Keras 3 has it no other way.",
                        received=f"{source}: {name} with {argument} {value}",
                        fix="rebuild the model with layers that Keras 3 has, and load these weights into it",
                    )
                changes.append(f"{name}: {argument}={harmless} dropped, which Keras 3 takes for granted")
        for argument, meant in _MEANT.get(kind, {}).items():
            if argument not in arguments:
                arguments[argument] = meant
                changes.append(f"{name}: {argument}={meant} written out, the default when the file was made")
    return config, changes


def _refuse_changed_meaning(arguments: dict[str, Any], name: str, source: str) -> None:
    for argument in _ACTIVATIONS:
        if arguments.get(argument) == "hard_sigmoid":
            raise Refused(
                "checkpoint: hard_sigmoid must mean what it meant: 0.2x + 0.5 before Keras 3, x/6 + 0.5 since.",
                received=f"{source}: {argument} of {name}, written by an older Keras",
                fix="rebuild the model with an activation of 0.2x + 0.5, and load these weights into it",
            )


def _layers(node: Any) -> Iterator[dict[str, Any]]:
    """Every serialized layer, models inside models and wrapped layers included."""
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get("class_name"), str) and isinstance(node.get("config"), dict):
                yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
