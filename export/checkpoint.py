"""Read a checkpoint without believing it: structure, architecture as text, weights as numbers, nothing run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edgeproof.contract import Contract
from edgeproof.errors import Refused

_MOST_INFLATED = 2000  # deflate, the best that HDF5 has, reaches 1032


def architecture(path: Path) -> tuple[dict[str, Any], str]:
    """The architecture of a checked file, as JSON, and the version of Keras that wrote it, "" if it does not say."""
    with h5py.File(path, "r") as opened:
        return json.loads(_text(opened.attrs["model_config"])), _text(opened.attrs.get("keras_version", ""))


def find(path: Path) -> Path:
    """The checkpoint that a person means by a file or a folder of `saved/`.

    Raises:
        Refused: there is none, or more than one.
    """
    if not path.is_dir():
        return path
    named = path / f"{path.resolve().name}.h5"
    found = [named] if named.is_file() else sorted(path.glob("*.h5"))
    if len(found) != 1:
        raise Refused(
            "export: the folder must hold one .h5 checkpoint.",
            received=f"{len(found)} in {path}" + "".join(f", {f.name}" for f in found[:5]),
            fix="train first, or name the file itself",
        )
    return found[0]


def read(path: str) -> dict[str, Any]:
    """Check a checkpoint and tell what it is.

    Returns:
        `sha256`, `contract` (JSON or None), `keras_version`, `parameters`.

    Raises:
        Refused: missing, empty, truncated or not HDF5; no architecture; code in it; links out of the file; weights
            that are not finite; a contract that is broken or newer.
    """
    file = Path(path)
    try:
        _exists(file)
        with h5py.File(file, "r") as opened:
            _no_links(opened, file)
            config = _architecture(opened, file)
            _no_code(config, file)
            parameters = _finite(opened, file)
            stored = opened.attrs.get(Contract.KEY)
            version = _text(opened.attrs.get("keras_version", ""))
            contract = Contract.from_json(_text(stored), source=str(file)) if stored is not None else None
    except Refused:
        raise
    except Exception as error:  # damage shows as whatever h5py and numpy stumble over
        raise Refused(
            "checkpoint: the file must be whole HDF5.",
            received=f"{file}: {' '.join(str(error).split())}",
            fix="copy it again, or train again",
        ) from error
    return {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "contract": contract.to_json() if contract else None,
        "keras_version": version,
        "parameters": parameters,
    }


def _exists(file: Path) -> None:
    if not file.is_file():
        received, fix = "no such file", "check the path, or train first"
    elif file.stat().st_size == 0:
        received, fix = "an empty file", "train again, or copy it again"
    elif not h5py.is_hdf5(file):
        with file.open("rb") as opened:
            received = f"a file that begins with {opened.read(8).hex(' ')}"
        fix = "pass a Keras .h5 checkpoint"
    else:
        return
    raise Refused("checkpoint: the file must be a Keras .h5 checkpoint.", received=f"{file}: {received}", fix=fix)


def _no_links(group: h5py.Group, file: Path) -> None:
    """Refuse what reaches outside the file, or lets a walk through it go in circles."""
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


def _items(group: h5py.Group) -> Iterator[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    # visititems meets every object once, so that cycles of hard links end.
    group.visititems(lambda name, item: found.append((name, item)))
    return iter(found)


def _architecture(opened: h5py.File, file: Path) -> dict[str, Any]:
    raw = opened.attrs.get("model_config")
    if raw is None:
        raise Refused(
            "checkpoint: the file must hold the architecture with the weights.",
            received=f"{file}: no attribute model_config"
            + (" (weights only)" if "layer_names" in opened.attrs else ""),
            fix="save it with model.save(...), not save_weights(...)",
        )
    try:
        config = json.loads(_text(raw))
    except (ValueError, RecursionError) as error:
        raise Refused(
            "checkpoint: the architecture must be JSON.",
            received=f"{file}: {error}",
            fix="save the model again with Keras",
        ) from error
    if not isinstance(config, dict):
        raise Refused(
            "checkpoint: the architecture must be a JSON object.",
            received=f"{file}: {type(config).__name__}",
            fix="save the model again with Keras",
        )
    return config


def _no_code(config: Any, file: Path) -> None:
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if node.get("class_name") in ("Lambda", "__lambda__"):
                raise Refused(
                    "checkpoint: a Lambda layer is never opened: it stores Python bytecode, which could do anything "
                    "on this machine.",
                    received=f'{file}: Lambda layer "{_dig(node, "config", "name") or node.get("name") or "unnamed"}"',
                    fix="rebuild the model with an ordinary layer (keras.layers or keras.ops) in its place",
                )
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _finite(opened: h5py.File, file: Path) -> int:
    """Number of values in the weights, all of them finite."""
    weights = opened.get("model_weights", opened)
    total = 0
    for name, item in _items(weights):
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiu":
            continue
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


def _text(stored: Any) -> str:
    """An attribute that must be text: Keras writes str, older ones bytes.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(stored, bytes):
        return stored.decode()
    if not isinstance(stored, str):
        raise ValueError(f"an attribute of type {type(stored).__name__} where text belongs")
    return stored


def _dig(node: Any, *keys: str) -> Any:
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node
