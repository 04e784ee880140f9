"""HDF5 that nobody vouches for: it must hold its data itself, in bounds, as finite numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edgeproof.errors import Refused

_MOST_INFLATED = 2000  # deflate, the best that HDF5 has, reaches 1032
_HARMLESS, _MOST_INFLATED_LARGE = 1 << 26, 50  # beyond 64 MB no trained weights shrink so far, pruned ones included
_DEEPEST, _MOST_OBJECTS = 100, 500_000
_LONGEST = 400  # of what is quoted
_BESIDE = ("optimizer_weights", "edgeproof_training")  # groups that are no layers
PATHS = ("layers", "_layer_checkpoint_dependencies", "vars")  # the model's own in files that are laid out by attributes


def no_links(group: h5py.Group, file: Path | str) -> None:
    """Refuse what reaches outside the file, or lets a walk through it go in circles.

    The walk is by hand: h5py's own goes by full paths, which costs minutes where groups nest by the hundred.

    Raises:
        Refused: soft or external links, external storage, virtual datasets; groups deeper or more than models have.
    """
    seen = {_address(group)}
    stack = [(group, "", 0)]
    while stack:
        here, path, depth = stack.pop()
        for key in here:
            name = f"{path}/{key}".lstrip("/")
            link = here.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _elsewhere("links", f"{file}: {type(link).__name__} {name}")
            item = here[key]
            if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                raise _elsewhere("in other files", f"{file}: {name}")
            if _address(item) in seen:  # another name of it, or a circle
                continue
            seen.add(_address(item))
            if depth == _DEEPEST or len(seen) > _MOST_OBJECTS:
                raise Refused(
                    f"checkpoint: a checkpoint has no more than {_MOST_OBJECTS:,} groups and arrays, {_DEEPEST} deep.",
                    received=f"{file}: {name[:80]}...",
                    fix="save the model again with Keras",
                )
            if isinstance(item, h5py.Group):
                stack.append((item, name, depth + 1))


def _address(item: Any) -> tuple[int, int]:
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def _elsewhere(what: str, received: str) -> Refused:
    return Refused(
        f"checkpoint: a checkpoint must hold its data itself, not {what}.",
        received=received[:_LONGEST],
        fix="save the model again with Keras",
    )


def finite(opened: h5py.File, file: Path | str) -> int:
    """Number of values in the weights, all of them finite; the optimizer's are not looked at.

    Raises:
        Refused: a dataset far larger than what is stored of it, or a value that is no finite number.
    """
    total = 0
    for name, item in weights(opened.get("model_weights", opened)):
        held = max(item.id.get_storage_size(), 1)
        if item.nbytes > _MOST_INFLATED * held or item.nbytes > max(_HARMLESS, _MOST_INFLATED_LARGE * held):
            raise Refused(
                "checkpoint: a checkpoint must hold every weight that it announces.",
                received=f"{file}: {name} announces {item.nbytes:,} bytes and holds {item.id.get_storage_size():,}",
                fix="save the model again with Keras",
            )
        total += item.size
        bad = sum(int(np.size(values) - np.isfinite(values).sum()) for values in _pieces(item))
        if bad:
            raise Refused(
                "checkpoint: every weight must be a finite number.",
                received=f"{file}: {name} holds {bad} that are NaN or infinite, of {item.size}",
                fix="train again with a lower learning rate, or take an earlier checkpoint",
            )
    return total


def _pieces(item: h5py.Dataset) -> Iterator[np.ndarray]:
    """The values, never many more than 64 MB of them at a time where the first axis can be cut."""
    if item.nbytes <= _HARMLESS or not item.shape:
        yield item[()]
        return
    rows = max(1, int(_HARMLESS * item.shape[0] // item.nbytes))
    for start in range(0, item.shape[0], rows):
        yield item[start : start + rows]


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
