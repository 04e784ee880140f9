"""Read a checkpoint without believing it: structure, architecture as text, weights as numbers, nothing run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py

from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export.checkpoint import archive, hdf5
from export.checkpoint.file import File, is_archive, opened, parse, stated
from export.checkpoint.opening import Opening

SUFFIXES = (".h5", ".keras")
_CODE = ("Lambda", "__lambda__")

__all__ = ["SUFFIXES", "File", "Opening", "examine", "find", "parse", "read"]


class _Missing(Refused):
    """The file is sound, and a person must add something before it can load."""


def find(path: Path) -> Path:
    """The checkpoint that a person means by a file or a folder of `saved/`.

    Raises:
        Refused: there is none, or more than one.
    """
    if not path.is_dir():
        return path
    named = [path / f"{path.resolve().name}{suffix}" for suffix in SUFFIXES]
    found = [f for f in named if f.is_file()] or sorted(f for suffix in SUFFIXES for f in path.glob(f"*{suffix}"))
    if len(found) != 1:
        raise Refused(
            "export: the folder must hold one .h5 or .keras checkpoint.",
            received=f"{len(found)} in {path}" + "".join(f", {f.name}" for f in found[:5]),
            fix="train first, or name the file itself",
        )
    return found[0]


def read(path: str) -> dict[str, Any]:
    """Check a checkpoint and tell what it is.

    Args:
        path: the file, or an `Opening` as text.

    Returns:
        What `examine` gives.

    Raises:
        Refused: what `examine` refuses, or what it finds missing.
    """
    facts = examine(path)
    if facts["missing"]:
        rule, received, fix = facts["missing"]
        raise Refused(rule, received=received, fix=fix)
    return facts


def examine(path: str) -> dict[str, Any]:
    """Check a checkpoint as far as it can be without what it lacks.

    Args:
        path: the file, or an `Opening` as text.

    Returns:
        `sha256`, `contract` (JSON or None), `keras_version`, `parameters`, `kind`, `backend`, `optimizer`, `bytes`; and
        `missing`: rule, received and fix of what a person must add before it can load, or None.

    Raises:
        Refused: missing, empty, truncated or neither HDF5 nor a Keras archive; links out of the file; weights that are
            not finite; a contract that is broken or newer.
    """
    opening = Opening.of(path)
    file, missing = opening.path, None
    try:
        _exists(file)
        if is_archive(file):
            archive.check(file)
        with opened(file) as checked:
            hdf5.no_links(checked, file)
            found = parse(file)
            parameters = hdf5.finite(checked, file)
        contract = Contract.from_json(found.contract, source=str(file)) if found.contract else None
    except Refused:
        raise
    except Exception as error:  # damage shows as whatever h5py and numpy stumble over
        raise Refused(
            "checkpoint: the file must be whole HDF5.",
            received=f"{file}: {archive.short(error)}",
            fix="copy it again, or train again",
        ) from error
    try:
        _no_code(_architecture(opening, found), opening)
    except _Missing as refusal:
        missing = [refusal.rule, refusal.received, refusal.fix]
    return {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "contract": contract.to_json() if contract else None,
        "keras_version": found.writer.keras,
        "parameters": parameters,
        "kind": found.kind,
        "backend": found.writer.backend,
        "optimizer": found.optimizer,
        "bytes": file.stat().st_size,
        "missing": missing,
    }


def _exists(file: Path) -> None:
    if not file.is_file():
        received, fix = "no such file", "check the path, or train first"
    elif file.stat().st_size == 0:
        received, fix = "an empty file", "train again, or copy it again"
    elif not h5py.is_hdf5(file) and not is_archive(file):
        with file.open("rb") as start:
            received = f"a file that begins with {start.read(8).hex(' ')}"
        fix = "pass a Keras .h5 or .keras checkpoint"
    else:
        return
    raise Refused(
        "checkpoint: the file must be a Keras .h5 or .keras checkpoint.", received=f"{file}: {received}", fix=fix
    )


def _architecture(opening: Opening, found: File) -> Any:
    """What will be built from, as text; None where a person's own code builds it.

    Raises:
        _Missing: there is none.
        Refused: the one that was passed can't be read.
    """
    if opening.builder:
        return None
    if opening.architecture:
        return stated(opening.architecture)[0]
    if found.architecture is None:
        raise _Missing(
            "checkpoint: the file must hold the architecture with the weights.",
            received=f"{opening.path}: no attribute model_config (weights only)",
            fix="pass --architecture model.json (model.to_json()) or --builder module:function; or save it with "
            "model.save(...), not save_weights(...)",
        )
    return found.architecture


def _no_code(config: Any, opening: Opening) -> None:
    """Find Python in an architecture, unless the layer that holds it will not be opened.

    Raises:
        _Missing: there is some.
    """
    replaced = [name for name, _ in opening.replace]  # what stands where a name belongs may have no hash
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            name = _dig(node, "config", "name") or node.get("name") or "unnamed"
            if node.get("class_name") in _CODE and name in replaced:
                continue
            if node.get("class_name") in _CODE:
                raise _Missing(
                    "checkpoint: a Lambda layer is never opened: it stores Python bytecode, which could do anything "
                    "on this machine.",
                    received=f'{opening.path}: Lambda layer "{name}"',
                    fix=f"say what it computes, --replace {name}=keras.ops.relu (or a layer of --custom-objects); or "
                    "rebuild the model with an ordinary layer (keras.layers or keras.ops) in its place",
                )
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _dig(node: Any, *keys: str) -> Any:
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node
