"""HDF5 that nobody vouches for: it must hold its data itself, in bounds, as finite numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edgeproof.errors import Refused

_MOST_INFLATED = 2000  # deflate, the best that HDF5 has, reaches 1032
_BESIDE = ("optimizer_weights", "edgeproof_training")  # groups that are no layers
PATHS = ("layers", "_layer_checkpoint_dependencies", "vars")  # the model's own in files that are laid out by attributes


def no_links(group: h5py.Group, file: Path | str) -> None:
    """Refuse what reaches outside the file, or lets a walk through it go in circles.

    Raises:
        Refused: soft or external links, external storage, virtual datasets.
    """
    links: list[tuple[str, Any]] = []
    group.visititems_links(lambda name, link: links.append((name, link)))
    for name, link in links:
        if not isinstance(link, h5py.HardLink):
            raise Refused(
                "checkpoint: a checkpoint must hold its data itself, not links.",
                received=f"{file}: {type(link).__name__} {name}",
                fix="save the model again with Keras",
            )
    for name, item in _items(group):
        if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
            raise Refused(
                "checkpoint: a checkpoint must hold its data itself, not in other files.",
                received=f"{file}: {name}",
                fix="save the model again with Keras",
            )


def finite(opened: h5py.File, file: Path | str) -> int:
    """Number of values in the weights, all of them finite; the optimizer's are not looked at.

    Raises:
        Refused: a dataset far larger than what is stored of it, or a value that is no finite number.
    """
    total = 0
    for name, item in weights(opened.get("model_weights", opened)):
        if item.nbytes > _MOST_INFLATED * max(item.id.get_storage_size(), 1):
            raise Refused(
                "checkpoint: a checkpoint must hold every weight that it announces.",
                received=f"{file}: {name} announces {item.nbytes:,} bytes and holds {item.id.get_storage_size():,}",
                fix="save the model again with Keras",
            )
        values = item[()]
        total += values.size
        if not np.isfinite(values).all():
            bad = int(np.size(values) - np.isfinite(values).sum())
            raise Refused(
                "checkpoint: every weight must be a finite number.",
                received=f"{file}: {name} holds {bad} that are NaN or infinite, of {np.size(values)}",
                fix="train again with a lower learning rate, or take an earlier checkpoint",
            )
    return total


def weights(group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """The model's own numbers, without what an optimizer, metrics or generators of random numbers keep beside them."""
    by_path = "layer_names" not in group.attrs and "layer_names0" not in group.attrs and bool(set(PATHS) & set(group))
    for name, item in _items(group):
        root = name.split("/")[0]
        own = root in PATHS and "seed_generator" not in name if by_path else root not in _BESIDE
        if own and isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            yield name, item


def text(stored: Any) -> str:
    """An attribute that must be text: Keras writes str, older ones bytes.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(stored, bytes):
        return stored.decode()
    if not isinstance(stored, str):
        raise ValueError(f"an attribute of type {type(stored).__name__} where text belongs")
    return stored


def names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names as Keras stores it: one attribute, or numbered ones where it is long; empty when absent."""
    found = group.attrs.get(attribute)
    if found is None:
        parts = [group.attrs[f"{attribute}{i}"] for i in range(len(group.attrs)) if f"{attribute}{i}" in group.attrs]
        found = [name for part in parts for name in part]
    return [text(name.item() if isinstance(name, np.generic) else name) for name in found]


def _items(group: h5py.Group) -> Iterator[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    # visititems meets every object once, so that cycles of hard links end.
    group.visititems(lambda name, item: found.append((name, item)))
    return iter(found)
