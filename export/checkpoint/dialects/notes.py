"""What a translation knows of the file it translates, and what it tells about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from edgeproof.errors import Refused


@dataclass(frozen=True)
class Writer:
    """Who wrote a checkpoint: the version of Keras ("" where it does not say) and its backend ("" likewise)."""

    keras: str = ""
    backend: str = ""

    @property
    def major(self) -> int:
        """1, 2 or 3; 0 where the file does not say."""
        stated = self.keras.partition(".")[0]
        return int(stated) if stated.isdecimal() else 0

    @property
    def version(self) -> tuple[int, ...]:
        """As numbers, without "-tf" and the like."""
        found = re.match(r"\d+(\.\d+)*", self.keras)
        return tuple(int(part) for part in found[0].split(".")) if found else ()


@dataclass
class Notes:
    """What is gathered while an architecture is translated.

    Attributes:
        writer: of the file.
        source: its name, for messages.
        changes: a line a change.
        names: a layer's name now -> the name in the file, where they differ.
        channels_first: layers whose kernels Keras 1 stored as (filters, channels, rows, columns).
    """

    writer: Writer
    source: str
    changes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    channels_first: set[str] = field(default_factory=set)

    def tell(self, line: str) -> None:
        """Add a change, once."""
        if line not in self.changes:
            self.changes.append(line)

    def refuse(self, rule: str, received: str, fix: str) -> Refused:
        """A refusal that names the file."""
        return Refused(f"checkpoint: {rule}", received=f"{self.source}: {received}", fix=fix)


def label(entry: dict[str, Any]) -> str:
    """A layer in a message: its class and its name."""
    return f'{entry["class_name"]} "{entry["config"].get("name") or entry.get("name") or "unnamed"}"'


def is_layer(node: Any) -> bool:
    """Whether a piece of an architecture is a serialized layer, or another object with a configuration."""
    return isinstance(node, dict) and isinstance(node.get("class_name"), str) and isinstance(node.get("config"), dict)


def layers(node: Any) -> Iterator[dict[str, Any]]:
    """Every serialized layer, models inside models and wrapped layers included, in the order of the file."""
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if is_layer(node):
                yield node
            stack.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            stack.extend(reversed(node))
